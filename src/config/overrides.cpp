#include "config/overrides.hpp"

#include "config/keys.hpp"
#include "config/text.hpp"

#include <algorithm>

namespace healthgate::config {
namespace {

constexpr std::string_view variable_prefix = "HEALTHGATE_";

struct Variable {
  std::string name;
  std::string section;
  std::string key;
};

// Every variable that has a meaning. Two gates `a` and `a_fast` share HEALTHGATE_GATE_A_FAST_INTERVAL: both
// are listed.
std::vector<Variable> variables(const std::vector<std::string>& gates) {
  std::vector<Variable> out;
  for (const Key& key : global_keys()) {
    out.push_back({environment_name(key.name), "", key.name});
  }
  for (const std::string& gate : gates) {
    for (const Key& key : gate_keys()) {
      out.push_back({environment_name("gate." + gate + "." + key.name), "gate." + gate, key.name});
    }
  }
  return out;
}

Entry setting(std::string source, std::string section, std::string key, std::string value,
              std::string spelled) {
  return {Entry::Kind::setting, std::move(source), 0, std::move(section), std::move(key),
          std::move(value),     std::move(spelled)};
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string match = near_match(word, candidates);
  return match.empty() ? "" : "; did you mean '" + match + "'?";
}

// "gate.router.port" -> section "gate.router", key "port".
std::pair<std::string, std::string> split_name(const std::string& name) {
  const bool of_section = begins_with(name, "gate.") || begins_with(name, "probe.");
  const std::size_t dot = name.rfind('.');
  return of_section ? std::pair(name.substr(0, dot), name.substr(dot + 1)) : std::pair(std::string(), name);
}

// Compared without the prefix that all of them share, so that a slip is one in three letters of the rest.
void note_near_miss(std::string_view name, const std::vector<Variable>& known, Ledger& ledger) {
  std::vector<std::string> rests;
  std::transform(known.begin(), known.end(), std::back_inserter(rests),
                 [](const Variable& variable) { return variable.name.substr(variable_prefix.size()); });
  const std::string match = near_match(name.substr(variable_prefix.size()), rests);
  if (!match.empty()) {
    ledger.note("environment: " + shown(name) + " is not a key and changes nothing; did you mean " +
                std::string(variable_prefix) + match + "?");
  }
}

} // namespace

std::vector<Entry> environment_entries(const Pairs& environment, const std::vector<std::string>& gates,
                                       Ledger& ledger) {
  const auto known = variables(gates);
  std::vector<Entry> entries;
  for (const auto& pair : environment) {
    if (!begins_with(pair.first, variable_prefix) || pair.second.empty()) {
      continue;
    }
    const auto same = [&](const Variable& variable) { return variable.name == pair.first; };
    const auto found = std::find_if(known.begin(), known.end(), same);
    if (found == known.end()) {
      note_near_miss(pair.first, known, ledger);
      continue;
    }
    const Entry entry = setting("environment", found->section, found->key, pair.second, pair.first);
    if (const auto problem = unclean(pair.second)) {
      ledger.refuse(entry, *problem);
    } else if (std::count_if(known.begin(), known.end(), same) > 1) {
      ledger.refuse(entry, "it could mean a key of more than one gate; set it in the file");
    } else {
      entries.push_back(entry);
    }
  }
  return entries;
}

std::vector<Entry> command_line_entries(const Pairs& command_line, const std::vector<std::string>& gates,
                                        const std::vector<std::string>& probes, Ledger& ledger) {
  std::vector<Entry> entries;
  for (const auto& [name, value] : command_line) {
    auto [section, key] = split_name(name);
    const Entry entry = setting("command line", section, key, value, "--" + name);
    const std::size_t dot = section.find('.');
    const auto& sections = begins_with(section, "gate.") ? gates : probes;
    const std::string section_name = dot == std::string::npos ? "" : section.substr(dot + 1);
    const bool there = std::find(sections.begin(), sections.end(), section_name) != sections.end();
    if (const auto problem = unclean(value)) {
      ledger.refuse(entry, *problem);
    } else if (!section.empty() && !there) {
      ledger.refuse(entry, "there is no " + section.substr(0, dot) + " '" + shown(section_name) + "'" +
                               (sections.empty() ? "" : "; there is " + join(sections, " and ")) +
                               did_you_mean(section_name, sections));
    } else {
      entries.push_back(entry);
    }
  }
  return entries;
}

} // namespace healthgate::config
