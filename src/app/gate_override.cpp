// Gate: what administrators want of it.
#include "app/gate.hpp"
#include "base/log.hpp"

#include <cerrno>
#include <sys/stat.h>
#include <system_error>
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
    follow_override("drain-file removed", "");
  });
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0) {
    override_.set_drain_file(core::WallTime(std::chrono::seconds(found.st_mtim.tv_sec)));
    return;
  }
  override_.set_drain_file(std::nullopt);
  const int error = errno == ENOENT || errno == ENOTDIR ? drain_watch_.error() : errno;
  if (error != 0) {
    log::warning(
        "gate " + config_.name + ": drain-file " + path.string() +
            " is taken as absent, but that is not certain: " + std::generic_category().message(error),
        {{"gate", config_.name}});
  }
}

std::string Gate::order(core::OverrideOrder order) {
  const auto before = override_.effective();
  if (order.kind == core::OverrideKind::force_open && before && before->kind == core::OverrideKind::drain) {
    return "gate " + config_.name + " is drained by " + before->who + ", which wins over force-open; " +
           how_to_end_drain();
  }
  (void)override_.order(order); // true: no drain is in force
  services_.override_changed(override_.remembered());
  follow_override("", order.who);
  return "";
}

std::string Gate::end_override(const std::string& who) {
  if (override_.end()) {
    services_.override_changed(override_.remembered());
    follow_override("override ended by " + who, who);
  }
  return override_.effective() ? "gate " + config_.name + " is still drained; " + how_to_end_drain() : "";
}

std::string Gate::how_to_end_drain() const {
  return override_.remembered() ? "`healthgate auto " + config_.name + "` ends the drain"
                                : "remove the file " + config_.drain_file.string() + " to end the drain";
}

// The override may be another: decide anew, and tell it also where the verdict stays as it is. `evidence` is
// for the case that there is none any more.
void Gate::follow_override(const std::string& evidence, const std::string& who) {
  const auto now_in_force = override_.effective();
  const bool other = now_in_force != told_override_;
  told_override_ = now_in_force;
  if (other) {
    const auto what =
        now_in_force ? core::to_string(now_in_force->kind) + (" by " + now_in_force->who) : evidence;
    log::info("gate " + config_.name + ": " + what,
              {{"gate", config_.name},
               {"override", now_in_force ? core::to_string(now_in_force->kind) : "none"},
               {"who", who}});
  }
  const bool open = reconciler_.wants_open();
  decide("override", evidence, who);
  if (other && started_ && open == reconciler_.wants_open()) {
    note_override(evidence, who);
  }
  settle();
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
