#include "app/stranger_watch.hpp"

#include "base/log.hpp"
#include "core/duration_text.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

namespace healthgate::app {
namespace {

constexpr std::chrono::seconds pause{1};
constexpr std::string_view counter_suffix = "_denied";
// A load balancer asks every few seconds: when none of the allowed has for so long, the stranger may be it.
constexpr std::chrono::seconds suspicious{30};

} // namespace

StrangerWatch::StrangerWatch(core::Timers& timers, nft::Reader& reader) : timers_(timers), reader_(reader) {}

StrangerWatch::~StrangerWatch() {
  timers_.cancel(timer_);
}

void StrangerWatch::start() {
  timer_ = timers_.at(timers_.now().mono + pause, [this] {
    look();
    start();
  });
}

void StrangerWatch::look() {
  const auto counters = reader_.counters();
  if (!counters) {
    return; // the store says what is wrong with the table
  }
  for (const auto& counter : counters.value()) {
    const auto name_end = counter.name.size() - std::min(counter.name.size(), counter_suffix.size());
    if (counter.name.compare(name_end, counter_suffix.size(), counter_suffix) != 0) {
      continue;
    }
    const auto name = counter.name.substr(0, name_end);
    auto& gate = gates_[name];
    if (counter.packets != std::exchange(gate.denied, counter.packets) && counter.packets != 0) {
      look_at(name, gate);
    }
  }
}

void StrangerWatch::look_at(const std::string& name, Gate& gate) {
  const auto strangers = reader_.strangers(name);
  if (!strangers) {
    return; // not a gate: a port that has none
  }
  std::vector<core::Address> asking;
  for (const auto& reading : strangers.value()) {
    if (reading.ago <= 2 * pause) {
      asking.push_back(reading.address);
    }
  }
  const auto lines = gate.log.news(asking, timers_.now().mono);
  if (lines.empty()) {
    return;
  }
  const auto seen = reader_.seen(name);
  const bool balancer_asks = seen && !seen.value().empty() && seen.value().front().ago < suspicious;
  for (const auto& line : lines) {
    const auto source = line.address.to_string();
    const auto others =
        line.unsaid == 0 ? "" : "; " + std::to_string(line.unsaid) + " others before it got no line";
    const std::vector<base::log::Field> fields = {{"gate", name}, {"source", source}};
    if (balancer_asks) {
      base::log::info("gate " + name + ": " + source + " asks and is not allowed" + others, fields);
    } else {
      base::log::warning(
          "gate " + name + ": " + source + " asks and is not allowed, and nobody who is has asked for " +
              core::duration_text(suspicious) + "; if it is the load balancer: allow = " + source + others,
          fields);
    }
  }
}

} // namespace healthgate::app
