#include "config/values.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace healthgate::config {
namespace {

using namespace std::chrono_literals;

template <typename T> std::string sentence(const Read<T>& read) {
  return read ? "accepted" : read.error();
}

TEST(Duration, ReadsEachUnit) {
  EXPECT_EQ(parse_duration("250ms").value(), 250ms);
  EXPECT_EQ(parse_duration("2s").value(), 2s);
  EXPECT_EQ(parse_duration("5m").value(), 5min);
  EXPECT_EQ(parse_duration("1h").value(), 1h);
  EXPECT_EQ(parse_duration("0").value(), 0ms);
}

TEST(Duration, WithoutAUnitItAsksForOne) {
  EXPECT_EQ(sentence(parse_duration("2")), "a duration needs a unit: 2ms, 2s");
}

TEST(Duration, FractionsSignsAndBlanksAreRefused) {
  const std::string whole = "a duration is a whole number with a unit: 250ms, 2s, 5m or 1h";
  EXPECT_EQ(sentence(parse_duration("")), whole);
  EXPECT_EQ(sentence(parse_duration("-1s")), whole);
  EXPECT_EQ(sentence(parse_duration("s")), whole);
  EXPECT_EQ(sentence(parse_duration("1.5s")),
            "'.5s' is no unit of a duration; allowed: a whole number with ms, s, m or h");
  EXPECT_EQ(sentence(parse_duration("1 s")),
            "' s' is no unit of a duration; allowed: a whole number with ms, s, m or h");
}

TEST(Duration, AMillionHoursAreAllowedAndMoreOverflowsNothing) {
  EXPECT_TRUE(parse_duration("1000000h").ok());
  EXPECT_EQ(sentence(parse_duration("1000001h")), "a duration of more than a million hours");
  EXPECT_EQ(sentence(parse_duration("18446744073709551615h")), "a duration of more than a million hours");
  EXPECT_FALSE(parse_duration("18446744073709551616h").ok());
}

TEST(Duration, IsWrittenInTheLargestUnitWithoutAFraction) {
  EXPECT_EQ(format_duration(0ms), "0");
  EXPECT_EQ(format_duration(1500ms), "1500ms");
  EXPECT_EQ(format_duration(2000ms), "2s");
  EXPECT_EQ(format_duration(60s), "1m");
  EXPECT_EQ(format_duration(3600s), "1h");
}

TEST(Size, ReadsBytesAndBinaryUnits) {
  EXPECT_EQ(parse_size("512").value(), 512U);
  EXPECT_EQ(parse_size("64k").value(), 65536U);
  EXPECT_EQ(parse_size("1M").value(), 1048576U);
  EXPECT_EQ(format_size(65536), "64k");
  EXPECT_EQ(format_size(65537), "65537");
  EXPECT_EQ(sentence(parse_size("64kb")),
            "a size is a whole number of bytes, or with k, M or G: 512, 64k, 1M");
  EXPECT_EQ(sentence(parse_size("1025G")), "a size of more than 1024G");
}

TEST(Port, RunsFromOneTo65535) {
  EXPECT_EQ(parse_port("1").value(), 1);
  EXPECT_EQ(parse_port("65535").value(), 65535);
  for (const char* bad : {"0", "65536", "-1", "80x", "http", "", " 80"}) {
    EXPECT_EQ(sentence(parse_port(bad)), "a port is a whole number from 1 to 65535") << bad;
  }
}

TEST(Listen, TakesNumericAddressesOfBothFamilies) {
  EXPECT_EQ(format_listen(parse_listen("127.0.0.1:18899").value()), "127.0.0.1:18899");
  EXPECT_EQ(format_listen(parse_listen("[::1]:18899").value()), "[::1]:18899");
  EXPECT_EQ(format_listen(parse_listen("off").value()), "off");
}

TEST(Listen, NamesAndHalfAddressesAreRefused) {
  const std::string allowed = "a numeric address and a port, as 127.0.0.1:18899 or [::1]:18899, or off";
  for (const char* bad : {"localhost:18899", "18899", ":18899", "::1:18899", "127.0.0.1", "[]:1", "on"}) {
    EXPECT_EQ(sentence(parse_listen(bad)), allowed) << bad;
  }
  EXPECT_EQ(sentence(parse_listen("127.0.0.1:0")), "a port is a whole number from 1 to 65535");
}

TEST(StatusList, ReadsCodesAndRanges) {
  const auto list = parse_status_list("200, 204,300-399").value();
  ASSERT_EQ(list.size(), 3U);
  EXPECT_EQ(list[2].low, 300);
  EXPECT_EQ(list[2].high, 399);
  EXPECT_EQ(format_status_list(list), "200,204,300-399");
}

TEST(StatusList, RefusesWhatIsNoStatus) {
  EXPECT_TRUE(parse_status_list("100-599").ok());
  EXPECT_EQ(sentence(parse_status_list("99")),
            "'99' is no HTTP status from 100 to 599, nor a range of them, as 200,204,300-399");
  EXPECT_FALSE(parse_status_list("600").ok());
  EXPECT_FALSE(parse_status_list("2xx").ok());
  EXPECT_FALSE(parse_status_list("200,,204").ok());
  EXPECT_FALSE(parse_status_list("-200").ok());
  EXPECT_EQ(sentence(parse_status_list("399-300")), "the range 399-300 runs backwards");
}

TEST(Headers, AreANameAndAValue) {
  EXPECT_EQ(parse_header("X-Probe:  a: b ").value(), Header("X-Probe", "a: b"));
  EXPECT_EQ(parse_header("X-Empty:").value(), Header("X-Empty", ""));
  EXPECT_EQ(sentence(parse_header("X-Probe")), "a header is written as Name: value");
  EXPECT_EQ(sentence(parse_header("X Probe: a")), "a header is written as Name: value");
  EXPECT_EQ(sentence(parse_header("HOST: a")), "the Host header is set by the key 'host'");
}

TEST(ExpectedHeaders, MayLackAValue) {
  EXPECT_EQ(parse_expected_header("X-Ready").value(), Header("X-Ready", ""));
  EXPECT_EQ(parse_expected_header("X-Ready: yes").value(), Header("X-Ready", "yes"));
  EXPECT_EQ(sentence(parse_expected_header(": yes")),
            "'' is no name of a header; allowed: Name, or Name: value");
}

TEST(JsonExpectation, ReadsPointerOperatorAndValue) {
  const auto read = parse_json_expectation("/localEndpoints >= 1").value();
  EXPECT_EQ(read.pointer, "/localEndpoints");
  EXPECT_EQ(read.op, ">=");
  EXPECT_EQ(read.value, "1");
  EXPECT_EQ(parse_json_expectation("/status == \"all good\"").value().value, "\"all good\"");
  EXPECT_EQ(parse_json_expectation("/a~1b/~0 exists").value().op, "exists");
  for (const char* value : {"-1", "1.5e3", "true", "false", "null", "\"\""}) {
    EXPECT_TRUE(parse_json_expectation("/a != " + std::string(value)).ok()) << value;
  }
}

TEST(JsonExpectation, SaysWhatIsMissing) {
  EXPECT_EQ(sentence(parse_json_expectation("ready == true")),
            "it begins with a JSON pointer (RFC 6901), as in: /localEndpoints >= 1");
  EXPECT_FALSE(parse_json_expectation("/a~2 exists").ok());
  EXPECT_EQ(sentence(parse_json_expectation("/ready = true")),
            "'=' is no operator; allowed: ==, !=, <, <=, >, >= or exists, as in: /localEndpoints >= 1");
  EXPECT_EQ(sentence(parse_json_expectation("/ready == ok")),
            R"('ok' is no JSON value; allowed: a number, true, false, null or "text")");
  EXPECT_FALSE(parse_json_expectation("/ready ==").ok());
  EXPECT_FALSE(parse_json_expectation("/ready == -").ok());
  EXPECT_EQ(sentence(parse_json_expectation("/ready exists 1")), "'exists' takes no value");
}

TEST(SocketPath, HasToFitIntoTheKernelsAddress) {
  EXPECT_TRUE(parse_socket_path("/" + std::string(106, 'x')).ok());
  EXPECT_EQ(sentence(parse_socket_path("/" + std::string(107, 'x'))),
            "a socket's path has at most 107 bytes, this one has 108");
  EXPECT_EQ(sentence(parse_socket_path("run/x")), "a path begins with '/'");
}

TEST(HostName, FollowsTheLimitsOfDns) {
  EXPECT_TRUE(is_host_name("router-1.example.com."));
  EXPECT_TRUE(is_host_name(std::string(63, 'a') + ".b"));
  EXPECT_FALSE(is_host_name(std::string(64, 'a') + ".b"));
  for (const char* bad : {"", "-a", ".a", "a..b", "a b", "a/b", "ä"}) {
    EXPECT_FALSE(is_host_name(bad)) << bad;
  }
}

} // namespace
} // namespace healthgate::config
