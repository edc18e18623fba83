// What on this host would still stop the load balancer, and what to do about it.
#include "app/commands/config_source.hpp"
#include "app/commands/daemon_client.hpp"
#include "app/commands/terminal.hpp"
#include "app/doctor/checks.hpp"
#include "app/doctor/report.hpp"
#include "observe/json.hpp"

#include <iostream>

namespace healthgate::app {
namespace {

using doctor::DaemonState;

DaemonState::Kind kind_of(control::ClientError::Kind kind) {
  const bool nobody =
      kind == control::ClientError::Kind::missing || kind == control::ClientError::Kind::refused;
  return nobody ? DaemonState::Kind::absent : DaemonState::Kind::unreadable;
}

DaemonState ask(const Arguments& arguments, const config::Config& config) {
  const auto socket =
      arguments.has("control") ? std::filesystem::path(arguments.value("control")) : config.control_socket;
  DaemonState daemon;
  daemon.kind = DaemonState::Kind::unreadable;
  auto client = control::Client::connect(socket, answer_limit);
  if (!client) {
    daemon.kind = kind_of(client.error().kind);
    daemon.why = client.error().sentence;
    return daemon;
  }
  const auto response = client.value().ask(make_request(control::Command::status), answer_limit);
  if (!response || !response.value().ok) {
    daemon.why = response ? response.value().error : response.error().sentence;
    return daemon;
  }
  auto snapshot = observe::snapshot_from_json(response.value().result);
  if (!snapshot) {
    daemon.why = snapshot.error();
    return daemon;
  }
  daemon.kind = DaemonState::Kind::running;
  daemon.snapshot = std::move(snapshot).value();
  return daemon;
}

} // namespace

int doctor_command(const Arguments& arguments) {
  const auto config = load_or_complain(arguments);
  if (!config) {
    return exit_unknown;
  }
  const DaemonState daemon = ask(arguments, *config);
  const auto findings = doctor::examine({*config, daemon});
  std::cout << (arguments.has("json") ? doctor::to_json(findings)
                                      : doctor::to_text(findings, wants_colour()));
  return doctor::exit_code_of(findings);
}

} // namespace healthgate::app
