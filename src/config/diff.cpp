#include "config/diff.hpp"

#include "config/key_table.hpp"

#include <algorithm>

namespace healthgate::config {
namespace {

const GateConfig* find_gate(const Config& config, const std::string& name) {
  const auto found = std::find_if(config.gates.begin(), config.gates.end(),
                                  [&](const GateConfig& gate) { return gate.name == name; });
  return found == config.gates.end() ? nullptr : &*found;
}

// Keys are compared as they would be written: what reads the same is the same.
template <typename T>
std::vector<const Key*> differing(const std::vector<Row<T>>& rows, const T& before, const T& after) {
  std::vector<const Key*> keys;
  for (const Row<T>& row : rows) {
    if (row.write(before) != row.write(after)) {
      keys.push_back(&row.key);
    }
  }
  return keys;
}

// Whether the probes are the same, also behind `probe = @NAME`.
bool same_probes(const GateConfig& before, const GateConfig& after) {
  return std::equal(before.probes.begin(), before.probes.end(), after.probes.begin(), after.probes.end(),
                    [](const ProbeConfig& a, const ProbeConfig& b) {
                      return a.name == b.name && differing(probe_rows(), a, b).empty();
                    });
}

GateChange compare(const GateConfig& before, const GateConfig& after) {
  GateChange change;
  change.name = after.name;
  const auto add = [&](const std::string& key, Effect effect) {
    if (std::find(change.keys.begin(), change.keys.end(), key) == change.keys.end()) {
      change.keys.push_back(key);
    }
    change.effects.insert(effect);
  };
  for (const Key* key : differing(gate_rows(), before, after)) {
    add(key->name, key->effect);
  }
  if (!same_probes(before, after)) {
    add("probe", Effect::prober);
  }
  if (!change.has(Effect::allowlist) && *before.allow != *after.allow) {
    // Not by a line of ours: a file has another content, or, with guard = relay, a peer was added.
    add(change.has(Effect::guard) ? "peers" : "allow-file", Effect::allowlist);
  }
  return change;
}

std::string list(const std::vector<std::string>& words) {
  return join(words, ", ");
}

} // namespace

bool Diff::empty() const {
  return added.empty() && removed.empty() && changed.empty() && globals.empty();
}

std::string Diff::to_string() const {
  std::vector<std::string> parts;
  if (!added.empty()) {
    parts.push_back("added: " + list(added));
  }
  if (!removed.empty()) {
    parts.push_back("removed: " + list(removed));
  }
  for (const GateChange& change : changed) {
    parts.push_back(change.name + ": " + list(change.keys));
  }
  if (!globals.empty()) {
    parts.push_back("global: " + list(globals));
  }
  if (!restart.empty()) {
    parts.push_back("only after a restart: " + list(restart));
  }
  std::string out;
  for (const std::string& part : parts) {
    out += (out.empty() ? "" : "; ") + part;
  }
  return out.empty() ? "nothing has changed" : out;
}

Diff diff(const Config& before, const Config& after) {
  Diff out;
  for (const GateConfig& gate : before.gates) {
    if (find_gate(after, gate.name) == nullptr) {
      out.removed.push_back(gate.name);
    }
  }
  for (const GateConfig& gate : after.gates) {
    const GateConfig* old = find_gate(before, gate.name);
    if (old == nullptr) {
      out.added.push_back(gate.name);
    } else if (GateChange change = compare(*old, gate); change.keys.empty()) {
      out.kept.push_back(gate.name);
    } else {
      out.changed.push_back(std::move(change));
    }
  }
  for (const Key* key : differing(global_rows(), before, after)) {
    out.globals.push_back(key->name);
    if (key->effect == Effect::restart) {
      out.restart.push_back(key->name);
    }
  }
  return out;
}

} // namespace healthgate::config
