// grpc.health.v1.Health/Check on the wire, by hand: one request message, one bounded response message.
// Pure; the transport is HttpExchange. Wire format: grpc/doc/PROTOCOL-HTTP2.md, protobuf.dev "Encoding".
#pragma once

#include "base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace healthgate::probe {

// HealthCheckResponse.ServingStatus; a number outside these is kept as it came.
enum class ServingStatus : std::uint64_t {
  unknown = 0,
  serving = 1,
  not_serving = 2,
  service_unknown = 3, // by Watch only, but servers are known to send it
};

inline constexpr std::string_view grpc_check_path = "/grpc.health.v1.Health/Check";

// The request's body: HealthCheckRequest{service}, framed and not compressed. "" asks for the whole server.
[[nodiscard]] std::string grpc_check_request(std::string_view service);

// Reads the response's body, which must hold exactly one message. A failure says in one sentence what is
// wrong.
[[nodiscard]] base::Result<ServingStatus, std::string> parse_grpc_check_response(std::string_view body);

// "SERVING", "NOT_SERVING", ..., or the number.
[[nodiscard]] std::string to_string(ServingStatus status);

// The name of a grpc-status code (0 to 16): "UNIMPLEMENTED"; the number itself for any other.
[[nodiscard]] std::string grpc_status_name(int code);

} // namespace healthgate::probe
