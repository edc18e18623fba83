#include "probe/matchers.hpp"

#include "probe/printable.hpp"

#include <re2/re2.h>

#include <algorithm>
#include <cassert>
#include <cctype>

namespace healthgate::probe {
namespace {

constexpr std::int64_t regex_memory_bytes = 256 * 1024;

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
}

RE2::Options regex_options() {
  RE2::Options options;
  options.set_max_mem(regex_memory_bytes);
  options.set_log_errors(false);
  options.set_encoding(RE2::Options::EncodingLatin1); // a body need not be UTF-8
  return options;
}

std::string in_quotes(std::string_view text) {
  return "\"" + printable(text) + "\"";
}

} // namespace

Matchers::Matchers(const config::ProbeConfig& config)
    : status_(config.expect_status), headers_(config.expect_headers), substring_(config.expect_body) {
  if (!config.expect_body_regex.empty()) {
    regex_ = std::make_unique<const RE2>(config.expect_body_regex, regex_options());
    assert(regex_->ok());
  }
  for (const auto& line : config.expect_json) {
    json_.push_back(JsonExpectation::compile(line).value());
  }
}

Matchers::Matchers(Matchers&&) noexcept = default;
Matchers& Matchers::operator=(Matchers&&) noexcept = default;
Matchers::~Matchers() = default;

std::string Matchers::check_regex(const std::string& expression) {
  return RE2(expression, regex_options()).error();
}

std::optional<Mismatch> Matchers::status(int code) const {
  const bool expected = std::any_of(status_.begin(), status_.end(), [&](const auto& range) {
    return code >= range.low && code <= range.high;
  });
  if (expected) {
    return std::nullopt;
  }
  const auto wanted = expected_status();
  return Mismatch{core::FailureClass::status,
                  "HTTP " + std::to_string(code) + (wanted == "200" ? "" : ", expected " + wanted)};
}

std::optional<Mismatch> Matchers::headers(const HeaderFields& fields) const {
  for (const auto& [name, value] : headers_) {
    std::string found;
    bool present = false;
    bool matches = false;
    for (const auto& [field, content] : fields) {
      if (same_name(field, name)) {
        present = true;
        found = content;
        matches = matches || value.empty() || content == value;
      }
    }
    if (!present) {
      return Mismatch{core::FailureClass::mismatch, "header " + printable(name) + " is missing"};
    }
    if (!matches) {
      return Mismatch{core::FailureClass::mismatch, "header " + printable(name) + " is " + in_quotes(found) +
                                                        ", expected " + in_quotes(value)};
    }
  }
  return std::nullopt;
}

std::optional<Mismatch> Matchers::body(std::string_view body) const {
  if (!substring_.empty() && body.find(substring_) == std::string_view::npos) {
    return Mismatch{core::FailureClass::mismatch, "body lacks " + in_quotes(substring_)};
  }
  if (regex_ && !RE2::PartialMatch(re2::StringPiece(body.data(), body.size()), *regex_)) {
    return Mismatch{core::FailureClass::mismatch, "body does not match " + in_quotes(regex_->pattern())};
  }
  if (json_.empty()) {
    return std::nullopt;
  }
  const auto document = parse_json(body);
  if (!document) {
    return Mismatch{core::FailureClass::mismatch, document.error()};
  }
  for (const auto& expectation : json_) {
    if (auto why = expectation.mismatch(document.value())) {
      return Mismatch{core::FailureClass::mismatch, std::move(*why)};
    }
  }
  return std::nullopt;
}

std::optional<Mismatch> Matchers::answer(int code, const HeaderFields& fields,
                                         std::string_view content) const {
  if (auto mismatch = status(code)) {
    return mismatch;
  }
  if (auto mismatch = headers(fields)) {
    return mismatch;
  }
  return body(content);
}

bool Matchers::wants_body() const {
  return !substring_.empty() || regex_ || !json_.empty();
}

std::string Matchers::expected_status() const {
  std::string text;
  for (const auto& range : status_) {
    text += (text.empty() ? "" : ", ") + std::to_string(range.low) +
            (range.high == range.low ? "" : "-" + std::to_string(range.high));
  }
  return text;
}

} // namespace healthgate::probe
