// What a gRPC server may answer to a health check, against any bytes. The first bytes are the body's; a
// failure must be one printable sentence, and what is read must be one message of the length that it claims.
#include "config/text.hpp"
#include "probe/grpc_health.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace healthgate;

void require(bool condition, const char* what, const std::string& detail) {
  if (!condition) {
    std::fprintf(stderr, "%s\n%s\n", what, detail.c_str());
    std::abort();
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view body(reinterpret_cast<const char*>(data), size); // bytes are what char is
  const auto status = probe::parse_grpc_check_response(body);
  if (!status) {
    const auto& text = status.error();
    const bool control =
        std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
    require(!text.empty() && !control && config::is_utf8(text), "a failure that is no printable line", text);
  } else {
    require(body.size() >= 5 && data[0] == 0, "a message without its frame", {});
    const std::uint32_t length = std::uint32_t{data[1]} << 24 | std::uint32_t{data[2]} << 16 |
                                 std::uint32_t{data[3]} << 8 | std::uint32_t{data[4]};
    require(length == size - 5, "a message of another length than its frame says", {});
    require(!probe::to_string(status.value()).empty(), "a status without a name", {});
  }
  const std::string request = probe::grpc_check_request(body); // any service's name
  require(request.size() >= 5 && request[0] == '\0', "a request without its frame", {});
  return 0;
}
