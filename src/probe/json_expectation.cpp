#include "probe/json_expectation.hpp"

#include "probe/printable.hpp"

#include <charconv>
#include <utility>

namespace healthgate::probe {
namespace {

using nlohmann::json;
using Problem = base::Failure<std::string>;

// -1, 0, 1; none when the two cannot be ordered. Integers of both signs and doubles, without losing a bit.
std::optional<int> compare_numbers(const json& a, const json& b) {
  const auto sign = [](auto x, auto y) { return x < y ? -1 : x > y ? 1 : 0; };
  if (a.is_number_float() || b.is_number_float()) {
    const auto x = a.get<long double>(); // 64 bits of mantissa on x86: every integer as it is
    const auto y = b.get<long double>();
    return x != x || y != y ? std::nullopt : std::optional(sign(x, y));
  }
  if (a.is_number_unsigned() && b.is_number_unsigned()) {
    return sign(a.get<std::uint64_t>(), b.get<std::uint64_t>());
  }
  if (a.is_number_unsigned() || b.is_number_unsigned()) {
    const bool a_negative = !a.is_number_unsigned() && a.get<std::int64_t>() < 0;
    const bool b_negative = !b.is_number_unsigned() && b.get<std::int64_t>() < 0;
    if (a_negative || b_negative) {
      return a_negative ? -1 : 1;
    }
    return sign(a.get<std::uint64_t>(), b.get<std::uint64_t>());
  }
  return sign(a.get<std::int64_t>(), b.get<std::int64_t>());
}

std::optional<int> compare(const json& a, const json& b) {
  if (a.is_number() && b.is_number()) {
    return compare_numbers(a, b);
  }
  if (a.is_string() && b.is_string()) {
    const int order = a.get_ref<const std::string&>().compare(b.get_ref<const std::string&>());
    return order < 0 ? -1 : order > 0 ? 1 : 0;
  }
  return std::nullopt;
}

bool equal(const json& a, const json& b) {
  if (a.is_number() || a.is_string()) {
    return compare(a, b) == 0;
  }
  return a.type() == b.type() && a == b;
}

std::string shown(const json& value) {
  return printable(value.dump(-1, ' ', true, json::error_handler_t::replace));
}

// "~1" is a slash, "~0" a tilde (RFC 6901, 4); none for any other use of the tilde.
std::optional<std::string> unescaped(std::string_view token) {
  std::string out;
  for (std::size_t index = 0; index < token.size(); ++index) {
    if (token[index] != '~') {
      out += token[index];
      continue;
    }
    ++index;
    if (index == token.size() || (token[index] != '0' && token[index] != '1')) {
      return std::nullopt;
    }
    out += token[index] == '0' ? '~' : '/';
  }
  return out;
}

} // namespace

base::Result<json, std::string> parse_json(std::string_view body) {
  if (body.find_first_not_of(" \t\r\n") == std::string_view::npos) {
    return Problem{"body is empty, expected JSON"};
  }
  bool too_deep = false;
  const auto bounded = [&](int depth, json::parse_event_t event, const json& /*value*/) {
    const bool opens =
        event == json::parse_event_t::object_start || event == json::parse_event_t::array_start;
    too_deep = too_deep || (opens && depth >= json_depth_limit);
    return !too_deep;
  };
  auto document = json::parse(body.begin(), body.end(), bounded, false);
  if (too_deep) {
    return Problem{"JSON nested deeper than " + std::to_string(json_depth_limit)};
  }
  if (document.is_discarded()) {
    return Problem{"body is not JSON"};
  }
  return document;
}

std::optional<JsonExpectation::Operator> JsonExpectation::parse_operator(std::string_view text) {
  constexpr std::pair<std::string_view, Operator> operators[] = {
      {"==", Operator::equal},      {"!=", Operator::not_equal}, {"<", Operator::less},
      {"<=", Operator::less_equal}, {">", Operator::greater},    {">=", Operator::greater_equal},
      {"exists", Operator::exists},
  };
  for (const auto& [name, op] : operators) {
    if (name == text) {
      return op;
    }
  }
  return std::nullopt;
}

base::Result<JsonExpectation, std::string> JsonExpectation::compile(const config::JsonExpectation& config) {
  JsonExpectation made;
  made.pointer_ = config.pointer;
  std::string_view rest = config.pointer;
  while (!rest.empty()) {
    if (rest.front() != '/') {
      return Problem{"the pointer '" + config.pointer + "' must begin with '/'"};
    }
    rest.remove_prefix(1);
    const auto end = rest.find('/');
    auto token = unescaped(rest.substr(0, end));
    if (!token) {
      return Problem{"in the pointer '" + config.pointer + "' '~' must be followed by 0 or 1"};
    }
    made.tokens_.push_back(std::move(*token));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end);
  }
  const auto op = parse_operator(config.op);
  if (!op) {
    return Problem{"'" + config.op + "' is no operator; there are: == != < <= > >= exists"};
  }
  made.operator_ = *op;
  if (*op == Operator::exists) {
    made.expected_ = "to exist";
    return made;
  }
  made.value_ = json::parse(config.value, nullptr, false);
  if (made.value_.is_discarded() || made.value_.is_structured()) {
    return Problem{"the value '" + config.value + "' must be a JSON number, string, true, false or null"};
  }
  const bool orders = *op != Operator::equal && *op != Operator::not_equal;
  if (orders && !made.value_.is_number() && !made.value_.is_string()) {
    return Problem{"'" + config.op + "' compares numbers and strings, not '" + config.value + "'"};
  }
  made.expected_ = config.op + " " + shown(made.value_);
  return made;
}

const json* JsonExpectation::find(const json& document) const {
  const json* at = &document;
  for (const auto& token : tokens_) {
    if (at->is_object()) {
      const auto member = at->find(token);
      if (member == at->end()) {
        return nullptr;
      }
      at = &*member;
      continue;
    }
    std::size_t index = 0;
    const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), index);
    const bool canonical = token == "0" || (!token.empty() && token[0] != '0');
    if (!at->is_array() || error != std::errc() || end != token.data() + token.size() || !canonical ||
        index >= at->size()) {
      return nullptr;
    }
    at = &(*at)[index];
  }
  return at;
}

bool JsonExpectation::holds(const json& found) const {
  const auto order = compare(found, value_);
  switch (operator_) {
  case Operator::equal:
    return equal(found, value_);
  case Operator::not_equal:
    return !equal(found, value_);
  case Operator::less:
    return order && *order < 0;
  case Operator::less_equal:
    return order && *order <= 0;
  case Operator::greater:
    return order && *order > 0;
  case Operator::greater_equal:
    return order && *order >= 0;
  case Operator::exists:
    return true;
  }
  return false;
}

std::optional<std::string> JsonExpectation::mismatch(const json& document) const {
  const auto where = pointer_.empty() ? std::string("the document") : printable(pointer_);
  const auto* const found = find(document);
  if (found == nullptr) {
    return where + " is missing, expected " + expected_;
  }
  if (holds(*found)) {
    return std::nullopt;
  }
  return where + " is " + shown(*found) + ", expected " + expected_;
}

} // namespace healthgate::probe
