// One line of `expect-json`: a JSON pointer (RFC 6901), an operator and a value, made ready once and asked
// again and again. The document comes from a service that may be hostile: reading it is bounded in depth, and
// no exception leaves this file.
#pragma once

#include "base/result.hpp"
#include "config/config.hpp"

#include <nlohmann/json.hpp>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace healthgate::probe {

// Deepest nesting of a body that is read; a health document that needs more is not one.
inline constexpr int json_depth_limit = 64;

// Reads a body. A failure is one short line: "body is empty, expected JSON", "body is not JSON", "JSON nested
// deeper than 64". Memory: about 50 times the body, which the caller has capped. Does not block.
[[nodiscard]] base::Result<nlohmann::json, std::string> parse_json(std::string_view body);

class JsonExpectation {
public:
  // A failure is a sentence for the configuration's author.
  static base::Result<JsonExpectation, std::string> compile(const config::JsonExpectation& config);

  // Nothing when the document is as expected; else one short line: "/localEndpoints is 0, expected >= 1".
  // Numbers compare as numbers over the whole range of 64-bit integers and doubles, strings bytewise; values
  // of two kinds are unequal, and neither below nor above each other.
  [[nodiscard]] std::optional<std::string> mismatch(const nlohmann::json& document) const;

private:
  enum class Operator { equal, not_equal, less, less_equal, greater, greater_equal, exists };
  static std::optional<Operator> parse_operator(std::string_view text);

  JsonExpectation() = default;
  [[nodiscard]] const nlohmann::json* find(const nlohmann::json& document) const;
  [[nodiscard]] bool holds(const nlohmann::json& found) const;

  std::string pointer_;             // as written
  std::vector<std::string> tokens_; // of the pointer, unescaped
  Operator operator_ = Operator::exists;
  std::string expected_; // ">= 1", for people
  nlohmann::json value_; // a number, a string, true, false or null
};

} // namespace healthgate::probe
