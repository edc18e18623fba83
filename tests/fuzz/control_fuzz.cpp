// Both ends of the control socket's protocol against any bytes: a request or a response, a line each.
//
// Beside not crashing: a refusal is one printable sentence; what is taken says the same when it is written
// and read again; and what is written is one line.
#include "config/text.hpp"
#include "control/protocol.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace healthgate;
using namespace healthgate::control;

void require(bool condition, const char* what, std::string_view detail) {
  if (!condition) {
    std::fprintf(stderr, "%s\n%.*s\n", what, static_cast<int>(detail.size()), detail.data());
    std::abort();
  }
}

void expect_a_sentence(const std::string& text) {
  const bool control =
      std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  require(!text.empty() && !control && config::is_utf8(text), "a refusal that is no printable line", text);
}

// Without its newline, of which there is one, at the end.
std::string_view expect_a_line(const std::string& line) {
  require(!line.empty() && line.find('\n') == line.size() - 1, "not one line", line);
  return std::string_view(line).substr(0, line.size() - 1);
}

void read_request(std::string_view line) {
  const auto read = parse_request(line);
  if (!read) {
    expect_a_sentence(read.error().sentence);
    return;
  }
  const std::string written = to_line(read.value());
  const auto again = parse_request(expect_a_line(written));
  require(again.ok(), "a request that is not taken again", written);
  require(to_line(again.value()) == written, "a request that says something else when it is read again",
          written);
}

void read_response(std::string_view line) {
  const auto read = parse_response(line);
  if (!read) {
    expect_a_sentence(read.error());
    return;
  }
  const std::string written = to_line(read.value());
  const auto again = parse_response(expect_a_line(written));
  require(again.ok() && to_line(again.value()) == written, "a response that says something else", written);
  if (read.value().ok) {
    (void)message_from_json(read.value().result); // not every result is a message
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view line(reinterpret_cast<const char*>(data), size); // bytes are what char is
  read_request(line);
  read_response(line);
  return 0;
}
