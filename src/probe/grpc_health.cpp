#include "probe/grpc_health.hpp"

#include <array>
#include <optional>

namespace healthgate::probe {
namespace {

constexpr std::size_t frame_header = 5; // one flag byte, four bytes of length
constexpr int max_varint_bytes = 10;

// Takes protobuf fields off the front of a message; every read says nullopt at the message's end.
class MessageReader {
public:
  explicit MessageReader(std::string_view bytes) : rest_(bytes) {}

  [[nodiscard]] bool at_end() const { return rest_.empty(); }

  std::optional<std::uint64_t> varint() {
    std::uint64_t value = 0;
    for (int i = 0; i < max_varint_bytes && !rest_.empty(); ++i) {
      const auto byte = static_cast<unsigned char>(rest_.front());
      rest_.remove_prefix(1);
      value |= static_cast<std::uint64_t>(byte & 0x7fU) << (7 * i);
      if ((byte & 0x80U) == 0) {
        return value;
      }
    }
    return std::nullopt;
  }

  // Passes over the value of a field that is not ours, as protobuf asks of every reader.
  bool skip(std::uint64_t wire_type) {
    switch (wire_type) {
    case 0:
      return varint().has_value();
    case 1:
      return drop(8);
    case 2: {
      const auto length = varint();
      return length && drop(*length);
    }
    case 5:
      return drop(4);
    default:
      return false; // groups (3, 4) are out of use, 6 and 7 were never defined
    }
  }

private:
  bool drop(std::uint64_t count) {
    if (count > rest_.size()) {
      return false;
    }
    rest_.remove_prefix(static_cast<std::size_t>(count));
    return true;
  }

  std::string_view rest_;
};

void append_varint(std::string& out, std::uint64_t value) {
  while (value >= 0x80) {
    out += static_cast<char>((value & 0x7fU) | 0x80U);
    value >>= 7U;
  }
  out += static_cast<char>(value);
}

std::string framed(const std::string& message) {
  std::string out(1, '\0'); // not compressed
  for (unsigned shift = 32; shift != 0;) {
    shift -= 8;
    out += static_cast<char>(message.size() >> shift & 0xffU);
  }
  return out + message;
}

base::Result<ServingStatus, std::string> parse_message(std::string_view message) {
  const std::string broken = "the message is not a HealthCheckResponse";
  MessageReader reader(message);
  std::uint64_t status = 0; // a field that is absent has its default value
  while (!reader.at_end()) {
    const auto tag = reader.varint();
    if (!tag) {
      return base::Failure{broken};
    }
    if (*tag >> 3U == 1 && (*tag & 7U) == 0) {
      const auto value = reader.varint();
      if (!value) {
        return base::Failure{broken};
      }
      status = *value; // of a repeated field the last one counts
    } else if (*tag >> 3U == 0 || !reader.skip(*tag & 7U)) {
      return base::Failure{broken};
    }
  }
  return static_cast<ServingStatus>(status);
}

} // namespace

std::string grpc_check_request(std::string_view service) {
  std::string message;
  if (!service.empty()) {
    message += '\x0a'; // field 1, length-delimited
    append_varint(message, service.size());
    message += service;
  }
  return framed(message);
}

base::Result<ServingStatus, std::string> parse_grpc_check_response(std::string_view body) {
  if (body.size() < frame_header) {
    return base::Failure{
        std::string(body.empty() ? "the answer holds no message" : "the message is cut short")};
  }
  if (body[0] != '\0') {
    return base::Failure{std::string("the message is compressed, which was not offered")};
  }
  std::uint64_t length = 0;
  for (std::size_t i = 1; i < frame_header; ++i) {
    length = length << 8U | static_cast<unsigned char>(body[i]);
  }
  const std::string_view rest = body.substr(frame_header);
  if (rest.size() < length) {
    return base::Failure{std::string("the message is cut short")};
  }
  if (rest.size() > length) {
    return base::Failure{std::string("the answer holds more than one message")};
  }
  return parse_message(rest);
}

std::string to_string(ServingStatus status) {
  switch (status) {
  case ServingStatus::unknown:
    return "UNKNOWN";
  case ServingStatus::serving:
    return "SERVING";
  case ServingStatus::not_serving:
    return "NOT_SERVING";
  case ServingStatus::service_unknown:
    return "SERVICE_UNKNOWN";
  }
  return std::to_string(static_cast<std::uint64_t>(status));
}

std::string grpc_status_name(int code) {
  static constexpr std::array<std::string_view, 17> names = {
      "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
      "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
      "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
      "DATA_LOSS", "UNAUTHENTICATED"};
  const auto index = static_cast<std::size_t>(code);
  return code >= 0 && index < names.size() ? std::string(names[index]) : std::to_string(code);
}

} // namespace healthgate::probe
