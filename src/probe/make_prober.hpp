// From a probe's configuration to its prober; the one place that knows every kind of probe.
#pragma once

#include "config/config.hpp"
#include "core/ports.hpp"
#include "loop/event_loop.hpp"
#include "probe/curl_loop.hpp"
#include "probe/resolver.hpp"

#include <chrono>
#include <memory>

namespace healthgate::probe {

// What all probers of one daemon share. Outlives them; ends before the loop does.
struct Context {
  explicit Context(loop::EventLoop& event_loop) // throws std::system_error, std::runtime_error
      : loop(event_loop), curl(event_loop), resolver(event_loop) {}

  loop::EventLoop& loop;
  CurlLoop curl;
  Resolver resolver;
};

// `config` has passed check() of probe/check.hpp. `timeout` is absolute, for all steps of one probe together.
// The prober keeps a copy of what it needs of `config`. Nothing is connected before its first start().
[[nodiscard]] std::unique_ptr<core::Prober> make_prober(const config::ProbeConfig& config,
                                                        std::chrono::milliseconds timeout, Context& context);

} // namespace healthgate::probe
