#include "config/text.hpp"

#include <algorithm>
#include <cctype>

namespace healthgate::config {
namespace {

using base::Failure;

constexpr std::string_view blanks = " \t\r\n\f\v";
constexpr std::size_t shown_limit_bytes = 100;

// Length of the UTF-8 sequence at the beginning of `text`, 0 when there is none (RFC 3629, 4).
std::size_t utf8_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return byte(i) >= low && byte(i) <= high;
  };
  const unsigned first = byte(0);
  if (first < 0x80) {
    return text.empty() ? 0 : 1;
  }
  if (first >= 0xC2 && first <= 0xDF) {
    return follows(1) ? 2 : 0;
  }
  if (first >= 0xE0 && first <= 0xEF) {
    const bool second = follows(1, first == 0xE0 ? 0xA0 : 0x80, first == 0xED ? 0x9F : 0xBF);
    return second && follows(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const bool second = follows(1, first == 0xF0 ? 0x90 : 0x80, first == 0xF4 ? 0x8F : 0xBF);
    return second && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

std::string hex_escape(char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  return {'\\', 'x', digits[byte >> 4U], digits[byte & 15U]};
}

int hex_digit(char c) {
  const auto lowered = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (lowered >= '0' && lowered <= '9') {
    return lowered - '0';
  }
  return lowered >= 'a' && lowered <= 'f' ? lowered - 'a' + 10 : -1;
}

// What the single character after a backslash stands for, or -1.
int simple_escape(char c) {
  switch (c) {
  case 'r':
    return '\r';
  case 'n':
    return '\n';
  case 't':
    return '\t';
  case '0':
    return '\0';
  case '\\':
  case '"':
    return c;
  default:
    return -1;
  }
}

} // namespace

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool begins_with(std::string_view text, std::string_view beginning) {
  return text.substr(0, beginning.size()) == beginning;
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::vector<std::string_view> split_list(std::string_view text) {
  std::vector<std::string_view> parts;
  std::size_t begin = 0;
  for (std::size_t comma = text.find(','); comma != std::string_view::npos; comma = text.find(',', begin)) {
    parts.push_back(trim(text.substr(begin, comma - begin)));
    begin = comma + 1;
  }
  parts.push_back(trim(text.substr(begin)));
  return parts;
}

std::string join(const std::vector<std::string>& words, std::string_view last) {
  std::string out;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i > 0) {
      out += i + 1 == words.size() ? last : std::string_view(", ");
    }
    out += words[i];
  }
  return out;
}

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    if (length == 0) {
      return false;
    }
    text.remove_prefix(length);
  }
  return true;
}

std::string shown(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t length = utf8_length(text);
    const bool control = static_cast<unsigned char>(text[0]) < 0x20 || text[0] == 0x7F;
    const std::string piece =
        length == 0 || control ? hex_escape(text[0]) : std::string(text.substr(0, length));
    if (out.size() + piece.size() > shown_limit_bytes) {
      return out + "...";
    }
    out += piece;
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return out;
}

base::Result<std::string, std::string> unescape(std::string_view text) {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') {
    text = text.substr(1, text.size() - 2);
  }
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
      continue;
    }
    const char kind = i + 1 < text.size() ? text[i + 1] : '\0';
    const int high = i + 2 < text.size() ? hex_digit(text[i + 2]) : -1;
    const int low = i + 3 < text.size() ? hex_digit(text[i + 3]) : -1;
    if (kind == 'x' && high >= 0 && low >= 0) {
      out += static_cast<char>(high * 16 + low);
      i += 3;
    } else if (i + 1 < text.size() && simple_escape(kind) >= 0) {
      out += static_cast<char>(simple_escape(kind));
      i += 1;
    } else {
      return Failure{"'" + shown(text.substr(i, 2)) +
                     R"(' is no escape sequence; allowed: \r \n \t \0 \\ \" and \xHH with two hex digits)"};
    }
  }
  return out;
}

std::string escape(std::string_view bytes) {
  std::string out = "\"";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\r') {
      out += "\\r";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\t') {
      out += "\\t";
    } else if (c == '"' || c == '\\') {
      out += {'\\', c};
    } else if (byte < 0x20 || byte >= 0x7F) {
      out += hex_escape(c);
    } else {
      out += c;
    }
  }
  return out + '"';
}

base::Result<std::vector<std::string>, std::string> split_words(std::string_view text) {
  std::vector<std::string> words;
  bool in_word = false;
  char quote = '\0'; // that is open, or none
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote == '\0' && blanks.find(c) != std::string_view::npos) {
      in_word = false;
      continue;
    }
    if (!in_word) {
      words.emplace_back();
      in_word = true;
    }
    const char next = i + 1 < text.size() ? text[i + 1] : '\0';
    if (c == quote) {
      quote = '\0';
    } else if (quote == '\0' && (c == '"' || c == '\'')) {
      quote = c;
    } else if (c == '\\' && i + 1 < text.size() &&
               (quote == '\0' || (quote == '"' && (next == '"' || next == '\\')))) {
      words.back() += next;
      ++i;
    } else if (c == '\\' && quote == '\0') {
      return Failure{std::string("it ends in a backslash; write two for a literal one")};
    } else {
      words.back() += c;
    }
  }
  if (quote != '\0') {
    return Failure{std::string("the ") + (quote == '"' ? "double" : "single") + " quote is not closed"};
  }
  return words;
}

} // namespace healthgate::config
