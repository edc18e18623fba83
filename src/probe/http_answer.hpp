// The answer to an HTTP request as it comes in, line by line and piece by piece, under bounds: whatever a
// hostile service sends, it costs no more than these. Pure; curl has undone the framing (chunks, HTTP/2).
#pragma once

#include "probe/matchers.hpp"

#include <cstddef>
#include <string>
#include <string_view>

namespace healthgate::probe {

struct HttpBounds {
  std::size_t body_bytes = 64 * 1024;
  std::size_t header_bytes =
      64 * 1024;          // of all header lines together: informational answers and trailers too
  int header_lines = 200; // likewise
  int informational = 10; // 1xx answers before the final one
};

class HttpAnswer {
public:
  // How far the answer has come.
  enum class Part {
    nothing,       // no byte yet
    informational, // only 1xx answers so far
    headers,       // in the final answer's header
    body,          // the header is complete
  };

  HttpAnswer() = default;
  // `without_body`: the request was HEAD, so a Content-Length announces nothing.
  explicit HttpAnswer(const HttpBounds& bounds, bool without_body = false)
      : bounds_(bounds), without_body_(without_body) {}

  // Take the next header line, with or without its line end, and the next bytes of the body. False when a
  // bound is passed: the rest is not wanted, and excess() says why.
  [[nodiscard]] bool take_header(std::string_view line);
  [[nodiscard]] bool take_body(std::string_view bytes);

  [[nodiscard]] Part part() const { return part_; }
  [[nodiscard]] int status() const { return status_; } // of the final answer, 0 before its status line
  [[nodiscard]] const std::string& status_line() const { return status_line_; } // as it came
  [[nodiscard]] const HeaderFields& headers() const { return headers_; }
  [[nodiscard]] const HeaderFields& trailers() const { return trailers_; }
  [[nodiscard]] const std::string& body() const { return body_; }
  [[nodiscard]] const std::string& excess() const { return excess_; } // "" while within the bounds
  // The first header field, or else trailer field, of that name, compared without case; "" when there is
  // none.
  [[nodiscard]] std::string_view field(std::string_view name) const;

private:
  bool refuse(std::string why);
  bool begin_answer(std::string_view line);
  bool end_of_header();

  HttpBounds bounds_;
  bool without_body_ = false;
  Part part_ = Part::nothing;
  int status_ = 0;
  std::string status_line_;
  HeaderFields headers_;
  HeaderFields trailers_;
  std::string body_;
  std::string excess_;
  std::size_t header_bytes_ = 0;
  int header_lines_ = 0;
  int informational_ = 0;
};

} // namespace healthgate::probe
