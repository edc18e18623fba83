#include "probe/check.hpp"

#include "probe/child_process.hpp"
#include "probe/endpoint.hpp"
#include "probe/json_expectation.hpp"
#include "probe/matchers.hpp"

#include <cerrno>
#include <system_error>
#include <unistd.h>

namespace healthgate::probe {
namespace {

using Problems = std::vector<CheckProblem>;

std::string error_text() {
  return std::generic_category().message(errno);
}

void check_exec(const config::ProbeConfig& config, Problems& problems) {
  const auto& program = config.argv.front();
  if (::access(program.c_str(), X_OK) != 0) {
    problems.push_back({"url", config.url, "cannot run " + program + ": " + error_text()});
  }
  if (!config.user.empty()) {
    if (const auto identity = find_identity(config.user); !identity) {
      problems.push_back({"user", config.user, identity.error()});
    }
  }
}

void check_file(const char* key, const std::filesystem::path& path, Problems& problems) {
  if (!path.empty() && ::access(path.c_str(), R_OK) != 0) {
    problems.push_back({key, path.string(), "cannot read it: " + error_text()});
  }
}

void check_matchers(const config::ProbeConfig& config, Problems& problems) {
  if (const auto problem = Matchers::check_regex(config.expect_body_regex); !problem.empty()) {
    problems.push_back({"expect-body-regex", config.expect_body_regex, problem});
  }
  for (const auto& line : config.expect_json) {
    if (const auto compiled = JsonExpectation::compile(line); !compiled) {
      const auto value = line.pointer + " " + line.op + (line.value.empty() ? "" : " " + line.value);
      problems.push_back({"expect-json", value, compiled.error()});
    }
  }
}

} // namespace

Problems check(const config::ProbeConfig& config) {
  Problems problems;
  check_matchers(config, problems);
  if (!config.source.empty() && numeric_endpoint(config.source, 0).length == 0) {
    problems.push_back({"source", config.source, "it is not an address of this host"});
  }
  if (config.scheme == config::Scheme::http_unix && unix_endpoint(config.unix_path.string()).length == 0) {
    problems.push_back(
        {"url", config.url, "the socket's path is longer than the 107 bytes that the kernel takes"});
  }
  check_file("ca", config.ca, problems);
  check_file("cert", config.cert, problems);
  check_file("key", config.key, problems);
  if (config.scheme == config::Scheme::exec) {
    check_exec(config, problems);
  }
  return problems;
}

} // namespace healthgate::probe
