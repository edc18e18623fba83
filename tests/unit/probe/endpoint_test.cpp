#include "probe/endpoint.hpp"

#include <gtest/gtest.h>

namespace healthgate::probe {
namespace {

std::vector<std::string> texts(const std::vector<Endpoint>& endpoints) {
  std::vector<std::string> out;
  for (const Endpoint& endpoint : endpoints) {
    out.push_back(endpoint.to_string());
  }
  return out;
}

using Texts = std::vector<std::string>;

TEST(Endpoint, LocalhostIsBothLoopbacksWithoutAResolver) {
  const Texts both = {"[::1]:1936", "127.0.0.1:1936"};
  EXPECT_EQ(texts(well_known_endpoints("localhost", 1936)), both);
  EXPECT_EQ(texts(well_known_endpoints("LocalHost.", 1936)), both);
  EXPECT_EQ(texts(well_known_endpoints("router.localhost", 1936)), both);
}

TEST(Endpoint, ANumericAddressIsItself) {
  EXPECT_EQ(texts(well_known_endpoints("192.0.2.7", 80)), (Texts{"192.0.2.7:80"}));
  EXPECT_EQ(texts(well_known_endpoints("2001:DB8::7", 80)), (Texts{"[2001:db8::7]:80"}));
}

TEST(Endpoint, OtherNamesNeedAResolver) {
  EXPECT_EQ(texts(well_known_endpoints("notlocalhost", 80)), Texts{});
  EXPECT_EQ(texts(well_known_endpoints("localhost.example", 80)), Texts{});
  EXPECT_EQ(texts(well_known_endpoints("1.2.3", 80)), Texts{});
}

TEST(Endpoint, AScopeNamesTheInterface) {
  EXPECT_EQ(numeric_endpoint("fe80::1%lo", 80).host_text(), "fe80::1%lo");
  EXPECT_EQ(numeric_endpoint("fe80::1%no-such-interface", 80).length, 0U);
}

TEST(Endpoint, AUnixPathHasToFitIntoTheAddress) {
  EXPECT_EQ(unix_endpoint("/run/app.sock").to_string(), "/run/app.sock");
  EXPECT_NE(unix_endpoint(std::string(107, 'x')).length, 0U);
  EXPECT_EQ(unix_endpoint(std::string(108, 'x')).length, 0U);
}

} // namespace
} // namespace healthgate::probe
