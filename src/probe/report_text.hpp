// One probe's result for a person (`healthgate probe`) and for a program (`--json`).
#pragma once

#include "config/config.hpp"
#include "core/probe_result.hpp"

#include <nlohmann/json.hpp>

#include <string>

namespace healthgate::probe {

// At most ten lines, each with its newline, aligned; the verdict in colour if `colour`:
//   router  http://localhost:1936/healthz/ready
//     resolve      0.1 ms  localhost -> ::1, 127.0.0.1
//     connect      0.3 ms  ::1 refused, 127.0.0.1
//     first byte   1.2 ms  HTTP/1.1 200 OK
//     match        1.3 ms  status 200 as expected
//     PASSED in 1.4 ms (timeout 500 ms)
[[nodiscard]] std::string report_text(const std::string& gate, const config::ProbeConfig& config,
                                      const core::ProbeResult& result, core::Duration timeout, bool colour);

// {"passed", "class", "detail", "answered_by", "took_seconds", "steps": [{"name", "at_seconds", "detail",
// "ok"}]}
[[nodiscard]] nlohmann::json to_json(const core::ProbeResult& result);

} // namespace healthgate::probe
