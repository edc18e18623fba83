// Style and script of the page, part of it so that it needs nothing else. Both carry the nonce of the page's
// Content-Security-Policy: nothing that a probed service says can become either.
#pragma once

#include <string_view>

namespace healthgate::observe {

extern const std::string_view page_style;
extern const std::string_view page_script;

} // namespace healthgate::observe
