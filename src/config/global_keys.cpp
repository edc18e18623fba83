#include "config/key_table.hpp"

namespace healthgate::config {
namespace {

std::vector<Row<Config>> make_rows() {
  const RowMaker<Config> make(Scope::global);
  return {
      make.choice<LogLevel>("log-level", &Config::log_level,
                            {{"debug", LogLevel::debug},
                             {"info", LogLevel::info},
                             {"warning", LogLevel::warning},
                             {"error", LogLevel::error}},
                            Effect::live, "least important messages that are logged"),
      make.choice<LogFormat>(
          "log-format", &Config::log_format,
          {{"text", LogFormat::text}, {"json", LogFormat::json}, {"journal", LogFormat::journal}},
          Effect::live, "lines of text or JSON on standard error, or the journal's own protocol with fields"),
      make.listen("metrics-listen", &Config::metrics_listen,
                  "where page, metrics, status and liveness are served"),
      make.networks("metrics-allow", &Config::metrics_allow_lines,
                    "who may connect to metrics-listen beside loopback"),
      make.path("metrics-cert", &Config::metrics_cert, Effect::listen,
                "certificate chain (PEM) for metrics-listen"),
      make.path("metrics-key", &Config::metrics_key, Effect::listen, "private key (PEM) of metrics-cert"),
      make.path("metrics-token-file", &Config::metrics_token_file, Effect::listen,
                "file with the bearer token that metrics-listen asks for"),
      make.yes_no("metrics-insecure", &Config::metrics_insecure, Effect::live,
                  "let metrics-listen leave loopback without TLS"),
      make.single("control-socket", "path", "at most 107 bytes", &Config::control_socket, Effect::restart,
                  "socket of status, drain, reload and their like", parse_socket_path,
                  [](const std::filesystem::path& value) { return value.string(); }),
      make.path("state-dir", &Config::state_dir, Effect::restart,
                "overrides and history outlive a restart here"),
      make.choice<TableOwner>(
          "table-owner", &Config::table_owner,
          {{"auto", TableOwner::automatic}, {"yes", TableOwner::yes}, {"no", TableOwner::no}},
          Effect::restart,
          "whether the nftables table belongs to the daemon, so that nobody else can flush it"),
      make.yes_no("status-public", &Config::status_public, Effect::live,
                  "let every local user ask for status and history"),
  };
}

} // namespace

const std::vector<Row<Config>>& global_rows() {
  static const std::vector<Row<Config>> rows = make_rows();
  return rows;
}

} // namespace healthgate::config
