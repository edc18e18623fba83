#include "config/assembly.hpp"

#include "config/names.hpp"

#include <algorithm>

namespace healthgate::config {
namespace {

constexpr std::string_view gate_prefix = "gate.";
constexpr std::string_view probe_prefix = "probe.";

template <typename T> T& find_or_add(std::vector<T>& sections, std::string_view name) {
  const auto found =
      std::find_if(sections.begin(), sections.end(), [&](const T& s) { return s.name == name; });
  if (found != sections.end()) {
    return *found;
  }
  sections.emplace_back();
  sections.back().name = name;
  return sections.back();
}

template <typename T> std::vector<std::string> names_of(const std::vector<T>& sections) {
  std::vector<std::string> names;
  std::transform(sections.begin(), sections.end(), std::back_inserter(names),
                 [](const T& s) { return s.name; });
  return names;
}

// Why the section is none of ours.
std::string unknown_section_sentence(std::string_view section) {
  std::string allowed = "allowed are [gate.NAME] and [probe.NAME]";
  const std::size_t dot = section.find('.');
  const std::string match = near_match(section.substr(0, dot), {"gate", "probe"});
  if (dot != std::string_view::npos && !match.empty()) {
    return allowed + "; did you mean [" + match + shown(section.substr(dot)) + "]?";
  }
  if (near_match(section, {"global", "healthgate", "defaults"}).empty()) {
    return allowed;
  }
  return allowed + "; global keys stand before the first section";
}

std::string scope_name(Scope scope) {
  switch (scope) {
  case Scope::global:
    return "the global keys, before the first section";
  case Scope::gate:
    return "[gate.NAME]";
  case Scope::probe:
    return "[probe.NAME]";
  }
  return "";
}

const std::vector<Key>& keys_of(Scope scope) {
  switch (scope) {
  case Scope::global:
    return global_keys();
  case Scope::gate:
    return gate_keys();
  case Scope::probe:
    break;
  }
  return probe_keys();
}

bool has_key(Scope scope, std::string_view name) {
  const auto& keys = keys_of(scope);
  return std::any_of(keys.begin(), keys.end(), [&](const Key& key) { return key.name == name; });
}

std::string needed_value(const Key& key) {
  return "it needs a value: " + key.kind + (key.allowed.empty() ? "" : ", " + key.allowed);
}

} // namespace

std::vector<std::string> Assembly::gate_names() const {
  return names_of(gates);
}
std::vector<std::string> Assembly::probe_names() const {
  return names_of(probes);
}

void Assembly::take(const std::vector<Entry>& entries, Layer layer) {
  seen_.clear();
  opened_.clear();
  for (const Entry& entry : entries) {
    switch (entry.kind) {
    case Entry::Kind::section:
      open_section(entry);
      break;
    case Entry::Kind::setting:
      take_setting(entry, layer);
      break;
    }
  }
}

void Assembly::open_section(const Entry& head) {
  const bool gate = begins_with(head.section, gate_prefix);
  const bool probe = begins_with(head.section, probe_prefix);
  if (!gate && !probe) {
    ledger_.refuse(head.error(unknown_section_sentence(head.section)));
    ignored_.insert(head.section);
    return;
  }
  const std::string_view name = std::string_view(head.section).substr(head.section.find('.') + 1);
  if (const Problem problem = gate ? judge_gate_name(name) : judge_probe_name(name)) {
    ledger_.refuse(head.error(*problem));
    ignored_.insert(head.section);
    return;
  }
  if (!opened_.insert(head.section).second) {
    ledger_.refuse(
        head.error("this section stands in the file twice; put them together, or give one another name"));
  }
  ledger_.head(head);
  if (gate) {
    find_or_add(gates, name);
  } else {
    find_or_add(probes, name);
  }
}

void Assembly::take_setting(const Entry& entry, Layer layer) {
  if (ignored_.count(entry.section) != 0) {
    return;
  }
  if (entry.section.empty()) {
    set(global_rows(), entry, layer, config);
  } else if (begins_with(entry.section, gate_prefix)) {
    set(gate_rows(), entry, layer, find_or_add(gates, entry.section.substr(gate_prefix.size())));
  } else {
    set(probe_rows(), entry, layer, find_or_add(probes, entry.section.substr(probe_prefix.size())));
  }
}

template <typename T>
void Assembly::set(const std::vector<Row<T>>& rows, const Entry& entry, Layer layer, T& target) {
  const Row<T>* row = find_row(rows, entry.key);
  if (row == nullptr) {
    refuse_unknown_key(entry, rows.front().key.scope);
    return;
  }
  const bool first = seen_.emplace(entry.section, entry.key).second;
  if (!first && !row->key.multi) {
    const Entry* before = ledger_.find(entry.section, entry.key);
    ledger_.refuse(entry,
                   "it may stand once, and is set already" +
                       (before->line > 0 ? " in line " + std::to_string(before->line) : std::string()) +
                       ", to " + shown(before->value));
    return;
  }
  if (row->key.multi && (entry.value.empty() || (first && layer == Layer::override))) {
    row->clear(target);
    ledger_.forget(entry);
  }
  read(*row, entry, target);
}

template <typename T> void Assembly::read(const Row<T>& row, const Entry& entry, T& target) {
  if (entry.value.empty()) {
    if (!row.key.multi) {
      ledger_.refuse(entry, needed_value(row.key));
    }
    return;
  }
  if (Problem problem = row.read(entry.value, target)) {
    ledger_.refuse(entry, *std::move(problem));
  } else if (row.key.multi) {
    ledger_.add(entry);
  } else {
    ledger_.set(entry);
  }
}

void Assembly::refuse_unknown_key(const Entry& entry, Scope scope) {
  std::vector<std::string> names;
  const auto& keys = keys_of(scope);
  std::transform(keys.begin(), keys.end(), std::back_inserter(names),
                 [](const Key& key) { return key.name; });
  std::string sentence = "no such key among " + scope_name(scope);
  for (const Scope other : {Scope::global, Scope::gate, Scope::probe}) {
    if (has_key(other, entry.key)) {
      ledger_.refuse(entry, sentence + "; it belongs to " + scope_name(other));
      return;
    }
  }
  const std::string match = near_match(entry.key, names);
  ledger_.refuse(entry, sentence + (match.empty() ? "; healthgate.conf(5) lists them"
                                                  : "; did you mean '" + match + "'?"));
}

} // namespace healthgate::config
