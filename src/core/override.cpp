#include "core/override.hpp"

#include <utility>

namespace healthgate::core {

bool Override::order(OverrideOrder order) {
  if (order_ && order_->kind == OverrideKind::drain && order.kind == OverrideKind::force_open) {
    return false;
  }
  order_ = std::move(order);
  return true;
}

bool Override::end() {
  return std::exchange(order_, std::nullopt).has_value();
}

bool Override::on_time(WallTime now) {
  return order_ && order_->until && *order_->until <= now && end();
}

std::optional<OverrideOrder> Override::effective() const {
  if (file_since_) {
    OverrideOrder by_file;
    by_file.since = *file_since_;
    by_file.who = "drain-file";
    return by_file;
  }
  return order_;
}

std::optional<WallTime> Override::next_deadline() const {
  return order_ ? order_->until : std::nullopt;
}

const char* to_string(OverrideKind kind) {
  switch (kind) {
  case OverrideKind::drain:
    return "drain";
  case OverrideKind::force_open:
    return "force-open";
  }
  return "";
}

} // namespace healthgate::core
