#include "probe/printable.hpp"

#include <cassert>

namespace healthgate::probe {
namespace {

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

} // namespace

std::string printable(std::string_view text, std::size_t limit) {
  assert(limit >= 3);
  std::string out;
  bool gap = false;
  for (const char c : text) {
    if (is_space(c)) {
      gap = !out.empty();
      continue;
    }
    if (gap) {
      out += ' ';
      gap = false;
    }
    out += c > ' ' && c <= '~' ? c : '?';
    if (out.size() > limit) { // text may be long, and only its beginning is wanted
      out.resize(limit - 3);
      return out + "...";
    }
  }
  return out;
}

} // namespace healthgate::probe
