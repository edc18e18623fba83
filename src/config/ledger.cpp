#include "config/ledger.hpp"

#include <algorithm>

namespace healthgate::config {

void Ledger::set(const Entry& entry) {
  marks_[{entry.section, entry.key}].entry = entry;
}

void Ledger::add(const Entry& entry) {
  Mark& mark = marks_[{entry.section, entry.key}];
  mark.entry = entry;
  mark.lines.push_back(entry);
}

void Ledger::forget(const Entry& entry) {
  marks_[{entry.section, entry.key}].lines.clear();
}

void Ledger::refuse(const Entry& entry, std::string sentence) {
  Mark& mark = marks_[{entry.section, entry.key}];
  mark.entry = entry;
  mark.refused = true;
  errors_.push_back(entry.error(std::move(sentence)));
}

void Ledger::refuse(const std::string& section, const Keys& keys, std::string sentence) {
  if (std::any_of(keys.begin(), keys.end(), [&](const std::string& key) { return refused(section, key); })) {
    return;
  }
  for (const std::string& key : keys) {
    if (const Entry* entry = find(section, key)) {
      errors_.push_back(entry->error(std::move(sentence)));
      return;
    }
  }
  if (const Entry* entry = head_of(section)) {
    errors_.push_back(entry->error(std::move(sentence)));
    return;
  }
  errors_.push_back({"built-in configuration", 0, keys.empty() ? "" : keys.front(), "", std::move(sentence)});
}

const Entry* Ledger::head_of(const std::string& section) const {
  const auto found = heads_.find(section);
  return found == heads_.end() ? nullptr : &found->second;
}

const Entry* Ledger::find(const std::string& section, const std::string& key) const {
  const auto found = marks_.find({section, key});
  return found == marks_.end() ? nullptr : &found->second.entry;
}

std::vector<Entry> Ledger::lines(const std::string& section, const std::string& key) const {
  const auto found = marks_.find({section, key});
  return found == marks_.end() ? std::vector<Entry>() : found->second.lines;
}

bool Ledger::refused(const std::string& section, const std::string& key) const {
  const auto found = marks_.find({section, key});
  return found != marks_.end() && found->second.refused;
}

std::string Ledger::place(const std::string& section, const std::string& key) const {
  const Entry* entry = find(section, key);
  entry = entry != nullptr ? entry : head_of(section);
  if (entry == nullptr) {
    return "the default";
  }
  return entry->line > 0 ? entry->file + ":" + std::to_string(entry->line) : entry->file;
}

} // namespace healthgate::config
