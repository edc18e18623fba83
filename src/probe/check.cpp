#include "probe/check.hpp"

#include "probe/child_process.hpp"
#include "probe/endpoint.hpp"
#include "probe/matchers.hpp"

#include <cerrno>
#include <system_error>
#include <unistd.h>

namespace healthgate::probe {
namespace {

std::optional<std::string> check_exec(const config::ProbeConfig& config) {
  const auto& program = config.argv.front();
  if (::access(program.c_str(), X_OK) != 0) {
    return "probe: cannot run " + program + ": " + std::generic_category().message(errno);
  }
  if (!config.user.empty()) {
    if (const auto identity = find_identity(config.user); !identity) {
      return "user: " + identity.error();
    }
  }
  return std::nullopt;
}

std::optional<std::string> check_file(const char* key, const std::filesystem::path& path) {
  if (path.empty() || ::access(path.c_str(), R_OK) == 0) {
    return std::nullopt;
  }
  return std::string(key) + ": cannot read " + path.string() + ": " + std::generic_category().message(errno);
}

} // namespace

std::optional<std::string> check(const config::ProbeConfig& config) {
  if (const auto matchers = Matchers::compile(config); !matchers) {
    return matchers.error();
  }
  if (!config.source.empty() && numeric_endpoint(config.source, 0).length == 0) {
    return "source: '" + config.source + "' is not an address";
  }
  if (config.scheme == config::Scheme::http_unix && unix_endpoint(config.unix_path.string()).length == 0) {
    return "probe: the socket's path is longer than the 107 bytes that the kernel takes";
  }
  for (const auto& [key, path] : {std::pair{"ca", config.ca}, {"cert", config.cert}, {"key", config.key}}) {
    if (auto sentence = check_file(key, path)) {
      return sentence;
    }
  }
  return config.scheme == config::Scheme::exec ? check_exec(config) : std::nullopt;
}

} // namespace healthgate::probe
