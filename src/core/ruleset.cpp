#include "core/ruleset.hpp"

namespace healthgate::core {

std::string sanitize_comment(std::string_view text) {
  std::string out(text.substr(0, comment_limit_bytes));
  for (auto& c : out) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && std::string_view(" .,:/_=+-").find(c) == std::string_view::npos) {
      c = '_';
    }
  }
  return out;
}

} // namespace healthgate::core
