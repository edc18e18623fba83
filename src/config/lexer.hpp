// One file's text into its lines' meaning. Boost.Program_options splits `key = value`, but it stops at the
// first line that it does not like, keeps no line numbers, and cuts at every '#', even within a URL or a
// quoted string. So it is given one line at a time, after the comment has been taken off here.
//
//   a comment runs from a '#' at the line's beginning, or after a blank and outside of "double quotes", to
//   its end [SECTION] holds until the next one; CRLF line ends and a UTF-8 byte order mark are taken as they
//   come
#pragma once

#include "config/config.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace healthgate::config {

inline constexpr std::size_t line_limit_bytes = 64 * 1024;

// A section's head, or a key with its value, and where it stands.
struct Entry {
  enum class Kind { section, setting };
  Kind kind = Kind::setting;
  std::string file;    // path, "command line" or "environment"
  int line = 0;        // 0 where there is none
  std::string section; // "gate.router", "" before the first
  std::string key;
  std::string value;
  std::string spelled; // the key as its author wrote it: "interval", "HEALTHGATE_LOG_LEVEL", "--log-level"

  // An error at this place; `sentence` says what is wrong and what is allowed.
  [[nodiscard]] ConfigError error(std::string sentence) const;
};

struct Lexed {
  std::vector<Entry> entries;
  std::vector<ConfigError> errors;
};

[[nodiscard]] Lexed lex(const std::string& file, std::string_view text);

// The line without its comment, trimmed. Allow-files follow the same rule.
[[nodiscard]] std::string_view without_comment(std::string_view line);

// Calls `take(number, line)` for each line, without its end; the first has number 1. A byte order mark is
// left out.
template <typename Take> void each_line(std::string_view text, Take take) {
  if (text.substr(0, 3) == "\xEF\xBB\xBF") {
    text.remove_prefix(3);
  }
  for (int number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    if (!line.empty() && line.back() == '\r') {
      line.remove_suffix(1);
    }
    take(number, line);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  }
}

// What no line of ours may have in it, as a sentence; nothing when the line is clean.
[[nodiscard]] std::optional<std::string> unclean(std::string_view line);

} // namespace healthgate::config
