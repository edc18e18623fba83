// Small pieces of text work that the readers of values share.
#pragma once

#include "base/result.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace healthgate::config {

[[nodiscard]] std::string_view trim(std::string_view text);
[[nodiscard]] bool begins_with(std::string_view text, std::string_view beginning);
[[nodiscard]] std::string lower(std::string_view text);

// The parts between commas, trimmed; empty parts too, so that `80,,443` can be refused.
[[nodiscard]] std::vector<std::string_view> split_list(std::string_view text);

// "a", "a or b", "a, b or c"; `last` is the last joint.
[[nodiscard]] std::string join(const std::vector<std::string>& words, std::string_view last);

[[nodiscard]] bool is_utf8(std::string_view text);

// Fit for a line of an error: control characters and what is no UTF-8 as \xHH, cut after 100 bytes.
[[nodiscard]] std::string shown(std::string_view text);

// The bytes that `send` and `expect` stand for: \r \n \t \0 \\ \" and \xHH; a pair of double quotes around
// the whole is taken off, so that blanks at the ends can be given.
[[nodiscard]] base::Result<std::string, std::string> unescape(std::string_view text);
// The other way round, always in quotes.
[[nodiscard]] std::string escape(std::string_view bytes);

// The words of a command line, without a shell: separated by blanks; "..." keeps blanks, with \" and \\ in
// it;
// '...' keeps everything; outside of quotes a backslash keeps the next character. No variables, no patterns.
[[nodiscard]] base::Result<std::vector<std::string>, std::string> split_words(std::string_view text);

} // namespace healthgate::config
