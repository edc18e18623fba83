// Collects what the gates want of the kernel's table, so that a thousand gates that flip at once make one
// transaction: the table is built and handed over once, in the loop's next iteration.
#pragma once

#include "core/ports.hpp"

#include <cstdint>
#include <functional>

namespace healthgate::app {

class RulesetPublisher {
public:
  using Build = std::function<core::Ruleset(std::uint64_t revision)>;

  // `build` is called from the loop, once all gates have said what they want.
  RulesetPublisher(core::Timers& timers, core::RulesetStore& store, Build build);
  ~RulesetPublisher();
  RulesetPublisher(const RulesetPublisher&) = delete;
  RulesetPublisher& operator=(const RulesetPublisher&) = delete;

  // Asks for the table to be built anew; the revision that it will have. A report of that revision, or a
  // later one, proves that the kernel holds what was wanted at the time of this call.
  std::uint64_t request();
  // What is wanted is handed over at once rather than in the next iteration.
  void flush();
  [[nodiscard]] std::uint64_t last_revision() const { return revision_; }

private:
  void publish();

  core::Timers& timers_;
  core::RulesetStore& store_;
  Build build_;
  std::uint64_t revision_ = 1; // the table that Store::start() installs
  core::Timers::Id timer_ = 0;
};

} // namespace healthgate::app
