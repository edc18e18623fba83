#include "config/lexer.hpp"

#include "config/text.hpp"

#include <boost/program_options.hpp>

#include <algorithm>
#include <sstream>
#include <utility>

namespace healthgate::config {
namespace {

namespace po = boost::program_options;

// Stands for '#' while Boost has the line; unclean() has refused it in the line itself.
constexpr char masked_hash = '\x01';

// The end of the quoted text that begins at `open`, or npos when it is never closed.
std::size_t closing_quote(std::string_view line, std::size_t open) {
  for (std::size_t i = open + 1; i < line.size(); ++i) {
    if (line[i] == '\\') {
      ++i;
    } else if (line[i] == '"') {
      return i;
    }
  }
  return std::string_view::npos;
}

// `key = value` into its halves; nothing when there is no '='.
std::optional<std::pair<std::string, std::string>> split_setting(std::string_view line) {
  std::string text(line);
  std::replace(text.begin(), text.end(), '#', masked_hash);
  std::istringstream in(text);
  try {
    const po::options_description none;
    const auto parsed = po::parse_config_file(in, none, true);
    if (parsed.options.size() != 1 || parsed.options[0].value.size() != 1) {
      return std::nullopt;
    }
    std::string key = parsed.options[0].string_key;
    std::string value = parsed.options[0].value[0];
    std::replace(key.begin(), key.end(), masked_hash, '#');
    std::replace(value.begin(), value.end(), masked_hash, '#');
    return std::pair(std::move(key), std::move(value));
  } catch (const po::error&) {
    return std::nullopt;
  }
}

} // namespace

ConfigError Entry::error(std::string sentence) const {
  const bool head = kind == Kind::section;
  return {file, line, head ? "[" + section + "]" : spelled, head ? "" : value, std::move(sentence)};
}

std::string_view without_comment(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') {
      const std::size_t close = closing_quote(line, i);
      i = close == std::string_view::npos ? i : close;
    } else if (line[i] == '#' && (i == 0 || line[i - 1] == ' ' || line[i - 1] == '\t')) {
      return trim(line.substr(0, i));
    }
  }
  return trim(line);
}

std::optional<std::string> unclean(std::string_view line) {
  if (line.size() > line_limit_bytes) {
    return "the line has " + std::to_string(line.size()) + " bytes; at most " +
           std::to_string(line_limit_bytes) + " are allowed";
  }
  const auto control = std::find_if(line.begin(), line.end(),
                                    [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
  if (control != line.end() && *control == '\0') {
    return "the line has a NUL byte in it: this is no text file, or it is UTF-16";
  }
  if (control != line.end()) {
    return "the line has the control character " + shown({&*control, 1}) +
           " in it; in send and expect it is written so";
  }
  if (!is_utf8(line)) {
    return "the line is not UTF-8";
  }
  return std::nullopt;
}

Lexed lex(const std::string& file, std::string_view text) {
  Lexed out;
  std::string section;
  each_line(text, [&](int number, std::string_view whole) {
    const auto refuse = [&](std::string_view value, std::string sentence) {
      out.errors.push_back({file, number, "", shown(value), std::move(sentence)});
    };
    if (const auto problem = unclean(whole)) {
      refuse("", *problem);
      return;
    }
    const std::string_view line = without_comment(whole);
    if (line.empty()) {
      return;
    }
    if (line.front() == '[') {
      section = line.substr(1, line.size() - (line.back() == ']' ? 2 : 1));
      out.entries.push_back({Entry::Kind::section, file, number, section, "", "", ""});
      if (line.back() != ']') {
        refuse(line, "a section's head ends with ']': [gate.NAME] or [probe.NAME]");
      }
      return;
    }
    const auto setting = split_setting(line);
    if (!setting || setting->first.empty()) {
      refuse(line, "neither `key = value` nor [section] nor a comment (#)");
      return;
    }
    out.entries.push_back(
        {Entry::Kind::setting, file, number, section, setting->first, setting->second, setting->first});
  });
  return out;
}

} // namespace healthgate::config
