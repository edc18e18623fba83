// HTML from parts: whatever is put in as text is escaped, and only markup of our own is not.
#pragma once

#include <string>
#include <string_view>

namespace healthgate::observe {

// For element content and quoted attributes: one line of valid UTF-8, with &, <, >, " and ' as references.
[[nodiscard]] std::string escaped(std::string_view text);

// <TAG class="STYLE">TEXT</TAG>, the text escaped; without the attribute when `style` is empty.
[[nodiscard]] std::string element(std::string_view tag, std::string_view style, std::string_view text);

} // namespace healthgate::observe
