// The text of nft-templates/, embedded at build time (templates.cmake).
#pragma once

#include <map>
#include <string>
#include <string_view>

namespace healthgate::nft {

// The template nft-templates/NAME.nft; "" when there is none.
std::string_view template_text(std::string_view name);

using Values = std::map<std::string, std::string, std::less<>>;

// Fills a template. Lines that begin with ## are left out. A line that holds nothing but one placeholder is
// replaced by its value as it is, which may be many lines, or none. Elsewhere {{name}} is replaced in place.
// A name without a value is a bug.
std::string fill(std::string_view text, const Values& values);

} // namespace healthgate::nft
