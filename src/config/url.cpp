#include "config/url.hpp"

#include "config/keys.hpp"
#include "config/text.hpp"
#include "config/values.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <utility>

namespace healthgate::config {
namespace {

using Problem = std::optional<std::string>;

constexpr std::array<std::pair<std::string_view, Scheme>, 8> schemes = {{{"http", Scheme::http},
                                                                         {"https", Scheme::https},
                                                                         {"http+unix", Scheme::http_unix},
                                                                         {"tcp", Scheme::tcp},
                                                                         {"grpc", Scheme::grpc},
                                                                         {"grpcs", Scheme::grpcs},
                                                                         {"exec", Scheme::exec},
                                                                         {"file", Scheme::file}}};

std::uint16_t default_port(Scheme scheme) {
  switch (scheme) {
  case Scheme::http:
    return 80;
  case Scheme::https:
    return 443;
  case Scheme::http_unix:
  case Scheme::tcp:
  case Scheme::grpc:
  case Scheme::grpcs:
  case Scheme::exec:
  case Scheme::file:
    return 0;
  }
  return 0;
}

// What may stand in a request's target: visible ASCII. A fragment is never sent (RFC 9110, 7.1).
Problem judge_target(std::string_view target) {
  if (target.find('#') != std::string_view::npos) {
    return "a URL's fragment ('#...') is never sent; leave it out, or write %23";
  }
  const bool visible = std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7F; });
  return visible ? Problem()
                 : "the path of a URL has no blanks and no other letters than ASCII; write them as %20";
}

// HOST, HOST:PORT, [ADDRESS], [ADDRESS]:PORT
Problem read_authority(std::string_view text, ProbeConfig& probe) {
  if (text.find('@') != std::string_view::npos) {
    return "no name or password in a URL; use `header = Authorization: ...` in a [probe.NAME] section";
  }
  std::string_view port;
  std::string_view host = text;
  const std::size_t bracket = begins_with(text, "[") ? text.find(']') : std::string_view::npos;
  const std::size_t colon = text.find(':', bracket == std::string_view::npos ? 0 : bracket);
  if (colon != std::string_view::npos) {
    host = text.substr(0, colon);
    port = text.substr(colon + 1);
  }
  if (bracket != std::string_view::npos) {
    host = host.substr(1, bracket - 1);
    const bool v6 = host.find(':') != std::string_view::npos && is_numeric_address(host);
    if (!v6 || std::min(colon, text.size()) != bracket + 1) {
      return "an IPv6 address in a URL stands in brackets: [::1]:1936";
    }
  } else if (port.find(':') != std::string_view::npos) {
    return "an IPv6 address in a URL stands in brackets: [::1]:1936";
  } else if (!is_host_name(host)) {
    return host.empty() ? "the URL names no host" : "'" + shown(host) + "' is no host's name or address";
  }
  if (colon == std::string_view::npos && probe.port == 0) {
    return std::string(scheme_name(probe.scheme)) +
           " needs a port: " + std::string(scheme_name(probe.scheme)) + "://" + shown(text) + ":PORT";
  }
  if (colon != std::string_view::npos) {
    const auto number = parse_port(port);
    if (!number) {
      return number.error();
    }
    probe.port = number.value();
  }
  probe.host = host;
  return std::nullopt;
}

Problem read_http_unix(std::string_view rest, ProbeConfig& probe) {
  const std::size_t colon = rest.find(":/");
  const auto path = parse_socket_path(rest.substr(0, colon));
  if (!path) {
    return path.error() + "; written as http+unix:///PATH:/URI";
  }
  probe.unix_path = path.value();
  probe.target = colon == std::string_view::npos ? "/" : rest.substr(colon + 1);
  probe.host = "localhost"; // for the Host header
  return judge_target(probe.target);
}

Problem read_exec(std::string_view rest, ProbeConfig& probe) {
  auto words = split_words(rest);
  if (!words) {
    return words.error();
  }
  if (words.value().empty() || !begins_with(words.value().front(), "/")) {
    return "a program is named by its whole path: exec:/usr/libexec/check-bgp --peer 192.0.2.1";
  }
  probe.argv = std::move(words).value();
  return std::nullopt;
}

Problem read_network(std::string_view rest, ProbeConfig& probe) {
  const std::size_t slash = std::min(rest.find_first_of("/?#"), rest.size());
  const std::string_view target = rest.substr(slash);
  if (Problem problem = read_authority(rest.substr(0, slash), probe)) {
    return problem;
  }
  if (Problem problem = judge_target(target)) {
    return problem;
  }
  switch (probe.scheme) {
  case Scheme::http:
  case Scheme::https:
    probe.target = (begins_with(target, "/") ? "" : "/") + std::string(target);
    return std::nullopt;
  case Scheme::tcp:
    return target.empty() || target == "/" ? Problem() : "a tcp probe has no path: tcp://HOST:PORT";
  case Scheme::grpc:
  case Scheme::grpcs:
    probe.target = target.empty() ? target : target.substr(1); // the service's name; "" is the whole server
    return target.find('?') == std::string_view::npos ? Problem()
                                                      : "a grpc probe has no query: grpc://HOST:PORT/SERVICE";
  case Scheme::http_unix:
  case Scheme::exec:
  case Scheme::file:
    break;
  }
  assert(false && "not a scheme of the network");
  return std::nullopt;
}

// What follows "SCHEME:".
Problem read_rest(std::string_view rest, ProbeConfig& probe) {
  const bool slashes = begins_with(rest, "//");
  const std::string_view local =
      begins_with(rest, "///") ? rest.substr(2) : rest; // file:/p is file:///p, RFC 8089
  switch (probe.scheme) {
  case Scheme::exec:
    return read_exec(local, probe);
  case Scheme::file:
    if (!begins_with(local, "/") || begins_with(local, "//") || local == "/") {
      return "a file is named by its whole path: file:///run/service.ready";
    }
    probe.target = local;
    return std::nullopt;
  case Scheme::http_unix:
    return slashes ? read_http_unix(rest.substr(2), probe) : "written as http+unix:///PATH:/URI";
  case Scheme::http:
  case Scheme::https:
  case Scheme::tcp:
  case Scheme::grpc:
  case Scheme::grpcs:
    return slashes
               ? read_network(rest.substr(2), probe)
               : "after the scheme come two slashes: " + std::string(scheme_name(probe.scheme)) + "://HOST";
  }
  return std::nullopt;
}

} // namespace

std::optional<std::string> read_url(std::string_view text, ProbeConfig& probe) {
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) {
    return "neither a URL, as http://localhost:1936/healthz/ready, nor @NAME of a [probe.NAME] section";
  }
  const std::string name = lower(text.substr(0, colon));
  const auto found =
      std::find_if(schemes.begin(), schemes.end(), [&](const auto& scheme) { return scheme.first == name; });
  if (found == schemes.end()) {
    const std::string match = near_match(name, scheme_names());
    return "'" + shown(name) + "' is no scheme of a probe; allowed: " + join(scheme_names(), " or ") +
           (match.empty() ? "" : "; did you mean '" + match + "'?");
  }
  ProbeConfig read = probe;
  read.url = text;
  read.scheme = found->second;
  read.host.clear();
  read.target.clear();
  read.unix_path.clear();
  read.argv.clear();
  read.port = default_port(read.scheme);
  if (Problem problem = read_rest(text.substr(colon + 1), read)) {
    return problem;
  }
  probe = std::move(read);
  return std::nullopt;
}

std::string_view scheme_name(Scheme scheme) {
  return std::find_if(schemes.begin(), schemes.end(), [&](const auto& row) { return row.second == scheme; })
      ->first;
}

const std::vector<std::string>& scheme_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out(schemes.size());
    std::transform(schemes.begin(), schemes.end(), out.begin(),
                   [](const auto& row) { return std::string(row.first); });
    return out;
  }();
  return names;
}

} // namespace healthgate::config
