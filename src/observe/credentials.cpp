#include "observe/credentials.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>

namespace healthgate::observe {
namespace {

constexpr std::string_view blanks = " \t\r";

// Without an early end: the time tells nothing but the length.
bool equal(std::string_view given, std::string_view token) {
  unsigned difference = given.size() == token.size() ? 0U : 1U;
  for (std::size_t index = 0; index < given.size(); ++index) {
    const auto other = token[index % token.size()];
    difference |= static_cast<unsigned char>(given[index]) ^ static_cast<unsigned char>(other);
  }
  return difference == 0;
}

// Base64 of RFC 4648, padding or not; none for any other character.
std::optional<std::string> from_base64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (!text.empty() && text.back() == '=') {
    text.remove_suffix(1);
  }
  std::string out;
  std::uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const auto digit = digits.find(c);
    if (digit == std::string_view::npos) {
      return std::nullopt;
    }
    bits = (bits << 6U) | static_cast<std::uint32_t>(digit);
    count += 6;
    if (count >= 8) {
      count -= 8;
      out += static_cast<char>((bits >> static_cast<unsigned>(count)) & 0xffU);
    }
  }
  return out;
}

// Schemes are compared without regard to case (RFC 9110, 11.1).
bool starts_with_scheme(std::string_view text, std::string_view scheme) {
  if (text.size() <= scheme.size() || text[scheme.size()] != ' ') {
    return false;
  }
  for (std::size_t index = 0; index < scheme.size(); ++index) {
    const char c = text[index];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c) != scheme[index]) {
      return false;
    }
  }
  return true;
}

std::string_view stripped(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

} // namespace

std::string token_of_file(std::string_view content) {
  return std::string(stripped(content.substr(0, content.find('\n'))));
}

bool is_permitted(std::string_view authorization, std::string_view token) {
  if (token.empty()) {
    return true;
  }
  if (starts_with_scheme(authorization, "bearer")) {
    return equal(stripped(authorization.substr(6)), token);
  }
  if (starts_with_scheme(authorization, "basic")) {
    const auto pair = from_base64(stripped(authorization.substr(5)));
    const auto colon = pair ? pair->find(':') : std::string::npos;
    return colon != std::string::npos && equal(std::string_view(*pair).substr(colon + 1), token);
  }
  return false;
}

} // namespace healthgate::observe
