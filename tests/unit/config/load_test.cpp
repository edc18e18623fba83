#include "config/load.hpp"
#include "unit/config/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace healthgate::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* product_example = R"(log-level = info
log-format = text            # text | json | journal
metrics-listen = 127.0.0.1:18899
metrics-allow = 10.128.0.0/14
control-socket = /run/healthgate/control.sock
state-dir = /var/lib/healthgate
table-owner = auto           # auto | yes | no

[gate.router]
port = 18898
probe = http://localhost:1936/healthz/ready
interval = 1s                # steady state
fast-interval = 100ms        # while a change is pending
timeout = 500ms              # absolute: connect, TLS, headers and body together
rise = 2
fall = 2
lease = 3s
allow = 192.168.99.10
allow = 2001:db8:10::/64
allow-file = /etc/healthgate/lb.txt
denied = drop                # drop | reset
on-stop = close              # close | hold (keep the lease for a successor)
guard = off                  # off | reset | relay
guard-ports = 80, 443
peers = 192.168.99.24, 192.168.99.25
)";

const Tree example_tree = {
    {main_file, product_example},
    {"/etc/healthgate/lb.txt", "# the pair of balancers\n192.168.99.11\n10.0.0.0/24 # lab\n"}};

std::vector<std::string> texts(const std::vector<core::Cidr>& cidrs) {
  std::vector<std::string> out;
  for (const auto& cidr : cidrs) {
    out.push_back(cidr.to_string());
  }
  return out;
}

TEST(Load, ReadsTheExampleOfTheManual) {
  const Config config = loaded(sources_of(example_tree));
  ASSERT_EQ(config.gates.size(), 1U) << testing::PrintToString(config.notes);
  EXPECT_EQ(config.metrics_listen->port, 18899);
  EXPECT_EQ(texts(config.metrics_allow->v4()), std::vector<std::string>{"10.128.0.0/14"});
  const GateConfig& gate = config.gates[0];
  EXPECT_EQ(gate.name, "router");
  EXPECT_EQ(gate.port, 18898);
  ASSERT_EQ(gate.probes.size(), 1U);
  EXPECT_EQ(gate.probes[0].name, "http://localhost:1936/healthz/ready");
  EXPECT_EQ(gate.probes[0].host, "localhost");
  EXPECT_EQ(gate.probes[0].port, 1936);
  EXPECT_EQ(gate.probes[0].target, "/healthz/ready");
  EXPECT_EQ(gate.interval, 1s);
  EXPECT_EQ(gate.fast_interval, 100ms);
  EXPECT_EQ(gate.timeout, 500ms);
  EXPECT_EQ(gate.lease, 3s);
  EXPECT_THAT(texts(gate.allow->v4()), ElementsAre("10.0.0.0/24", "192.168.99.10", "192.168.99.11"));
  EXPECT_THAT(texts(gate.allow->v6()), ElementsAre("2001:db8:10::/64"));
  EXPECT_THAT(gate.guard_ports, ElementsAre(80, 443));
  EXPECT_EQ(gate.peers.size(), 2U);
  EXPECT_THAT(config.files, ElementsAre(main_file));
  EXPECT_THAT(config.notes, IsEmpty());
}

TEST(Load, WithoutAnyFileTheBuiltInGateRunsAndSaysThatOnlyLoopbackIsLetIn) {
  const Config config = loaded(sources_of(Tree{}));
  ASSERT_EQ(config.gates.size(), 1U);
  EXPECT_EQ(config.gates[0].name, "router");
  EXPECT_EQ(config.gates[0].port, 18898);
  EXPECT_EQ(config.gates[0].probes.at(0).url, "http://localhost:1936/healthz/ready");
  EXPECT_TRUE(config.gates[0].allow->empty());
  EXPECT_THAT(config.files, IsEmpty());
  EXPECT_THAT(config.notes,
              ElementsAre(HasSubstr("no configuration file (/etc/healthgate/healthgate.conf)"),
                          HasSubstr("gate router: allow is empty, so only loopback is let in")));
}

} // namespace
} // namespace healthgate::config
