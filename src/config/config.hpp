// The configuration as a plain value with its defaults in place. Read by config::load, never changed after;
// product.md's grammar, healthgate.conf(5) for people.
#pragma once

#include "core/allowlist.hpp"
#include "core/ruleset.hpp"
#include "core/time.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace healthgate::config {

using std::chrono::milliseconds;

enum class LogLevel { debug, info, warning, error };
enum class LogFormat { text, json, journal };
enum class TableOwner {
  automatic, // owner where the kernel grants it, persist with it where it grants that too
  yes,       // required: without it the daemon does not start
  no,        // a plain table, healed when others touch it
};
enum class OnStop { close, hold };
enum class Guard { off, reset, relay };

struct HostPort {
  std::string host; // numeric or name, without brackets
  std::uint16_t port = 0;
};

enum class Scheme { http, https, http_unix, tcp, grpc, grpcs, exec, file };

// Inclusive ranges of HTTP status codes.
struct StatusRange {
  int low = 200;
  int high = 200;
};

enum class HttpVersion { http1_0, http1_1, http2 };
enum class TlsVersion { tls1_0, tls1_1, tls1_2, tls1_3 };
enum class ProxyProtocol { off, v1, v2 };
enum class Redirects { off, same_host, any_host };

// `/pointer OP value` of expect-json. The value is JSON text (`1`, `"ok"`, `true`).
struct JsonExpectation {
  std::string pointer;
  std::string op; // == != < <= > >= exists
  std::string value;
};

struct ProbeConfig {
  std::string name; // the section's name; for a bare `probe = URL`, the URL itself
  std::string url;  // as written
  Scheme scheme = Scheme::http;
  std::string host; // without brackets
  std::uint16_t port = 0;
  std::string target;              // path and query; grpc: service name; file: path
  std::filesystem::path unix_path; // http+unix
  std::vector<std::string> argv;   // exec
  bool file_must_exist = true;     // file: `file:///path`, absent: `file-absent` key

  // Tempo; what is not set comes from the gate.
  std::optional<milliseconds> interval;
  std::optional<milliseconds> timeout;
  std::optional<int> rise;
  std::optional<int> fall;
  bool soft = false;

  // HTTP
  std::string method = "GET";
  std::string host_header; // "" = from the URL
  std::vector<std::pair<std::string, std::string>> headers;
  std::vector<StatusRange> expect_status = {{200, 200}};
  std::vector<std::pair<std::string, std::string>> expect_headers; // value "" = present
  std::string expect_body;                                         // substring
  std::string expect_body_regex;                                   // RE2
  std::vector<JsonExpectation> expect_json;
  std::optional<HttpVersion> http_version; // none: what curl and the server agree on, 1.1 in clear text
  Redirects follow_redirects = Redirects::off;
  std::size_t body_limit_bytes = 64 * 1024;

  // TLS
  std::filesystem::path ca, cert, key;
  std::string sni;         // name to send and to verify; "" = host
  std::string pinned_name; // must be among the certificate's names, whatever the host is
  TlsVersion tls_min = TlsVersion::tls1_2;
  bool insecure = false;

  // Connection
  ProxyProtocol proxy_protocol = ProxyProtocol::off;
  std::string source; // address to connect from

  // tcp
  std::string send;   // bytes after unescaping
  std::string expect; // bytes that must appear in the answer

  // exec
  std::string user; // run as; "" = the daemon's own
};

struct GateConfig {
  std::string name;
  std::uint16_t port = 0;
  std::vector<std::string> probe_lines; // as written: a URL, or @NAME of a [probe.NAME] section
  std::vector<ProbeConfig> probes;      // one each
  int require = 0;                      // how many hard probes must pass: 0 = all

  milliseconds interval{1000};
  milliseconds fast_interval{100};
  std::optional<milliseconds> down_interval; // while closed and nothing is pending; none: interval
  milliseconds timeout{500};
  int rise = 2;
  int fall = 2;
  milliseconds lease{3000};
  milliseconds soft_grace{30000};
  milliseconds min_open{0};
  int flap_limit = 0; // most transitions within flap_window; 0 = off
  milliseconds flap_window{60000};
  int jitter_percent = 0; // of each interval, both ways
  std::filesystem::path watch_pid_file;

  std::vector<core::Cidr> allow_lines;            // as written
  std::vector<std::filesystem::path> allow_files; // watched
  std::shared_ptr<const core::Allowlist> allow;   // lines and files together; never null after load
  core::Denied denied = core::Denied::drop;
  OnStop on_stop = OnStop::close;

  Guard guard = Guard::off;
  std::vector<std::uint16_t> guard_ports;
  bool guard_on_drain = false;
  std::vector<core::Address> peers;
  std::vector<std::string> peer_names; // peers given by DNS name

  std::filesystem::path drain_file;
  std::filesystem::path on_transition;
  milliseconds on_transition_timeout{5000};
  std::filesystem::path track_file;     // keepalived track_file, rewritten at each transition
  std::optional<HostPort> agent_listen; // HAProxy agent-check responder
  std::optional<HostPort> http_listen;  // healthCheckNodePort-style 200/503 responder
};

struct Config {
  LogLevel log_level = LogLevel::info;
  LogFormat log_format = LogFormat::text;
  std::optional<HostPort> metrics_listen = HostPort{"127.0.0.1", 18899};
  std::vector<core::Cidr> metrics_allow_lines;          // as written
  std::shared_ptr<const core::Allowlist> metrics_allow; // never null after load
  std::filesystem::path metrics_cert, metrics_key, metrics_token_file;
  bool metrics_insecure = false; // clear text beyond loopback is wanted
  std::filesystem::path control_socket = "/run/healthgate/control.sock";
  std::filesystem::path state_dir = "/var/lib/healthgate";
  TableOwner table_owner = TableOwner::automatic;
  bool status_public = false;
  std::vector<GateConfig> gates; // at least one after load; names and ports distinct

  std::vector<std::filesystem::path> files; // that were read, in order; empty: the built-in gate
  std::vector<std::string> notes; // sentences for the log at start, e.g. that only loopback is let in
};

// Where and why the configuration is not accepted. Printed as "FILE:LINE: KEY = VALUE: sentence".
struct ConfigError {
  std::string file; // path, "command line" or "environment"
  int line = 0;     // 0 where there is none
  std::string key;
  std::string value;
  std::string sentence; // what is wrong, what is allowed, "did you mean 'interval'?"

  [[nodiscard]] std::string to_string() const;
};

} // namespace healthgate::config
