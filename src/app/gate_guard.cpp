// Gate: its guard.
#include "app/gate.hpp"
#include "base/log.hpp"

#include <utility>

namespace healthgate::app {

namespace log = base::log;

// Called at the beginning and at every reload.
void Gate::make_guard(bool new_probes) {
  if (config_.guard == config::Guard::off) {
    if (guard_) {
      guard_->lift();
      guard_.reset();
      named_peers_.reset();
    }
  } else if (guard_) {
    guard_->reconfigure(config_, new_probes);
    on_guard_changed();
  } else {
    guard_ =
        std::make_unique<Guard>(config_, Guard::Services{services_.loop, services_.store, services_.probes,
                                                         services_.random, [this] { on_guard_changed(); }});
    if (started_) {
      guard_->start();
    }
  }
}

GateForm Gate::form() const {
  GateForm form{reconciler_.form(), comment_, {}, named_peers_};
  if (guard_) {
    form.guard = guard_->rules();
  }
  return form;
}

// Peers, or what the guard says of itself, are others than before. Peers may ask without being listed twice.
void Gate::on_guard_changed() {
  const auto named = guard_->peers_by_name();
  named_peers_ = named.empty() ? nullptr : core::with_addresses(*config_.allow, named);
  if (started_ && !stopping_) {
    if (!named.empty() && reconciler_.wants_open()) {
      tell(listener_.filter_allowed(allow()));
    }
    reconciler_.on_published(services_.publisher.request());
  }
}

void Gate::follow_guard() {
  if (!guard_ || !started_ || stopping_) {
    return;
  }
  const auto effective = override_.effective();
  const bool drained = effective && effective->kind == core::OverrideKind::drain;
  if (guard_->follow(reconciler_.wants_open(), drained, last_evidence_)) {
    note_guard();
  }
  if (guard_note_ && !commit_open_) {
    history_.add(*std::exchange(guard_note_, std::nullopt));
  }
}

// No transition of the gate. Waits for the time of the latest one's commit, which is told with the latest
// entry.
void Gate::note_guard() {
  const auto now = services_.loop.now();
  core::TransitionSnapshot change;
  change.gate = config_.name;
  change.at = now.wall;
  change.mono = now.mono;
  change.from = change.to = reconciler_.wants_open() ? "open" : "closed";
  change.reason = "guard";
  change.evidence = (guard_->stands() ? "stands, " + guard_->to_string() : "lifted") + "; " + last_evidence_;
  log::info("gate " + config_.name + ": " + change.evidence,
            {{"gate", config_.name}, {"guard", guard_->stands() ? "stands" : "lifted"}});
  guard_note_ = std::move(change);
}

} // namespace healthgate::app
