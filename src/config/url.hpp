// The URL of a probe.
#pragma once

#include "config/config.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace healthgate::config {

// Puts what `text` says into url, scheme, host, port, target, unix_path and argv of `probe`. A failure is the
// sentence, and `probe` is as before.
//   http://HOST[:80][/URI]   https://HOST[:443][/URI]   http+unix:///PATH:/URI   tcp://HOST:PORT
//   grpc://HOST:PORT[/SERVICE]   grpcs://...   exec:/PATH [ARGUMENT...]   file:///PATH
[[nodiscard]] std::optional<std::string> read_url(std::string_view text, ProbeConfig& probe);

[[nodiscard]] std::string_view scheme_name(Scheme scheme);
[[nodiscard]] const std::vector<std::string>& scheme_names();

} // namespace healthgate::config
