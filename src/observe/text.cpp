#include "observe/text.hpp"

namespace healthgate::observe {
namespace {

constexpr std::string_view replacement = "\xef\xbf\xbd"; // U+FFFD

bool is_control(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) {
    return first < 0x20 || first == 0x7f;
  }
  const auto second = static_cast<unsigned char>(sequence[1]);
  if (sequence.size() == 2) {
    return first == 0xc2 && second < 0xa0; // C1
  }
  if (sequence.size() == 3 && first == 0xe2) {
    const auto third = static_cast<unsigned char>(sequence[2]);
    const bool mark_or_separator = third == 0x8e || third == 0x8f || (third >= 0xa8 && third <= 0xae);
    const bool isolate = third >= 0xa6 && third <= 0xa9;
    return (second == 0x80 && mark_or_separator) || (second == 0x81 && isolate);
  }
  return false;
}

template <typename Handle> void for_each_sequence(std::string_view text, Handle handle) {
  while (!text.empty()) {
    const auto length = utf8_length(text);
    handle(length == 0 ? std::string_view() : text.substr(0, length));
    text.remove_prefix(length == 0 ? 1 : length);
  }
}

} // namespace

std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
  const auto first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
  if (first < 0xc2 || first > 0xf4 || text.size() < length) {
    return 0;
  }
  for (std::size_t index = 1; index < length; ++index) {
    if ((byte(index) & 0xc0) != 0x80) {
      return 0;
    }
  }
  const bool overlong = (first == 0xe0 && byte(1) < 0xa0) || (first == 0xf0 && byte(1) < 0x90);
  const bool surrogate = first == 0xed && byte(1) > 0x9f;
  const bool too_high = first == 0xf4 && byte(1) > 0x8f;
  return overlong || surrogate || too_high ? 0 : length;
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_sequence(text,
                    [&](std::string_view sequence) { out += sequence.empty() ? replacement : sequence; });
  return out;
}

std::string one_line(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_sequence(text, [&](std::string_view sequence) {
    out += sequence.empty() ? replacement : is_control(sequence) ? std::string_view(" ") : sequence;
  });
  return out;
}

} // namespace healthgate::observe
