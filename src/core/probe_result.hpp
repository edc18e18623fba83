// What one probe of a service found. Passive data, made by probe/, judged by GateDecider, shown by observe/.
#pragma once

#include "core/time.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace healthgate::core {

// Why a probe failed; the `class` label of healthgate_probe_failures_total.
enum class FailureClass {
  none,     // it passed
  timeout,  // the absolute deadline passed, at whatever step
  refused,  // the connection was refused (RST to our SYN), or the unix socket or file is not there
  reset,    // the peer ended the connection before the answer was whole
  dns,      // the name did not resolve
  tls,      // handshake or certificate
  status,   // an answer, but not the expected HTTP or gRPC status
  mismatch, // the expected status, but header, body or JSON did not match
  protocol, // not the protocol that was asked for, or over a limit (body cap, header cap, endless 1xx)
  exec,     // the script could not be run or said no
};

// One step of a probe on the way to its answer, for `healthgate probe` and the history's evidence.
struct ProbeStep {
  std::string name;   // resolve, connect, tls, first-byte, body, match, ...
  Duration at{};      // since the probe's start
  std::string detail; // for people: "::1 refused, 127.0.0.1 answered", "CN=router, 42 days left"
  bool ok = true;
};

struct ProbeResult {
  bool passed = false;
  FailureClass failure = FailureClass::none;
  std::string
      detail; // one short line: "HTTP 200", "HTTP 503", "connection refused", "no answer within 500ms"
  std::string answered_by; // address that answered, "" when none did
  TimePoint started{};
  Duration took{};
  std::vector<ProbeStep> steps;
};

// "timeout", "refused", ... as in the metric's label; "none" for a pass.
std::string_view to_string(FailureClass failure);

} // namespace healthgate::core
