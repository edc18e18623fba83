#include "config/key_table.hpp"

namespace healthgate::config {
namespace {

using namespace std::chrono_literals;
using Make = RowMaker<GateConfig>;
using Rows = std::vector<Row<GateConfig>>;

Row<GateConfig> port_row(const Make& make) {
  auto row = make.single("port", "port", "1 to 65535", &GateConfig::port, Effect::port,
                         "the port that the load balancer asks", parse_port,
                         [](std::uint16_t port) { return port == 0 ? std::string() : std::to_string(port); });
  return row;
}

Row<GateConfig> require_row(const Make& make) {
  const auto parse = [](std::string_view text) -> Read<int> {
    if (text == "all" || text == "any") {
      return text == "all" ? 0 : 1;
    }
    const auto number = parse_integer(text, 1, 1000);
    return number ? Read<int>(number.value())
                  : Read<int>(base::Failure{std::string("allowed: all, any or a number from 1")});
  };
  const auto format = [](int value) {
    return value == 0 ? "all" : value == 1 ? "any" : std::to_string(value);
  };
  return make.single("require", "all, any or number", "", &GateConfig::require, Effect::prober,
                     "how many of the probes that are not soft must pass", parse, format);
}

Row<GateConfig> jitter_row(const Make& make) {
  const auto parse = [](std::string_view text) -> Read<int> {
    const bool percent = !text.empty() && text.back() == '%';
    const auto number = parse_integer(percent ? text.substr(0, text.size() - 1) : text, 0, 50);
    return percent && number ? number : Read<int>(base::Failure{std::string("allowed: 0% to 50%")});
  };
  return make.single("jitter", "percentage", "0% to 50%", &GateConfig::jitter_percent, Effect::prober,
                     "how far each interval varies, both ways, so that nodes do not probe in step", parse,
                     [](int value) { return std::to_string(value) + "%"; });
}

Row<GateConfig> guard_ports_row(const Make& make) {
  return make.multi("guard-ports", "ports", "separated by commas", &GateConfig::guard_ports, Effect::guard,
                    "the service's own ports that the guard stands at", true, parse_port,
                    [](std::uint16_t port) { return std::to_string(port); });
}

// Addresses go to `peers`, names to `peer_names`.
Row<GateConfig> peers_row(const Make& make) {
  Row<GateConfig> row =
      make.multi("peers", "addresses or names", "separated by commas", &GateConfig::peer_names, Effect::guard,
                 "nodes that take new connections over with guard = relay", true, parse_host_name,
                 [](const std::string& name) { return name; });
  row.read = [](std::string_view text, GateConfig& gate) -> Problem {
    std::vector<core::Address> addresses;
    std::vector<std::string> names;
    for (const std::string_view part : split_list(text)) {
      const bool number_like = part.find(':') != std::string_view::npos ||
                               part.find_first_not_of("0123456789./") == std::string_view::npos;
      const auto address = core::Address::parse(part);
      if (address) {
        addresses.push_back(address.value());
      } else if (number_like || !is_host_name(part)) {
        return "'" + shown(part) + "' is neither an address nor a host's name" +
               (number_like ? ": " + address.error() : std::string());
      } else {
        names.emplace_back(part);
      }
    }
    gate.peers.insert(gate.peers.end(), addresses.begin(), addresses.end());
    gate.peer_names.insert(gate.peer_names.end(), names.begin(), names.end());
    return std::nullopt;
  };
  row.write = [](const GateConfig& gate) {
    std::vector<std::string> lines = gate.peer_names;
    for (const core::Address& address : gate.peers) {
      lines.push_back(address.to_string());
    }
    return lines;
  };
  row.clear = [](GateConfig& gate) {
    gate.peers.clear();
    gate.peer_names.clear();
  };
  return row;
}

void add_probing(const Make& make, Rows& rows) {
  rows.push_back(port_row(make));
  rows.push_back(make.multi(
      "probe", "URL or @NAME", "", &GateConfig::probe_lines, Effect::prober,
      "what to ask: a URL, or @NAME of a [probe.NAME] section", false,
      [](std::string_view text) { return Read<std::string>(std::string(text)); },
      [](const std::string& line) { return line; }));
  rows.push_back(require_row(make));
  rows.push_back(make.duration("interval", &GateConfig::interval, 10ms, 1h, Effect::prober,
                               "time from one probe's start to the next one's"));
  rows.push_back(make.duration("fast-interval", &GateConfig::fast_interval, 10ms, 1h, Effect::prober,
                               "the interval while a change is pending"));
  rows.push_back(make.duration("down-interval", &GateConfig::down_interval, 10ms, 1h, Effect::prober,
                               "the interval while the gate is closed and no change is pending"));
  rows.push_back(make.duration("timeout", &GateConfig::timeout, 1ms, 1h, Effect::prober,
                               "a probe's deadline: resolving, connecting, TLS, headers and body together"));
  rows.push_back(make.integer("rise", &GateConfig::rise, 1, 1000, Effect::prober,
                              "consecutive passes until a probe counts as passing"));
  rows.push_back(make.integer("fall", &GateConfig::fall, 1, 1000, Effect::prober,
                              "consecutive failures until a probe counts as failing"));
  rows.push_back(make.duration("soft-grace", &GateConfig::soft_grace, 0ms, 24h, Effect::prober,
                               "how long a soft probe may fail before it closes the gate"));
  rows.push_back(make.duration("min-open", &GateConfig::min_open, 0ms, 24h, Effect::prober,
                               "least time that a gate stays open once its probes have opened it"));
  rows.push_back(
      make.integer("flap-limit", &GateConfig::flap_limit, 0, 1000, Effect::prober,
                   "transitions within flap-window after which the gate stays closed; 0: no limit"));
  rows.push_back(make.duration("flap-window", &GateConfig::flap_window, 1s, 24h, Effect::prober,
                               "the time in which flap-limit counts"));
  rows.push_back(jitter_row(make));
  rows.push_back(make.path("watch-pid-file", &GateConfig::watch_pid_file, Effect::prober,
                           "pid file of a process whose end triggers a probe at once"));
}

void add_firewall(const Make& make, Rows& rows) {
  rows.push_back(make.duration("lease", &GateConfig::lease, 100ms, 1h, Effect::ruleset,
                               "how long the kernel keeps the gate open without hearing from the daemon"));
  rows.push_back(make.networks("allow", &GateConfig::allow_lines, "who may ask, beside loopback"));
  rows.push_back(make.multi("allow-file", "path", "", &GateConfig::allow_files, Effect::allowlist,
                            "file with one address or CIDR a line; watched", false, parse_absolute_path,
                            [](const std::filesystem::path& path) { return path.string(); }));
  rows.push_back(make.choice<core::Denied>("denied", &GateConfig::denied,
                                           {{"drop", core::Denied::drop}, {"reset", core::Denied::reset}},
                                           Effect::ruleset, "what everybody else gets: silence or a reset"));
  rows.push_back(make.choice<OnStop>("on-stop", &GateConfig::on_stop,
                                     {{"close", OnStop::close}, {"hold", OnStop::hold}}, Effect::live,
                                     "close when the daemon stops, or hold the lease for a successor"));
  rows.push_back(make.choice<Guard>(
      "guard", &GateConfig::guard, {{"off", Guard::off}, {"reset", Guard::reset}, {"relay", Guard::relay}},
      Effect::guard, "what new connections to guard-ports get while the service is dead"));
  rows.push_back(guard_ports_row(make));
  rows.push_back(make.yes_no("guard-on-drain", &GateConfig::guard_on_drain, Effect::guard,
                             "guard during an administrator's drain as well"));
  rows.push_back(peers_row(make));
}

void add_neighbours(const Make& make, Rows& rows) {
  rows.push_back(make.path("drain-file", &GateConfig::drain_file, Effect::live,
                           "the gate is drained while this file exists"));
  rows.push_back(make.path("on-transition", &GateConfig::on_transition, Effect::live,
                           "program that is run after the gate has moved"));
  rows.push_back(make.duration("on-transition-timeout", &GateConfig::on_transition_timeout, 10ms, 1h,
                               Effect::live, "the program's deadline, after which it is killed"));
  rows.push_back(make.path("track-file", &GateConfig::track_file, Effect::live,
                           "keepalived track_file, rewritten at each transition"));
  rows.push_back(
      make.listen("agent-listen", &GateConfig::agent_listen, "where HAProxy's agent-check is answered"));
  rows.push_back(make.listen("http-listen", &GateConfig::http_listen,
                             "where the gate's state is answered over HTTP with 200 or 503"));
}

} // namespace

const std::vector<Row<GateConfig>>& gate_rows() {
  static const Rows rows = [] {
    const Make make(Scope::gate);
    Rows out;
    add_probing(make, out);
    add_firewall(make, out);
    add_neighbours(make, out);
    return out;
  }();
  return rows;
}

} // namespace healthgate::config
