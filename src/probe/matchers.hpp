// What a probe expects of an answer, made ready once from its configuration: status, headers, body.
// Pure: no clock, no descriptor. Text of the service goes into details only through printable().
#pragma once

#include "config/config.hpp"
#include "core/probe_result.hpp"
#include "probe/json_expectation.hpp"

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace re2 {
class RE2;
}

namespace healthgate::probe {

// Why an answer is not the expected one.
struct Mismatch {
  core::FailureClass failure = core::FailureClass::mismatch; // status or mismatch
  std::string detail; // one short line: "HTTP 503, expected 200", "body lacks \"ready\""
};

// The header fields of the final answer as they came; a name may stand there more than once.
using HeaderFields = std::vector<std::pair<std::string, std::string>>;

class Matchers {
public:
  // Of what check() of probe/check.hpp has found to be right; anything else is a bug.
  explicit Matchers(const config::ProbeConfig& config);
  // "" when the expression can be used, else a sentence why not. It gets at most 256 KiB, so that one search
  // over a body at its cap stays within milliseconds.
  [[nodiscard]] static std::string check_regex(const std::string& expression);

  Matchers(Matchers&&) noexcept;
  Matchers& operator=(Matchers&&) noexcept;
  Matchers(const Matchers&) = delete;
  Matchers& operator=(const Matchers&) = delete;
  ~Matchers();

  // Each returns nothing when its part of the answer is as expected. None of them blocks.
  [[nodiscard]] std::optional<Mismatch> status(int code) const;
  // Names compare without case (RFC 9110, 5.1), values exactly, without surrounding white space.
  [[nodiscard]] std::optional<Mismatch> headers(const HeaderFields& fields) const;
  [[nodiscard]] std::optional<Mismatch> body(std::string_view body) const;
  // The three in this order; the first mismatch.
  [[nodiscard]] std::optional<Mismatch> answer(int code, const HeaderFields& fields,
                                               std::string_view body) const;

  // Whether anything is expected of the body: when not, a prober need not wait for its end.
  [[nodiscard]] bool wants_body() const;
  // For people: "200", "200, 204, 300-399".
  [[nodiscard]] std::string expected_status() const;

private:
  std::vector<config::StatusRange> status_;
  HeaderFields headers_;
  std::string substring_;
  std::unique_ptr<const re2::RE2> regex_; // null: none expected
  std::vector<JsonExpectation> json_;
};

} // namespace healthgate::probe
