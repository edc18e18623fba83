// Text that came from outside (an answer's status line, a DNS name, a person's reason) made fit to be shown.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace healthgate::observe {

// The length in bytes of the UTF-8 sequence at the start of `text`, 0 where there is none (RFC 3629: no
// overlong forms, no surrogates, nothing above U+10FFFF). `text` is not empty.
[[nodiscard]] std::size_t utf8_length(std::string_view text);

// Every byte that is no UTF-8 becomes U+FFFD.
[[nodiscard]] std::string valid_utf8(std::string_view text);

// One line of valid UTF-8 for a terminal: control characters, which could move the cursor or forge a line,
// become spaces, and so do the marks that turn the direction of writing.
[[nodiscard]] std::string one_line(std::string_view text);

} // namespace healthgate::observe
