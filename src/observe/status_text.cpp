#include "observe/status_text.hpp"

#include "base/utc_time.hpp"
#include "core/duration_text.hpp"

#include <algorithm>
#include <cstdio>
#include <vector>

namespace healthgate::observe {
namespace {

constexpr std::size_t strip_length = 30;
constexpr std::size_t sources_shown = 3;
constexpr const char* bars[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇"};

// Cells of a terminal line: text with the colour that surrounds it.
class Line {
public:
  Line(const TextOptions& options, std::string& out) : options_(options), out_(out) {}
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;
  ~Line() { out_ += "\n"; }

  Line& add(const std::string& text, const char* colour = nullptr) {
    auto fits = printable(text);
    if (options_.width != 0) {
      fits = cut(fits, options_.width - std::min(options_.width, used_));
    }
    used_ += columns(fits);
    out_ += options_.colour && colour != nullptr ? colour + fits + "\033[0m" : fits;
    return *this;
  }
  // Up to the column.
  Line& pad(std::size_t column) { return add(std::string(column > used_ ? column - used_ : 1, ' ')); }

private:
  static bool continues(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80U; } // of UTF-8

  static std::size_t columns(const std::string& text) {
    return static_cast<std::size_t>(
        std::count_if(text.begin(), text.end(), [](char c) { return !continues(c); }));
  }

  static std::string cut(const std::string& text, std::size_t room) {
    std::size_t seen = 0;
    for (std::size_t index = 0; index < text.size(); ++index) {
      if (!continues(text[index]) && seen++ == room) {
        return text.substr(0, index);
      }
    }
    return text;
  }

  static std::string printable(std::string text) {
    std::replace_if(
        text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
    return text;
  }

  const TextOptions& options_;
  std::string& out_;
  std::size_t used_ = 0;
};

constexpr const char* green = "\033[1;32m";
constexpr const char* red = "\033[1;31m";
constexpr const char* yellow = "\033[1;33m";
constexpr const char* dim = "\033[2m";

const char* colour_of(const std::string& state) {
  if (state == "open") {
    return green;
  }
  return state == "closed" ? red : yellow;
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c); });
  return text;
}

std::string since_text(core::WallTime now, core::WallTime since) {
  return core::duration_text(std::max(now - since, core::Duration::zero()));
}

std::string milliseconds_text(core::Duration took) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%.1f ms", std::chrono::duration<double, std::milli>(took).count());
  return text;
}

// The last results, oldest first: a bar as high as it took long, beside the slowest; a cross for a failure.
std::string strip_of(const core::ProbeSnapshot& probe) {
  const auto& recent = probe.recent;
  const auto first = recent.size() > strip_length ? recent.end() - strip_length : recent.begin();
  core::Duration slowest{1};
  std::for_each(first, recent.end(), [&](const auto& result) { slowest = std::max(slowest, result.took); });
  std::string strip;
  std::for_each(first, recent.end(), [&](const auto& result) {
    const auto step = static_cast<std::size_t>(6 * result.took.count() / slowest.count());
    strip += result.passed ? bars[std::min<std::size_t>(step, 6)] : "✕";
  });
  return strip;
}

std::string sources_text(const std::vector<core::SourceSnapshot>& sources) {
  std::string text;
  for (std::size_t index = 0; index < sources.size() && index < sources_shown; ++index) {
    const auto ago =
        std::chrono::duration_cast<core::Duration>(std::chrono::duration<double>(sources[index].seconds_ago));
    text += (text.empty() ? "" : ", ") + sources[index].address + " " + core::duration_text(ago) + " ago";
  }
  return sources.size() > sources_shown
             ? text + " and " + std::to_string(sources.size() - sources_shown) + " more"
             : text;
}

void print_probe(const core::ProbeSnapshot& probe, const TextOptions& options, std::string& out) {
  Line line(options, out);
  line.add("  probe").pad(10).add((probe.soft ? "soft " : "") + probe.name);
  if (!probe.last) {
    line.add("  not probed yet", dim);
    return;
  }
  const bool passing = probe.passing.value_or(false);
  line.add("  ").add(passing ? "passing" : "failing", passing ? green : red);
  line.add(", " + probe.last->detail + ", " + milliseconds_text(probe.last->took));
  if (probe.streak > 0) {
    line.add(", " + std::to_string(probe.streak) + " of " + std::to_string(probe.needed) +
                 (passing ? " failures" : " passes"),
             yellow);
  }
  line.add("  " + strip_of(probe), dim);
}

std::string guard_text(const core::Snapshot& snapshot, const core::GuardSnapshot& guard) {
  std::string text = guard.mode + " at";
  for (const auto port : guard.ports) {
    text += (port == guard.ports.front() ? " " : ", ") + std::to_string(port);
  }
  text += guard.active ? ", STANDS for " + since_text(snapshot.at, guard.since) : ", off";
  text += "; service " + guard.service + "; " + std::to_string(guard.reset) + " reset";
  if (guard.mode != "relay") {
    return text;
  }
  text += ", " + std::to_string(guard.relayed) + " relayed; peers";
  for (const auto& peer : guard.peers) {
    text +=
        (&peer == &guard.peers.front() ? " " : ", ") + peer.address + (peer.healthy ? "" : " (not healthy)");
  }
  return guard.peers.empty() ? text + ": none" : text;
}

void print_gate(const core::Snapshot& snapshot, const core::GateSnapshot& gate, std::size_t name_width,
                const TextOptions& options, std::string& out) {
  {
    Line line(options, out);
    line.add(gate.name)
        .pad(name_width + 2)
        .add(upper(gate.state), colour_of(gate.state))
        .pad(name_width + 12);
    line.add("port " + std::to_string(gate.port) + ", for " + since_text(snapshot.at, gate.since) + ": " +
             gate.reason);
  }
  const auto print = [&](const char* label, const std::string& text, const char* colour = nullptr) {
    Line(options, out).add(std::string("  ") + label).pad(10).add(text, colour);
  };
  if (gate.override_) {
    const auto& order = *gate.override_;
    print(order.kind.c_str(),
          " by " + order.who + " since " + base::utc_seconds(order.since) +
              (order.until ? ", until " + base::utc_seconds(*order.until) : ", until `auto`") +
              (order.reason.empty() ? "" : ": " + order.reason),
          yellow);
  }
  if (!gate.port_problem.empty()) {
    print("port", gate.port_problem, red);
  }
  if (gate.flap_until) {
    print("flaps", "stays closed until " + base::utc_seconds(*gate.flap_until), yellow);
  }
  for (const auto& probe : gate.probes) {
    print_probe(probe, options, out);
  }
  const auto lease =
      std::chrono::duration_cast<core::Duration>(std::chrono::duration<double>(gate.lease_seconds));
  print("kernel", std::to_string(gate.accepted) + " accepted, " + std::to_string(gate.rejected) +
                      " rejected, " + std::to_string(gate.denied) + " denied; lease " +
                      core::duration_text(lease));
  if (gate.guard) {
    print("guard", guard_text(snapshot, *gate.guard), gate.guard->active ? yellow : nullptr);
  }
  if (gate.allow_size == 0) {
    print("allow", "nobody but loopback", yellow);
  } else {
    print("asked", gate.sources.empty() ? "nobody yet of " + std::to_string(gate.allow_size) + " allowed"
                                        : sources_text(gate.sources));
  }
  if (!gate.denied_sources.empty()) {
    print("denied", sources_text(gate.denied_sources), yellow);
  }
}

} // namespace

std::string status_text(const core::Snapshot& snapshot, const TextOptions& options) {
  std::string out;
  std::size_t open = 0;
  std::size_t name_width = 0;
  for (const auto& gate : snapshot.gates) {
    open += gate.state == "open" ? 1 : 0;
    name_width = std::max(name_width, gate.name.size());
  }
  {
    Line line(options, out);
    line.add(std::to_string(open) + " of " + std::to_string(snapshot.gates.size()) + " open",
             open == snapshot.gates.size() ? green : red);
    line.add("  healthgate " + snapshot.version + " on " + snapshot.node + ", up " +
             since_text(snapshot.at, snapshot.started) + "; table ");
    line.add(snapshot.in_sync ? "in sync" : "NOT IN SYNC", snapshot.in_sync ? nullptr : red);
    line.add(" (" + snapshot.table_mode + ")");
    if (snapshot.repairs > 0) {
      line.add(", " + std::to_string(snapshot.repairs) + " repairs", yellow);
    }
  }
  if (!snapshot.last_reload_ok) {
    Line(options, out).add("reload refused: " + snapshot.last_reload_error, red);
  }
  for (const auto& gate : snapshot.gates) {
    if (options.gate.empty() || options.gate == gate.name) {
      print_gate(snapshot, gate, name_width, options, out);
    }
  }
  return out;
}

} // namespace healthgate::observe
