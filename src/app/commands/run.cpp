#include "app/commands/config_source.hpp"
#include "app/daemon.hpp"
#include "app/http_endpoint.hpp"
#include "app/logging.hpp"
#include "app/predecessor.hpp"
#include "app/steering.hpp"
#include "base/log.hpp"
#include "loop/notify.hpp"
#include "loop/signal.hpp"

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <optional>
#include <vector>

namespace healthgate::app {
namespace {

// What a predecessor on the control socket, or the service manager, kept for us.
std::vector<loop::NamedFd> inherited_descriptors(std::optional<Predecessor>& predecessor) {
  return predecessor ? predecessor->take_descriptors() : loop::take_stored_fds();
}

} // namespace

int run_command(const Arguments& arguments) {
  const auto sources = config_sources(arguments);
  auto loaded = load_config(sources);
  if (!loaded) {
    std::cerr << config::to_text(loaded.error());
    return exit_config;
  }
  auto config = std::move(loaded).value();
  (void)std::signal(SIGPIPE,
                    SIG_IGN); // a peer that hangs up is an event, not our end; setting this cannot fail
  loop::EventLoop loop;
  std::unique_ptr<Daemon> daemon;
  // Before any thread starts: they inherit the mask. What comes before the daemon is there waits in the
  // kernel.
  loop::SignalWatch signals(loop, {SIGTERM, SIGINT, SIGHUP, SIGUSR1, SIGUSR2},
                            [&](const loop::Signal& signal) { daemon->on_signal(signal); });
  start_logging(config.log_level, config.log_format);
  (void)loop.feed_watchdog(); // false: nobody watches
  std::optional<Predecessor> predecessor;
  if (arguments.has("takeover")) {
    auto begun = Predecessor::begin(config.control_socket);
    if (!begun) {
      std::cerr << "healthgate run: the running daemon is not taken over: " << begun.error() << "\n";
      return exit_os;
    }
    predecessor = std::move(begun).value();
    if (!predecessor) {
      base::log::info("no daemon runs that could be taken over: starting closed");
    }
  }
  daemon = std::make_unique<Daemon>(loop, std::move(config), sources, inherited_descriptors(predecessor));
  daemon->start();
  if (predecessor) {
    if (const auto problem = predecessor->finish(); !problem.empty()) {
      base::log::warning("the predecessor has not ended yet: " + problem);
    }
  }
  Steering steering(loop, *daemon, predecessor.has_value());
  if (const auto listening = steering.listen(); !listening) {
    base::log::error("nobody can steer this daemon: " + listening.error());
  }
  daemon->on_change([&] { steering.changed(); });
  HttpEndpoint http(loop, *daemon);
  http.configure();
  daemon->on_reload([&] { http.configure(); });
  loop::notify_ready();
  const int code = loop.run();
  daemon->on_change([] {});
  if (!daemon->has_left()) {
    daemon->stop();
  }
  drain_log(std::chrono::milliseconds(500));
  // Ends here rather than by destructors: closing a netlink socket waits for the kernel's commit lock (rule
  // 5), and threads may wait for a disk that does not answer. All gates are settled.
  std::_Exit(code);
}

} // namespace healthgate::app
