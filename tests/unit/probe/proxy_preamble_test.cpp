#include "probe/proxy_preamble.hpp"

#include <gtest/gtest.h>

namespace healthgate::probe {
namespace {

using namespace std::string_literals;
using config::ProxyProtocol;

TEST(ProxyPreamble, IsEmptyWhenItIsOff) {
  EXPECT_EQ(proxy_preamble(ProxyProtocol::off, numeric_endpoint("::1", 1), numeric_endpoint("::1", 2)), "");
}

TEST(ProxyPreamble, Version1NamesBothEndsAsText) {
  EXPECT_EQ(proxy_preamble(ProxyProtocol::v1, numeric_endpoint("192.0.2.1", 41000),
                           numeric_endpoint("192.0.2.2", 80)),
            "PROXY TCP4 192.0.2.1 192.0.2.2 41000 80\r\n");
  EXPECT_EQ(
      proxy_preamble(ProxyProtocol::v1, numeric_endpoint("2001:db8::1", 65535), numeric_endpoint("::1", 443)),
      "PROXY TCP6 2001:db8::1 ::1 65535 443\r\n");
}

TEST(ProxyPreamble, Version1IsUnknownForEndsThatAreNotIp) {
  EXPECT_EQ(proxy_preamble(ProxyProtocol::v1, unix_endpoint("/run/a"), unix_endpoint("/run/b")),
            "PROXY UNKNOWN\r\n");
  EXPECT_EQ(proxy_preamble(ProxyProtocol::v1, numeric_endpoint("127.0.0.1", 1), numeric_endpoint("::1", 1)),
            "PROXY UNKNOWN\r\n");
}

TEST(ProxyPreamble, Version1FitsIntoTheSpecifications107Bytes) {
  const Endpoint longest = numeric_endpoint("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", 65535);
  EXPECT_LE(proxy_preamble(ProxyProtocol::v1, longest, longest).size(), 107U);
}

TEST(ProxyPreamble, Version2CarriesTheAddressesInBinary) {
  EXPECT_EQ(proxy_preamble(ProxyProtocol::v2, numeric_endpoint("192.0.2.1", 0x1234),
                           numeric_endpoint("192.0.2.2", 80)),
            "\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x01\xc0\x00\x02\x02\x12\x34\x00\x50"s);
  EXPECT_EQ(proxy_preamble(ProxyProtocol::v2, numeric_endpoint("::1", 1), numeric_endpoint("::1", 258)),
            "\r\n\r\n\0\r\nQUIT\n\x21\x21\x00\x24"s + std::string(15, '\0') + "\x01" + std::string(15, '\0') +
                "\x01\x00\x01\x01\x02"s);
}

TEST(ProxyPreamble, Version2IsLocalForEndsThatAreNotIp) {
  EXPECT_EQ(proxy_preamble(ProxyProtocol::v2, unix_endpoint("/run/a"), unix_endpoint("/run/b")),
            "\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00"s);
}

} // namespace
} // namespace healthgate::probe
