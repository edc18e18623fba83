// From files, environment and command line to one Config, or to every error that stands in them.
//
// Sources, each overriding what stands before it: the file, conf.d/*.conf beside it in lexical order,
// HEALTHGATE_* of the environment, the command line. In a file a single-valued key stands once in a section;
// in a later file it replaces the earlier one. The lines of a multi-valued key add up, also across files,
// until an empty value
// (`allow =`) begins anew; environment and command line replace them.
#pragma once

#include "base/result.hpp"
#include "config/config.hpp"
#include "config/files.hpp"
#include "config/keys.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace healthgate::config {

inline constexpr const char* default_file = "/etc/healthgate/healthgate.conf";

struct Sources {
  using Pairs = std::vector<std::pair<std::string, std::string>>;

  // Named by the user: it must exist. None: default_file, which need not.
  std::optional<std::filesystem::path> file;
  // Names and values; only names that begin with HEALTHGATE_ are looked at. HEALTHGATE_LOG_LEVEL is
  // `log-level`, HEALTHGATE_GATE_ROUTER_FAST_INTERVAL is `fast-interval` of [gate.router]. A name that is no
  // key is passed over (a kubelet sets HEALTHGATE_SERVICE_HOST and its like for a Service of that name); a
  // near miss makes a note.
  Pairs environment;
  // Without the dashes: {"log-level", "debug"}, {"gate.router.port", "18898"}.
  Pairs command_line;
  Files files = host_files();
};

// What a command reads: this process's environment and the host's files.
[[nodiscard]] Sources process_sources(std::optional<std::filesystem::path> file,
                                      Sources::Pairs command_line = {});

// Reads and judges everything. Either the whole Config, or all errors in the order of the sources. Nothing
// else is touched and nothing kept, so it may run on any thread; it blocks while files are read (an
// allow-file of a million lines takes about a second).
[[nodiscard]] base::Result<Config, std::vector<ConfigError>> load(const Sources& sources);

// Each error on a line of its own.
[[nodiscard]] std::string to_text(const std::vector<ConfigError>& errors);

// The files whose change alone calls for a reload: every allow-file, and metrics-listen's certificate, key
// and token; sorted, once each. A ConfigMap swaps a symlink above them: watch by path, not by inode.
[[nodiscard]] std::vector<std::filesystem::path> watched_files(const Config& config);

} // namespace healthgate::config
