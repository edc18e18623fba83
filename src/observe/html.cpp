#include "observe/html.hpp"

#include "observe/text.hpp"

namespace healthgate::observe {

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : one_line(text)) {
    switch (c) {
    case '&':
      out += "&amp;";
      break;
    case '<':
      out += "&lt;";
      break;
    case '>':
      out += "&gt;";
      break;
    case '"':
      out += "&quot;";
      break;
    case '\'':
      out += "&#39;";
      break;
    default:
      out.push_back(c);
    }
  }
  return out;
}

std::string element(std::string_view tag, std::string_view style, std::string_view text) {
  std::string out = "<" + std::string(tag);
  if (!style.empty()) {
    out += " class=\"" + std::string(style) + "\"";
  }
  return out + ">" + escaped(text) + "</" + std::string(tag) + ">";
}

} // namespace healthgate::observe
