#include "app/commands/daemon_client.hpp"

#include "config/keys.hpp"
#include "config/lexer.hpp"
#include "config/load.hpp"
#include "config/values.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <optional>
#include <unistd.h>
#include <vector>

namespace healthgate::app {
namespace {

// The last value in this text's global section; none when it has none.
std::optional<std::string> setting_in(const std::filesystem::path& file, const std::string& text,
                                      const std::string& key) {
  std::optional<std::string> found;
  for (const auto& entry : config::lex(file.string(), text).entries) {
    if (entry.kind == config::Entry::Kind::setting && entry.section.empty() && entry.key == key) {
      found = entry.value;
    }
  }
  return found;
}

// conf.d/*.conf beside the main file, as config::load reads them.
std::vector<std::filesystem::path> drop_ins(const config::Files& files, const std::filesystem::path& main) {
  auto listed = files.list(main.parent_path() / "conf.d");
  if (!listed) {
    return {};
  }
  auto paths = std::move(listed).value();
  paths.erase(std::remove_if(paths.begin(), paths.end(),
                             [](const auto& path) {
                               return path.extension() != ".conf" || path.filename().string().front() == '.';
                             }),
              paths.end());
  std::sort(paths.begin(), paths.end());
  return paths;
}

// A global key that names a path: the environment, then the last of the configuration's files. These alone,
// because a configuration with errors must keep nobody from steering the daemon that runs with the one
// before.
base::Result<std::filesystem::path, std::string>
global_path(const Arguments& arguments, const std::string& key, const std::filesystem::path& otherwise) {
  const char* const environment = std::getenv(config::environment_name(key).c_str());
  if (environment != nullptr && *environment != '\0') {
    return std::filesystem::path(environment);
  }
  const auto files = config::host_files();
  const std::filesystem::path main = arguments.value("config", config::default_file);
  const auto text = files.read(main);
  if (!text && arguments.has("config")) {
    return base::Failure{main.string() + ": it cannot be read: " + text.error().sentence};
  }
  auto found = text ? setting_in(main, text.value(), key) : std::nullopt;
  for (const auto& file : drop_ins(files, main)) {
    const auto more = files.read(file);
    auto later = more ? setting_in(file, more.value(), key) : std::nullopt;
    found = later ? later : found;
  }
  return found ? std::filesystem::path(*found) : otherwise;
}

} // namespace

base::Result<std::filesystem::path, std::string> control_socket(const Arguments& arguments) {
  if (arguments.has("control")) {
    return std::filesystem::path(arguments.value("control"));
  }
  return global_path(arguments, "control-socket", config::Config().control_socket);
}

base::Result<std::filesystem::path, std::string> state_directory(const Arguments& arguments) {
  return global_path(arguments, "state-dir", config::Config().state_dir);
}

control::Request make_request(control::Command command) {
  control::Request request;
  request.command = command;
  const char* const sudo_user = std::getenv("SUDO_USER");
  if (sudo_user != nullptr && ::geteuid() == 0 && std::string(sudo_user) != "root") {
    request.sudo_user = sudo_user;
  }
  return request;
}

base::Result<control::Response, std::string>
try_daemon(const Arguments& arguments, const control::Request& request, std::chrono::milliseconds longest) {
  const auto path = control_socket(arguments);
  if (!path) {
    return base::Failure{path.error()};
  }
  auto client = control::Client::connect(path.value(), longest);
  if (!client) {
    return base::Failure{client.error().sentence};
  }
  auto response = client.value().ask(request, longest);
  if (!response) {
    const bool maybe_done = !control::only_reads(request.command);
    return base::Failure{response.error().sentence +
                         (maybe_done ? "; whether it was done is not known" : "")};
  }
  return std::move(response).value();
}

base::Result<std::string, int> ask_daemon(const Arguments& arguments, const control::Request& request,
                                          std::chrono::milliseconds longest) {
  const auto response = try_daemon(arguments, request, longest);
  if (!response) {
    return base::Failure{complain(request.command, response.error(), exit_unknown)};
  }
  if (!response.value().ok) {
    return base::Failure{
        complain(request.command, response.value().error, exit_code_of(response.value().kind))};
  }
  return response.value().result;
}

int carry_out(const Arguments& arguments, const control::Request& request,
              std::chrono::milliseconds longest) {
  const auto result = ask_daemon(arguments, request, longest);
  if (!result) {
    return result.error();
  }
  const auto message = control::message_from_json(result.value());
  if (!message) {
    return complain(request.command, message.error(), exit_unknown);
  }
  const auto& text = message.value().text;
  std::cout << text << (text.empty() || text.back() == '\n' ? "" : "\n");
  return message.value().good ? exit_done : exit_no;
}

bool take_gate_or_all(const Arguments& arguments, control::Request& request) {
  request.gate = arguments.operand(0);
  request.all = arguments.has("all");
  if (request.gate.empty() == request.all) {
    return true;
  }
  const auto name = std::string("'") + control::to_string(request.command) + "'";
  complain(request.command,
           request.all ? name + " takes a gate's name or --all, not both"
                       : name + " needs a gate's name, or --all",
           exit_unknown);
  return false;
}

bool take_duration_and_reason(const Arguments& arguments, control::Request& request) {
  request.reason = arguments.value("reason");
  if (!arguments.has("for")) {
    return true;
  }
  const auto duration = config::parse_duration(arguments.value("for"));
  if (!duration) {
    complain(request.command, "option '--for': " + duration.error(), exit_unknown);
    return false;
  }
  if (duration.value().count() == 0) {
    complain(request.command, "option '--for': it would end at once; leave it out to have no end",
             exit_unknown);
    return false;
  }
  request.duration = duration.value();
  return true;
}

int complain(control::Command command, const std::string& sentence, int exit_code) {
  std::cerr << "healthgate " << control::to_string(command) << ": " << sentence << "\n";
  return exit_code;
}

int exit_code_of(control::Refusal kind) {
  switch (kind) {
  case control::Refusal::refused:
    return exit_no;
  case control::Refusal::usage:
  case control::Refusal::denied:
  case control::Refusal::failed:
    return exit_unknown;
  }
  return exit_unknown;
}

} // namespace healthgate::app
