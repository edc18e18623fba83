// A prober whose answers a test gives by hand.
#pragma once

#include "core/ports.hpp"

#include <cassert>
#include <utility>

namespace healthgate::test {

class FakeProber final : public core::Prober {
public:
  void start(Done done) override {
    assert(!done_);
    done_ = std::move(done);
    ++starts_;
  }
  void cancel() override { done_ = nullptr; }
  void on_hint(Hint hint) override { hint_ = std::move(hint); }

  [[nodiscard]] bool running() const { return static_cast<bool>(done_); }
  [[nodiscard]] int starts() const { return starts_; }

  // Ends the running probe.
  void answer(core::ProbeResult result) {
    assert(done_);
    std::exchange(done_, nullptr)(std::move(result));
  }
  void pass(std::string detail = "HTTP 200") {
    core::ProbeResult result;
    result.passed = true;
    result.detail = std::move(detail);
    answer(std::move(result));
  }
  void fail(core::FailureClass failure = core::FailureClass::status, std::string detail = "HTTP 500") {
    core::ProbeResult result;
    result.failure = failure;
    result.detail = std::move(detail);
    answer(std::move(result));
  }
  void hint(std::string why) {
    if (hint_) {
      hint_(std::move(why));
    }
  }

private:
  Done done_;
  Hint hint_;
  int starts_ = 0;
};

} // namespace healthgate::test
