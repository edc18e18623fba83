// Text that a probed service chose, made fit for a log line, a terminal, a label and an nft comment.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace healthgate::probe {

// Longest piece of a service's text within a failure's detail.
inline constexpr std::size_t quoted_limit_chars = 60;

// Keeps printable ASCII, turns every run of white space into one space (none at the ends), every other byte
// into '?'. What is longer than `limit` characters is cut and ends in "...". `limit` is at least 3.
[[nodiscard]] std::string printable(std::string_view text, std::size_t limit = quoted_limit_chars);

} // namespace healthgate::probe
