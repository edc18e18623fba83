#include "config/values.hpp"

#include "config/text.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <array>
#include <cctype>
#include <charconv>
#include <limits>
#include <sys/un.h>

namespace healthgate::config {
namespace {

using base::Failure;

Failure<std::string> refuse(std::string sentence) {
  return Failure<std::string>{std::move(sentence)};
}

bool is_alnum(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0;
}

struct Unit {
  std::string_view name;
  std::uint64_t factor;
};

constexpr std::array<Unit, 4> duration_units = {{{"h", 3'600'000}, {"m", 60'000}, {"s", 1'000}, {"ms", 1}}};
constexpr std::array<Unit, 3> size_units = {{{"G", 1U << 30U}, {"M", 1U << 20U}, {"k", 1U << 10U}}};
constexpr std::uint64_t duration_limit_ms = 1'000'000ULL * 3'600'000;
constexpr std::uint64_t size_limit_bytes = 1ULL << 40U;

// "250ms" -> 250 and "ms"; nothing when it does not begin with a digit or the number is beyond 64 bits.
std::optional<std::pair<std::uint64_t, std::string_view>> number_and_unit(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) {
    return std::nullopt;
  }
  return std::pair(number, text.substr(static_cast<std::size_t>(end - text.data())));
}

template <std::size_t N> std::uint64_t factor_of(std::string_view unit, const std::array<Unit, N>& units) {
  const auto found = std::find_if(units.begin(), units.end(), [&](const Unit& u) { return u.name == unit; });
  return found == units.end() ? 0 : found->factor;
}

template <std::size_t N> std::string format_units(std::uint64_t number, const std::array<Unit, N>& units) {
  for (const Unit& unit : units) {
    if (number != 0 && number % unit.factor == 0) {
      return std::to_string(number / unit.factor) + std::string(unit.name);
    }
  }
  return std::to_string(number);
}

// "[::1]:80" or "127.0.0.1:80" into its two halves.
std::optional<std::pair<std::string_view, std::string_view>> split_host_port(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != std::string_view::npos) {
    return std::nullopt;
  }
  return std::pair(host, text.substr(colon + 1));
}

Read<StatusRange> parse_status_range(std::string_view text) {
  const std::size_t dash = text.find('-');
  const auto low = parse_integer(trim(text.substr(0, dash)), 100, 599);
  const auto high =
      dash == std::string_view::npos ? low : parse_integer(trim(text.substr(dash + 1)), 100, 599);
  if (!low || !high) {
    return refuse("'" + shown(text) +
                  "' is no HTTP status from 100 to 599, nor a range of them, as 200,204,300-399");
  }
  if (low.value() > high.value()) {
    return refuse("the range " + shown(text) + " runs backwards");
  }
  return StatusRange{low.value(), high.value()};
}

// JSON text of a scalar, as far as its first look tells; probe/ reads it with a JSON library.
bool looks_like_json_scalar(std::string_view text) {
  if (text == "true" || text == "false" || text == "null") {
    return true;
  }
  if (text.size() >= 2 && text.front() == '"') {
    return text.back() == '"';
  }
  const std::size_t digit = begins_with(text, "-") ? 1 : 0;
  return digit < text.size() && std::isdigit(static_cast<unsigned char>(text[digit])) != 0 &&
         text.find_first_not_of("0123456789.eE+-") == std::string_view::npos;
}

bool is_json_pointer(std::string_view text) {
  for (std::size_t i = text.find('~'); i != std::string_view::npos; i = text.find('~', i + 1)) {
    if (i + 1 == text.size() || (text[i + 1] != '0' && text[i + 1] != '1')) {
      return false;
    }
  }
  return begins_with(text, "/");
}

// Takes the first word off `text`.
std::string_view take_word(std::string_view& text) {
  const std::size_t end = std::min(text.find_first_of(" \t"), text.size());
  const std::string_view word = text.substr(0, end);
  text = trim(text.substr(end));
  return word;
}

} // namespace

Read<milliseconds> parse_duration(std::string_view text) {
  const auto parts = number_and_unit(text);
  if (!parts) {
    return refuse("a duration is a whole number with a unit: 250ms, 2s, 5m or 1h");
  }
  const auto [number, unit] = *parts;
  if (unit.empty() && number == 0) {
    return milliseconds{0};
  }
  if (unit.empty()) {
    return refuse("a duration needs a unit: " + std::to_string(number) + "ms, " + std::to_string(number) +
                  "s");
  }
  const std::uint64_t factor = factor_of(unit, duration_units);
  if (factor == 0) {
    return refuse("'" + shown(unit) +
                  "' is no unit of a duration; allowed: a whole number with ms, s, m or h");
  }
  if (number > duration_limit_ms / factor) {
    return refuse("a duration of more than a million hours");
  }
  return milliseconds{static_cast<milliseconds::rep>(number * factor)};
}

std::string format_duration(milliseconds duration) {
  return duration.count() <= 0 ? "0"
                               : format_units(static_cast<std::uint64_t>(duration.count()), duration_units);
}

Read<std::size_t> parse_size(std::string_view text) {
  const auto parts = number_and_unit(text);
  const std::uint64_t factor = !parts ? 0 : parts->second.empty() ? 1 : factor_of(parts->second, size_units);
  if (factor == 0) {
    return refuse("a size is a whole number of bytes, or with k, M or G: 512, 64k, 1M");
  }
  if (parts->first > size_limit_bytes / factor) {
    return refuse("a size of more than 1024G");
  }
  return static_cast<std::size_t>(parts->first * factor);
}

std::string format_size(std::size_t bytes) {
  return format_units(bytes, size_units);
}

Read<int> parse_integer(std::string_view text, int least, int most) {
  int number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number < least || number > most) {
    return refuse("a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  return number;
}

Read<std::uint16_t> parse_port(std::string_view text) {
  const auto number = parse_integer(text, 1, std::numeric_limits<std::uint16_t>::max());
  if (!number) {
    return refuse("a port is a whole number from 1 to 65535");
  }
  return static_cast<std::uint16_t>(number.value());
}

Read<bool> parse_yes_no(std::string_view text) {
  if (text == "yes" || text == "no") {
    return text == "yes";
  }
  return refuse("allowed: yes or no");
}

Read<std::filesystem::path> parse_absolute_path(std::string_view text) {
  if (!begins_with(text, "/")) {
    return refuse("a path begins with '/'");
  }
  return std::filesystem::path(text);
}

Read<std::filesystem::path> parse_socket_path(std::string_view text) {
  constexpr std::size_t limit = sizeof(sockaddr_un::sun_path) - 1;
  if (text.size() > limit) {
    return refuse("a socket's path has at most " + std::to_string(limit) + " bytes, this one has " +
                  std::to_string(text.size()));
  }
  return parse_absolute_path(text);
}

bool is_host_name(std::string_view text) {
  if (text.empty() || text.size() > 253) {
    return false;
  }
  std::size_t label = 0;
  for (const char c : text) {
    label = c == '.' ? 0 : label + 1;
    if (label > 63 || (c != '.' && c != '-' && c != '_' && !is_alnum(c))) {
      return false;
    }
  }
  return text.front() != '.' && text.front() != '-' && text.find("..") == std::string_view::npos;
}

Read<std::string> parse_host_name(std::string_view text) {
  if (!is_host_name(text)) {
    return refuse("a host's name has letters, digits, '-' and '.', as router.example.com");
  }
  return std::string(text);
}

bool is_numeric_address(std::string_view text) {
  const std::size_t percent = text.find('%');
  if (percent != std::string_view::npos && percent + 1 == text.size()) {
    return false;
  }
  in6_addr address{};
  const std::string host(text.substr(0, percent));
  return inet_pton(AF_INET6, host.c_str(), &address) == 1 ||
         (percent == std::string_view::npos && inet_pton(AF_INET, host.c_str(), &address) == 1);
}

bool is_loopback(std::string_view host) {
  return host == "::1" || lower(host) == "localhost" ||
         (begins_with(host, "127.") && is_numeric_address(host));
}

Read<std::optional<HostPort>> parse_listen(std::string_view text) {
  if (text == "off") {
    return std::optional<HostPort>();
  }
  const auto halves = split_host_port(text);
  if (!halves || !is_numeric_address(halves->first)) {
    return refuse("a numeric address and a port, as 127.0.0.1:18899 or [::1]:18899, or off");
  }
  const auto port = parse_port(halves->second);
  if (!port) {
    return refuse(port.error());
  }
  return std::optional(HostPort{std::string(halves->first), port.value()});
}

std::string format_listen(const std::optional<HostPort>& listen) {
  if (!listen) {
    return "off";
  }
  const bool v6 = listen->host.find(':') != std::string::npos;
  return (v6 ? "[" + listen->host + "]" : listen->host) + ":" + std::to_string(listen->port);
}

Read<std::vector<StatusRange>> parse_status_list(std::string_view text) {
  std::vector<StatusRange> ranges;
  for (const auto part : split_list(text)) {
    const auto range = parse_status_range(part);
    if (!range) {
      return refuse(range.error());
    }
    ranges.push_back(range.value());
  }
  return ranges;
}

std::string format_status_list(const std::vector<StatusRange>& ranges) {
  std::string out;
  for (const auto& [low, high] : ranges) {
    out += (out.empty() ? "" : ",") + std::to_string(low) + (low == high ? "" : "-" + std::to_string(high));
  }
  return out;
}

bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
    return is_alnum(c) || marks.find(c) != std::string_view::npos;
  });
}

Read<Header> parse_expected_header(std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view name = trim(text.substr(0, colon));
  if (!is_token(name)) {
    return refuse("'" + shown(name) + "' is no name of a header; allowed: Name, or Name: value");
  }
  const std::string_view value = colon < text.size() ? trim(text.substr(colon + 1)) : std::string_view();
  return Header(name, value);
}

Read<Header> parse_header(std::string_view text) {
  auto header = parse_expected_header(text);
  if (!header || text.find(':') == std::string_view::npos) {
    return refuse("a header is written as Name: value");
  }
  if (lower(header.value().first) == "host") {
    return refuse("the Host header is set by the key 'host'");
  }
  return header;
}

Read<JsonExpectation> parse_json_expectation(std::string_view text) {
  static const std::vector<std::string> operators = {"==", "!=", "<", "<=", ">", ">=", "exists"};
  JsonExpectation out;
  out.pointer = take_word(text);
  out.op = take_word(text);
  out.value = text;
  if (!is_json_pointer(out.pointer)) {
    return refuse("it begins with a JSON pointer (RFC 6901), as in: /localEndpoints >= 1");
  }
  if (std::find(operators.begin(), operators.end(), out.op) == operators.end()) {
    return refuse("'" + shown(out.op) + "' is no operator; allowed: " + join(operators, " or ") +
                  ", as in: /localEndpoints >= 1");
  }
  if (out.op == "exists" && !out.value.empty()) {
    return refuse("'exists' takes no value");
  }
  if (out.op != "exists" && !looks_like_json_scalar(out.value)) {
    return refuse("'" + shown(out.value) +
                  R"(' is no JSON value; allowed: a number, true, false, null or "text")");
  }
  return out;
}

} // namespace healthgate::config
