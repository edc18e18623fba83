#include "observe/page.hpp"

#include "base/utc_time.hpp"
#include "core/duration_text.hpp"
#include "observe/html.hpp"
#include "observe/page_assets.hpp"

#include <algorithm>
#include <array>
#include <cstdio>

namespace healthgate::observe {
namespace {

constexpr std::size_t sources_shown = 12;
constexpr std::size_t transitions_shown = 10;
constexpr std::size_t strip_length = 60;
constexpr core::Duration longest_loop_age = std::chrono::seconds(5);

std::string_view style_of(const std::string& state) {
  return state == "open" ? "open" : state == "closed" ? "closed" : "wait";
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c); });
  return text;
}

core::Duration seconds_to_duration(double seconds) {
  return std::chrono::duration_cast<core::Duration>(std::chrono::duration<double>(seconds));
}

// Whole seconds, so that the page is another only when it says something else.
std::string for_how_long(core::WallTime now, core::WallTime since) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(now - since);
  return seconds.count() <= 0 ? "less than 1s" : core::duration_text(seconds);
}

std::string time_element(core::WallTime when) {
  const auto text = base::utc_seconds(when);
  return "<time datetime=\"" + text + "\">" + text.substr(0, 10) + " " + text.substr(11, 8) + " UTC</time>";
}

std::string count_text(std::uint64_t count, const char* one, const char* many) {
  return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string milliseconds_text(core::Duration took) {
  std::array<char, 32> text{};
  (void)std::snprintf(text.data(), text.size(), "%.1f ms",
                      std::chrono::duration<double, std::milli>(took).count());
  return text.data();
}

// --- a probe ---

// The last results, oldest first: a bar as high as it took long, beside the slowest, red and whole for a
// failure.
std::string strip(const core::ProbeSnapshot& probe) {
  const auto count = std::min(probe.recent.size(), strip_length);
  const auto first = probe.recent.end() - static_cast<std::ptrdiff_t>(count);
  const auto failed = std::count_if(first, probe.recent.end(), [](const auto& one) { return !one.passed; });
  core::Duration slowest{1};
  std::for_each(first, probe.recent.end(),
                [&](const auto& one) { slowest = one.passed ? std::max(slowest, one.took) : slowest; });
  std::string svg = "<svg viewBox=\"0 0 180 22\" role=\"img\" aria-label=\"the last " +
                    std::to_string(count) + " results: " + std::to_string(failed) + " failed\">";
  std::size_t x = 0;
  for (auto one = first; one != probe.recent.end(); ++one, x += 3) {
    const auto height = one->passed ? 4 + 18 * one->took.count() / slowest.count() : 22;
    svg += "<rect class=\"" + std::string(one->passed ? "pass" : "fail") + "\" x=\"" + std::to_string(x) +
           "\" y=\"" + std::to_string(22 - std::min<std::int64_t>(height, 22)) + "\" width=\"2\" height=\"" +
           std::to_string(std::min<std::int64_t>(height, 22)) + "\"/>";
  }
  return svg + "</svg>";
}

std::string probe_row(const core::ProbeSnapshot& probe) {
  std::string row =
      "<tr><td>" + escaped(probe.name) + (probe.soft ? " <span class=\"quiet\">soft</span>" : "");
  if (probe.url != probe.name) {
    row += "<br><span class=\"quiet\">" + escaped(probe.url) + "</span>";
  }
  row += "</td><td>";
  if (!probe.last) {
    return row + "not probed yet</td><td></td><td></td></tr>";
  }
  const bool passing = probe.passing.value_or(false);
  row += element("strong", passing ? "open" : "closed", passing ? "passing" : "failing");
  if (probe.streak > 0) {
    row += element("span", "wait",
                   ", " + std::to_string(probe.streak) + " of " + std::to_string(probe.needed) +
                       (passing ? " failures" : " passes"));
  }
  row += "<br>" + escaped(probe.last->detail) + "</td><td class=\"number nowrap\">" +
         milliseconds_text(probe.last->took) + "</td><td>" + strip(probe) + "</td></tr>";
  return row;
}

std::string probes(const core::GateSnapshot& gate) {
  std::string out = "<h3>Probes";
  if (gate.require > 0) {
    out += ", " + std::to_string(gate.require) + " must pass";
  }
  out += "</h3><table><thead><tr><th scope=\"col\" class=\"what\">Probe</th><th scope=\"col\">Result</th>"
         "<th scope=\"col\" class=\"took\">Took</th><th scope=\"col\" class=\"strip\">The last "
         "results</th></tr></thead><tbody>";
  for (const auto& probe : gate.probes) {
    out += probe_row(probe);
  }
  return out + "</tbody></table>";
}

// --- who asks ---

std::string sources(const char* title, const std::vector<core::SourceSnapshot>& all,
                    const std::string& nobody) {
  std::string out = "<div>" + element("h3", "", title);
  if (all.empty()) {
    return out + element("p", "quiet", nobody) + "</div>";
  }
  out += "<ul class=\"number\">";
  for (std::size_t i = 0; i < all.size() && i < sources_shown; ++i) {
    const auto ago = std::chrono::floor<std::chrono::seconds>(seconds_to_duration(all[i].seconds_ago));
    out += "<li>" + escaped(all[i].address) + " <span class=\"quiet\">" +
           (ago.count() == 0 ? "just now" : core::duration_text(ago) + " ago") + "</span></li>";
  }
  if (all.size() > sources_shown) {
    out += element("li", "quiet", "and " + std::to_string(all.size() - sources_shown) + " more");
  }
  return out + "</ul></div>";
}

// --- notices ---

std::string override_notice(const core::OverrideSnapshot& order) {
  return "<p class=\"notice\"><strong>" + std::string(order.kind == "drain" ? "Drained" : "Forced open") +
         "</strong> by " + escaped(order.who) + " since " + time_element(order.since) +
         (order.until ? ", until " + time_element(*order.until) : ", until <code>healthgate auto</code>") +
         (order.reason.empty() ? "" : ": " + escaped(order.reason)) + "</p>";
}

std::string guard_notice(const core::Snapshot& snapshot, const core::GuardSnapshot& guard) {
  std::string ports;
  for (const auto port : guard.ports) {
    ports += (ports.empty() ? "" : ", ") + std::to_string(port);
  }
  std::string peers;
  for (const auto& peer : guard.peers) {
    peers +=
        (peers.empty() ? "; peers: " : ", ") + escaped(peer.address) + (peer.healthy ? "" : " (not healthy)");
  }
  const auto counts = std::to_string(guard.reset) + " reset, " + std::to_string(guard.relayed) + " relayed";
  if (!guard.active) {
    return "<p class=\"quiet\">Guard (" + escaped(guard.mode) + ") at " + ports + ": off; service " +
           escaped(guard.service) + "; " + counts + peers + "</p>";
  }
  return "<p class=\"notice\"><strong>Guard stands</strong> at " + ports + " for " +
         for_how_long(snapshot.at, guard.since) + ": the service is " + escaped(guard.service) +
         ", new connections are " + (guard.mode == "relay" ? "relayed" : "reset") + "; " + counts + peers +
         "</p>";
}

std::string notices(const core::Snapshot& snapshot, const core::GateSnapshot& gate) {
  std::string out;
  if (gate.override_) {
    out += override_notice(*gate.override_);
  }
  if (gate.flap_until) {
    out += "<p class=\"notice\"><strong>Flapping</strong>: stays closed until " +
           time_element(*gate.flap_until) + ", whatever the probes say</p>";
  }
  if (!gate.port_problem.empty()) {
    out += "<p class=\"notice bad\">The port is not bound: " + escaped(gate.port_problem) + "</p>";
  }
  if (gate.allow_size == 0) {
    out +=
        "<p class=\"notice\">Nobody but loopback may ask: name the load balancer with <code>allow</code></p>";
  }
  if (gate.guard) {
    out += guard_notice(snapshot, *gate.guard);
  }
  return out;
}

// --- the last transitions ---

std::string transition_row(const core::TransitionSnapshot& one) {
  const auto moved = one.from == one.to ? "stays " + one.to : one.to;
  std::string why = one.reason + (one.evidence.empty() ? "" : ": " + one.evidence);
  if (!one.actor.empty()) {
    why += " (" + one.actor + ")";
  }
  return "<tr><td class=\"nowrap number\">" + time_element(one.at) + "</td><td class=\"nowrap\">" +
         element("strong", style_of(one.to), moved) + "</td><td>" + escaped(why) + "</td></tr>";
}

std::string transitions(const core::GateSnapshot& gate) {
  if (gate.history.empty()) {
    return {};
  }
  std::string out = "<h3>Last transitions</h3><table><thead><tr><th scope=\"col\" class=\"when\">When</th>"
                    "<th scope=\"col\" class=\"to\">To</th><th scope=\"col\">Why</th></tr></thead><tbody>";
  for (std::size_t i = 0; i < gate.history.size() && i < transitions_shown; ++i) {
    out += transition_row(gate.history[i]);
  }
  return out + "</tbody></table>";
}

// --- a gate, the whole ---

std::string gate_section(const core::Snapshot& snapshot, const core::GateSnapshot& gate) {
  const auto style = std::string(style_of(gate.state));
  const auto name = escaped(gate.name);
  std::string out =
      "<section class=\"gate is-" + style + "\" aria-label=\"gate " + name + "\"><div class=\"head\"><h2>" +
      name + "</h2>" + element("span", "badge " + style, upper(gate.state)) +
      "<span class=\"quiet number\">port " + std::to_string(gate.port) + ", for " +
      for_how_long(snapshot.at, gate.since) + "</span></div>" + element("p", "why", gate.reason);
  out += notices(snapshot, gate) + probes(gate) + "<div class=\"pair\">";
  out += sources("Who asks", gate.sources,
                 "nobody yet of " + count_text(gate.allow_size, "block", "blocks") + " allowed");
  out += sources("Denied lately", gate.denied_sources, "nobody");
  out += "<div><h3>In the kernel</h3><p class=\"number\">" + std::to_string(gate.accepted) + " accepted, " +
         std::to_string(gate.rejected) + " rejected, " + std::to_string(gate.denied) +
         " denied</p><p class=\"quiet\">lease " +
         core::duration_text(seconds_to_duration(gate.lease_seconds)) + "</p></div></div>";
  return out + transitions(gate) + "</section>";
}

std::string summary_of(const core::Snapshot& snapshot) {
  const auto open = std::count_if(snapshot.gates.begin(), snapshot.gates.end(),
                                  [](const auto& gate) { return gate.state == "open"; });
  return std::to_string(open) + " of " + count_text(snapshot.gates.size(), "gate", "gates") + " open";
}

std::string about(const core::Snapshot& snapshot) {
  std::string out = "<p class=\"quiet\">healthgate " + escaped(snapshot.version) + ", up " +
                    for_how_long(snapshot.at, snapshot.started) + "; table " +
                    (snapshot.in_sync ? "in sync" : "<strong class=\"closed\">not in sync</strong>") + " (" +
                    escaped(snapshot.table_mode) + ")";
  if (snapshot.repairs > 0) {
    out += ", " + count_text(snapshot.repairs, "repair", "repairs") + ", the last after " +
           escaped(snapshot.last_foreign);
  }
  out += "</p>";
  if (!snapshot.last_reload_ok) {
    out += "<p class=\"notice bad\">The last reload was refused, nothing was changed: " +
           escaped(snapshot.last_reload_error) + "</p>";
  }
  if (snapshot.loop_age > longest_loop_age) {
    out += "<p class=\"notice bad\">The daemon's deciding thread has made no progress for " +
           core::duration_text(snapshot.loop_age) + ": what stands here is as old</p>";
  }
  return out;
}

} // namespace

std::string to_page(const core::Snapshot& snapshot, std::string_view nonce) {
  const auto summary = summary_of(snapshot);
  const auto mark = " nonce=\"" + std::string(nonce) + "\"";
  std::string out = "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
                    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">"
                    "<meta name=\"color-scheme\" content=\"light dark\"><link rel=\"icon\" href=\"data:,\">"
                    "<noscript><meta http-equiv=\"refresh\" content=\"5\"></noscript>";
  out += "<title>" + escaped(summary + " · " + snapshot.node) + "</title><style" + mark + ">" +
         std::string(page_style) + "</style></head><body><header>";
  out += "<h1 id=\"summary\" aria-live=\"polite\">" + escaped(summary) + " <span class=\"quiet\">on " +
         escaped(snapshot.node) + "</span></h1><div id=\"about\">" + about(snapshot) +
         "</div><p id=\"lost\" class=\"notice bad\" role=\"alert\" hidden></p></header><main id=\"gates\">";
  for (const auto& gate : snapshot.gates) {
    out += gate_section(snapshot, gate);
  }
  return out +
         "</main><footer class=\"quiet\">As of the time of asking; the same as <a href=\"status\">JSON</a> "
         "and for "
         "<a href=\"metrics\">Prometheus</a>. In a terminal: <code>healthgate status --watch</code>, "
         "<code>healthgate "
         "history</code>.</footer><script" +
         mark + ">" + std::string(page_script) + "</script></body></html>\n";
}

std::string policy_of_page(std::string_view nonce) {
  const std::string own = "'nonce-" + std::string(nonce) + "'";
  return "default-src 'none'; style-src " + own + "; script-src " + own +
         "; connect-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
}

} // namespace healthgate::observe
