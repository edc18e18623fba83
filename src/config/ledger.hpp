// What was set where, and what was wrong with it: lets a check of several keys cite the line that it is
// about, and keeps it silent when one of these keys has been refused already.
#pragma once

#include "config/config.hpp"
#include "config/lexer.hpp"

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace healthgate::config {

class Ledger {
public:
  using Keys = std::vector<std::string>;

  // `entry` set its key: from now on this place is cited.
  void set(const Entry& entry);
  // `entry` added a line to its multi-valued key; forget() begins anew.
  void add(const Entry& entry);
  void forget(const Entry& entry);
  // `entry` is wrong by itself.
  void refuse(const Entry& entry, std::string sentence);
  void refuse(ConfigError error) { errors_.push_back(std::move(error)); }
  // The keys of a section do not go together: an error at the first of them that was set, else at the
  // section's head. Silent when one of them was refused.
  void refuse(const std::string& section, const Keys& keys, std::string sentence);
  void note(std::string sentence) { notes_.push_back(std::move(sentence)); }

  void head(const Entry& entry) { heads_.emplace(entry.section, entry); }
  [[nodiscard]] const Entry* head_of(const std::string& section) const;
  // The lines of a multi-valued key.
  [[nodiscard]] std::vector<Entry> lines(const std::string& section, const std::string& key) const;
  // Where the key was set last, or null.
  [[nodiscard]] const Entry* find(const std::string& section, const std::string& key) const;
  [[nodiscard]] bool refused(const std::string& section, const std::string& key) const;
  // "FILE:LINE" of the key, or of its section.
  [[nodiscard]] std::string place(const std::string& section, const std::string& key) const;

  [[nodiscard]] std::vector<ConfigError>& errors() { return errors_; }
  [[nodiscard]] std::vector<std::string>& notes() { return notes_; }

private:
  using Name = std::pair<std::string, std::string>; // section, key

  struct Mark {
    Entry entry; // the last one
    std::vector<Entry> lines;
    bool refused = false;
  };
  std::map<Name, Mark> marks_;
  std::map<std::string, Entry> heads_;
  std::vector<ConfigError> errors_;
  std::vector<std::string> notes_;
};

} // namespace healthgate::config
