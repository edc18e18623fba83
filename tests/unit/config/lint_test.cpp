#include "config/lint.hpp"
#include "unit/config/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace healthgate::config {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// The findings for a gate, as "severity: why".
std::vector<std::string> findings(const std::string& text) {
  const Config config = loaded(text);
  if (config.gates.empty()) {
    return config.notes;
  }
  std::vector<std::string> out;
  for (const Finding& finding : lint(config)) {
    out.push_back((finding.severity == Severity::warning ? "warning: " : "note: ") + finding.why);
  }
  return out;
}

// A gate that has nothing to do with the OpenShift router.
std::string plain_gate(const std::string& lines) {
  return "[gate.a]\nport = 8000\nprobe = file:///ready\n" + lines;
}
std::string router(const std::string& lines) {
  return gate_with("timeout = 2s\n" + lines);
}

TEST(SlowestClose, IsTheNextIntervalPlusADeadlineForEachFailure) {
  GateConfig gate;
  gate.probes.emplace_back();
  gate.interval = 1s;
  gate.timeout = 500ms;
  gate.fast_interval = 100ms;
  gate.fall = 1;
  EXPECT_EQ(slowest_close(gate), 1500ms);
  gate.fall = 3;
  EXPECT_EQ(slowest_close(gate), 2500ms) << "a hanging probe takes its whole timeout";
  gate.fast_interval = 700ms;
  EXPECT_EQ(slowest_close(gate), 2900ms) << "the fast interval, where it is longer";
}

TEST(SlowestClose, IsThatOfTheSlowestHardProbe) {
  GateConfig gate;
  gate.probes.resize(2);
  gate.fall = 1;
  gate.probes[1].interval = 5s;
  EXPECT_EQ(slowest_close(gate), 5500ms);
  gate.probes[1].soft = true;
  EXPECT_EQ(slowest_close(gate), 1500ms);
}

TEST(Lint, IsSilentOnAGateWithRoomEverywhere) {
  EXPECT_THAT(findings(plain_gate("")), IsEmpty());
  EXPECT_THAT(findings(router("interval = 3s\nlease = 6s")), IsEmpty());
}

TEST(Lint, ATimeoutBelowTheRoutersOwnCheckIsToldWithTheReason) {
  EXPECT_THAT(
      findings(gate_with("timeout = 1999ms\ninterval = 3s\nlease = 6s")),
      ElementsAre(
          "note: the timeout of 1999ms is below the 2s that the OpenShift router gives its own check of "
          "HAProxy "
          "behind http://localhost:1936/healthz/ready, so a router that is saturated fails here by timeout "
          "before it has an answer of its own"));
  EXPECT_THAT(findings(gate_with("timeout = 2s\ninterval = 3s\nlease = 6s")), IsEmpty());
}

TEST(Lint, WhatItProposesForTheRouterIsAllowedAndSilent) {
  EXPECT_THAT(findings(gate_with("timeout = 2500ms\ninterval = 3s\nlease = 6s")), IsEmpty());
}

TEST(Lint, AReactionThatLeavesTheBalancerNoTimeOfTheGracefulDelay) {
  // 10 s + 2 s + 9 * 2 s = 30 s leave 15 s for the balancer.
  EXPECT_THAT(findings(router("interval = 10s\nlease = 20s\nfall = 10")), IsEmpty());
  EXPECT_THAT(
      findings(router("interval = 10001ms\nlease = 30s\nfall = 10")),
      ElementsAre(
          "warning: from failure to a closed gate it can take 30001ms, and the OpenShift router stops "
          "serving "
          "45s after it was told to end (ROUTER_GRACEFUL_SHUTDOWN_DELAY): that leaves the load balancer "
          "14999ms "
          "to notice, less than three checks at 5s",
          HasSubstr(
              "warning: from failure to a closed gate it can take 30001ms, but a kubelet restarts a router "
              "that hangs after about 30s")));
}

TEST(Lint, AReactionSlowerThanTheGracefulDelay) {
  // 10 s + 2 s + 17 * 2 s = 46 s.
  EXPECT_THAT(findings(router("interval = 10s\nlease = 20s\nfall = 18")),
              ElementsAre(HasSubstr("warning: from failure to a closed gate it can take 46s, but the "
                                    "OpenShift router stops serving "
                                    "45s after"),
                          HasSubstr("a kubelet restarts")));
}

TEST(Lint, ASoftReadinessSpendsTheGracefulDelayOnItsGrace) {
  const std::string text =
      "[gate.router]\nport = 18898\nprobe = tcp://127.0.0.1:1936\nprobe = @ready\ntimeout = 2s\ninterval = "
      "3s\n"
      "lease = 6s\nsoft-grace = 23s\n[probe.ready]\nurl = http://127.0.0.1:1936/healthz/ready\nsoft = yes\n";
  EXPECT_THAT(findings(text), IsEmpty()) << "23 s, 3 s, and twice 2 s are 30 s";
  std::string longer = text;
  longer.replace(longer.find("23s"), 3, "24s");
  EXPECT_THAT(findings(longer),
              ElementsAre(HasSubstr("it can take 31s (soft-grace included), and the OpenShift router")));
}

TEST(Lint, ANameInAProbeNeedsANameServer) {
  EXPECT_THAT(findings("[gate.a]\nport = 8000\nprobe = tcp://db.example.com:5432\n"),
              ElementsAre("note: each probe of tcp://db.example.com:5432 resolves the name db.example.com, "
                          "so a name server that is "
                          "slow or down closes the gate"));
  EXPECT_THAT(findings("[gate.a]\nport = 8000\nprobe = tcp://localhost:5432\n"), IsEmpty());
}

TEST(Lint, ASingleFailureThatCloses) {
  EXPECT_THAT(findings(plain_gate("fall = 1")),
              ElementsAre(HasSubstr("a single failed probe closes the gate")));
}

TEST(Lint, AFlapLimitThatTheOpeningUsesUp) {
  EXPECT_THAT(findings(plain_gate("flap-limit = 1")),
              ElementsAre(HasSubstr("warning: flap-limit = 1 holds the gate closed")));
  EXPECT_THAT(findings(plain_gate("flap-limit = 2")), IsEmpty());
}

TEST(Lint, ALeaseThatARestartOutlasts) {
  EXPECT_THAT(findings(plain_gate("interval = 400ms\ntimeout = 300ms\nlease = 999ms")),
              ElementsAre(HasSubstr("the lease of 999ms may run out while the daemon is restarted")));
  EXPECT_THAT(findings(plain_gate("interval = 400ms\ntimeout = 300ms\nlease = 1s")), IsEmpty());
}

TEST(Lint, ALeaseThatAHungDaemonLivesOn) {
  EXPECT_THAT(findings(plain_gate("lease = 30s")), IsEmpty());
  EXPECT_THAT(findings(plain_gate("lease = 31s")),
              ElementsAre("note: the lease of 31s is how long the gate stays open when the "
                          "daemon hangs"));
}

TEST(Lint, PortsThatTheDaemonMayNotGet) {
  const auto with_port = [](const std::string& port) {
    return findings("[gate.a]\nport = " + port + "\nprobe = file:///a\n");
  };
  EXPECT_THAT(with_port("1023"),
              ElementsAre(HasSubstr("warning: ports below 1024 need CAP_NET_BIND_SERVICE")));
  EXPECT_THAT(with_port("1024"), IsEmpty());
  EXPECT_THAT(with_port("32767"), IsEmpty());
  EXPECT_THAT(
      with_port("32768"),
      ElementsAre(HasSubstr("note: port 32768 lies where Linux takes ports for outgoing connections")));
  EXPECT_THAT(with_port("60999"), ElementsAre(HasSubstr("note: port 60999 lies")));
  EXPECT_THAT(with_port("61000"), IsEmpty());
}

TEST(Lint, RelayHidesTheClientsAddress) {
  EXPECT_THAT(
      findings(plain_gate("guard = relay\nguard-ports = 80\npeers = 192.0.2.24")),
      ElementsAre(HasSubstr(
          "relayed connections reach the peer with this node's address as their source (masquerade)")));
  EXPECT_THAT(findings(plain_gate("guard = reset\nguard-ports = 80")), IsEmpty());
}

TEST(Lint, TlsThatVerifiesNothingOrIsOld) {
  EXPECT_THAT(findings(probe_with("https://127.0.0.1:8443/", "insecure = yes")),
              ElementsAre(HasSubstr("verifies no certificate")));
  EXPECT_THAT(findings(probe_with("https://127.0.0.1:8443/", "tls-min = 1.1")),
              ElementsAre(HasSubstr("deprecated (RFC 8996)")));
  EXPECT_THAT(findings(probe_with("https://127.0.0.1:8443/", "tls-min = 1.2")), IsEmpty());
}

TEST(Lint, EachFindingNamesItsGateAndSomethingToSet) {
  const Config config = loaded(gate_with("fall = 1\nlease = 40s"));
  const auto found = lint(config);
  EXPECT_EQ(found.size(), 3U);
  for (const Finding& finding : found) {
    EXPECT_EQ(finding.gate, "router");
    EXPECT_FALSE(finding.set.empty()) << finding.why;
  }
}

} // namespace
} // namespace healthgate::config
