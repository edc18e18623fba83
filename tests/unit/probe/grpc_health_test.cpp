#include "probe/grpc_health.hpp"

#include <gtest/gtest.h>

namespace healthgate::probe {
namespace {

using namespace std::string_literals;

// The status that `message`, in a frame of its length, stands for; or the sentence of the refusal.
std::string read(const std::string& message) {
  const auto parsed = parse_grpc_check_response("\0\0\0\0"s + static_cast<char>(message.size()) + message);
  return parsed ? to_string(parsed.value()) : parsed.error();
}

std::string read_raw(const std::string& body) {
  const auto parsed = parse_grpc_check_response(body);
  return parsed ? to_string(parsed.value()) : parsed.error();
}

TEST(GrpcHealth, RequestForTheWholeServerIsAnEmptyMessage) {
  EXPECT_EQ(grpc_check_request(""), "\0\0\0\0\0"s);
}

TEST(GrpcHealth, RequestNamesTheService) {
  EXPECT_EQ(grpc_check_request("bgp"), "\0\0\0\0\x05\x0a\x03"s + "bgp");
  const std::string long_name(300, 'x');
  EXPECT_EQ(grpc_check_request(long_name), "\0\0\0\x01\x2f\x0a\xac\x02"s + long_name);
}

TEST(GrpcHealth, EachServingStatusIsNamed) {
  EXPECT_EQ(read("\x08\x01"), "SERVING");
  EXPECT_EQ(read("\x08\x02"), "NOT_SERVING");
  EXPECT_EQ(read("\x08\x03"), "SERVICE_UNKNOWN");
  EXPECT_EQ(read("\x08\x63"), "99");
}

TEST(GrpcHealth, AnEmptyMessageIsUnknownBecauseZeroIsTheDefault) {
  EXPECT_EQ(read(""), "UNKNOWN");
}

TEST(GrpcHealth, FieldsOfALaterVersionAreSkipped) {
  EXPECT_EQ(read("\x12\x02hi\x08\x01"s), "SERVING");                           // field 2, bytes
  EXPECT_EQ(read("\x08\x01\x18\x96\x01"s), "SERVING");                         // field 3, varint
  EXPECT_EQ(read("\x25\x01\x02\x03\x04\x08\x01"s), "SERVING");                 // field 4, 32 bits
  EXPECT_EQ(read("\x29\x01\x02\x03\x04\x05\x06\x07\x08\x08\x01"s), "SERVING"); // field 5, 64 bits
}

TEST(GrpcHealth, ABrokenMessageIsRefused) {
  const std::string refusal = "the message is not a HealthCheckResponse";
  EXPECT_EQ(read("\x08"), refusal);                            // no value
  EXPECT_EQ(read("\x08"s + std::string(11, '\xff')), refusal); // a varint without an end
  EXPECT_EQ(read("\x12\x7f"s), refusal);                       // a length beyond the end
  EXPECT_EQ(read("\x0b\x0c"s), refusal);                       // a group
  EXPECT_EQ(read("\x00\x01"s), refusal);                       // field 0 does not exist
}

TEST(GrpcHealth, TheFrameMustHoldExactlyOneWholeMessage) {
  EXPECT_EQ(read_raw(""), "the answer holds no message");
  EXPECT_EQ(read_raw("\0\0\0"s), "the message is cut short");
  EXPECT_EQ(read_raw("\0\0\0\0\x02\x08"s), "the message is cut short");
  EXPECT_EQ(read_raw("\0\xff\xff\xff\xff\x08\x01"s), "the message is cut short");
  EXPECT_EQ(read_raw("\0\0\0\0\x02\x08\x01\0"s), "the answer holds more than one message");
  EXPECT_EQ(read_raw("\x01\0\0\0\x02\x08\x01"s), "the message is compressed, which was not offered");
}

TEST(GrpcHealth, StatusCodesHaveTheirNames) {
  EXPECT_EQ(grpc_status_name(0), "OK");
  EXPECT_EQ(grpc_status_name(12), "UNIMPLEMENTED");
  EXPECT_EQ(grpc_status_name(16), "UNAUTHENTICATED");
  EXPECT_EQ(grpc_status_name(17), "17");
  EXPECT_EQ(grpc_status_name(-1), "-1");
}

} // namespace
} // namespace healthgate::probe
