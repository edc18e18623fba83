// Gate: what administrators want of it.
#include "app/gate.hpp"
#include "base/log.hpp"

#include <sys/stat.h>
#include <utility>

namespace healthgate::app {
namespace {

namespace log = base::log;

} // namespace

void Gate::look_at_drain_file() {
  const auto& path = config_.drain_file;
  if (path.empty()) {
    drain_watch_ = loop::PathWatch();
    override_.set_drain_file(std::nullopt);
    return;
  }
  drain_watch_ = loop::PathWatch(services_.loop, path.string(), [this] {
    look_at_drain_file();
    decide("override", "", "");
    settle();
  });
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0) {
    override_.set_drain_file(core::WallTime(std::chrono::seconds(found.st_mtim.tv_sec)));
  } else {
    override_.set_drain_file(std::nullopt);
  }
}

std::string Gate::order(core::OverrideOrder order) {
  const auto kind = order.kind;
  const auto who = order.who;
  if (!override_.order(std::move(order))) {
    return "gate " + config_.name + " is drained, which wins over force-open; `healthgate auto " +
           config_.name + "` ends the drain";
  }
  services_.override_changed(override_.remembered());
  log::info("gate " + config_.name + ": " + core::to_string(kind) + " by " + who,
            {{"gate", config_.name}, {"override", core::to_string(kind)}, {"who", who}});
  decide("override", "", who);
  settle();
  return "";
}

std::string Gate::end_override(const std::string& who) {
  if (!override_.end()) {
    const auto effective = override_.effective();
    return effective ? "gate " + config_.name + " is drained by the file " + config_.drain_file.string() +
                           "; remove it to end the drain"
                     : "";
  }
  services_.override_changed(override_.remembered());
  log::info("gate " + config_.name + ": override ended by " + who, {{"gate", config_.name}, {"who", who}});
  decide("override", "override ended", who);
  settle();
  return "";
}

void Gate::restore(core::OverrideOrder order) {
  if (order.until && *order.until <= services_.loop.now().wall) {
    log::info("gate " + config_.name + ": the override by " + order.who + " ended while no daemon ran",
              {{"gate", config_.name}, {"who", order.who}});
    services_.override_changed(std::nullopt);
    return;
  }
  (void)override_.order(std::move(order)); // true: there is none before it
}

} // namespace healthgate::app
