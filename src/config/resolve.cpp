#include "config/resolve.hpp"

#include "config/text.hpp"
#include "config/url.hpp"

#include <algorithm>
#include <map>
#include <memory>
#include <set>

namespace healthgate::config {
namespace {

// Beyond these the file is not an allow-file; more errors would not help.
constexpr std::size_t errors_per_file = 50;

struct AllowFile {
  std::vector<core::Cidr> cidrs;
  std::vector<ConfigError> errors;
};

AllowFile parse_allow_file(const std::string& file, std::string_view text) {
  AllowFile out;
  std::size_t refused = 0;
  each_line(text, [&](int number, std::string_view whole) {
    const auto refuse = [&](std::string_view value, std::string sentence) {
      if (++refused <= errors_per_file) {
        out.errors.push_back({file, number, "", shown(value), std::move(sentence)});
      }
    };
    if (const auto problem = unclean(whole)) {
      refuse("", *problem);
      return;
    }
    const std::string_view line = without_comment(whole);
    if (line.empty()) {
      return;
    }
    if (const auto cidr = core::Cidr::parse(line)) {
      out.cidrs.push_back(cidr.value());
    } else {
      refuse(line, cidr.error());
    }
  });
  if (refused > errors_per_file) {
    out.errors.push_back(
        {file, 0, "", "", std::to_string(refused - errors_per_file) + " more lines are wrong"});
  }
  return out;
}

// Each file is read once, however many gates name it, and its errors are told once.
class AllowFiles {
public:
  AllowFiles(const Files& files, Ledger& ledger) : files_(files), ledger_(ledger) {}

  // `line` is the `allow-file = PATH`.
  const std::vector<core::Cidr>& read(const Entry& line) {
    const auto known = read_.find(line.value);
    if (known != read_.end()) {
      return known->second;
    }
    const auto text = files_.read(line.value);
    if (!text) {
      ledger_.refuse(line, "it cannot be read: " + text.error().sentence);
      return read_[line.value];
    }
    AllowFile parsed = parse_allow_file(line.value, text.value());
    for (ConfigError& error : parsed.errors) {
      ledger_.refuse(std::move(error));
    }
    return read_[line.value] = std::move(parsed.cidrs);
  }

private:
  const Files& files_;
  Ledger& ledger_;
  std::map<std::string, std::vector<core::Cidr>> read_;
};

// Nothing when the line is refused.
std::optional<ProbeConfig> resolve_line(const Entry& line, const Assembly& assembly,
                                        std::set<std::string>& used, Ledger& ledger) {
  if (!begins_with(line.value, "@")) {
    ProbeConfig probe;
    if (auto problem = read_url(line.value, probe)) {
      ledger.refuse(line, *std::move(problem));
      return std::nullopt;
    }
    probe.name = line.value;
    return probe;
  }
  const std::string name = line.value.substr(1);
  const auto found = std::find_if(assembly.probes.begin(), assembly.probes.end(),
                                  [&](const ProbeConfig& probe) { return probe.name == name; });
  if (found == assembly.probes.end()) {
    const std::string match = near_match(name, assembly.probe_names());
    ledger.refuse(line, "there is no section [probe." + shown(name) + "]" +
                            (match.empty() ? "" : "; did you mean '@" + match + "'?"));
    return std::nullopt;
  }
  used.insert(name);
  return *found;
}

bool has_probe(const GateConfig& gate, const std::string& name) {
  return std::any_of(gate.probes.begin(), gate.probes.end(),
                     [&](const ProbeConfig& probe) { return probe.name == name; });
}

} // namespace

void resolve_probes(Assembly& assembly, Ledger& ledger) {
  std::set<std::string> used;
  for (GateConfig& gate : assembly.gates) {
    for (const Entry& line : ledger.lines("gate." + gate.name, "probe")) {
      auto probe = resolve_line(line, assembly, used, ledger);
      if (probe && has_probe(gate, probe->name)) {
        ledger.refuse(line, "the gate has this probe already");
      } else if (probe) {
        gate.probes.push_back(*std::move(probe));
      }
    }
  }
  for (const ProbeConfig& probe : assembly.probes) {
    if (used.count(probe.name) == 0) {
      ledger.note(ledger.place("probe." + probe.name, "") + ": [probe." + probe.name +
                  "] is used by no gate");
    }
  }
}

void resolve_allowlists(Assembly& assembly, const Files& files, Ledger& ledger) {
  AllowFiles allow_files(files, ledger);
  for (GateConfig& gate : assembly.gates) {
    std::vector<core::Cidr> cidrs = gate.allow_lines;
    for (const Entry& line : ledger.lines("gate." + gate.name, "allow-file")) {
      const auto& from_file = allow_files.read(line);
      cidrs.insert(cidrs.end(), from_file.begin(), from_file.end());
    }
    if (gate.guard == Guard::relay) { // its peers ask this gate whether they may relay here
      for (const core::Address& peer : gate.peers) {
        cidrs.push_back({peer, static_cast<std::uint8_t>(peer.bits())});
      }
    }
    gate.allow = std::make_shared<const core::Allowlist>(std::move(cidrs));
  }
  assembly.config.metrics_allow =
      std::make_shared<const core::Allowlist>(assembly.config.metrics_allow_lines);
}

} // namespace healthgate::config
