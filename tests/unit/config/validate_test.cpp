// Each rule about keys that do not go together: its sentence, and the pair of values on either side of it.
#include "unit/config/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace healthgate::config {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> errors_with(const std::string& lines) {
  return errors_of(gate_with(lines));
}
std::vector<std::string> notes_with(const std::string& lines) {
  return loaded(gate_with("allow = 192.0.2.1\n" + lines)).notes;
}

TEST(Validate, AnUnknownKeyNamesTheNearestOne) {
  EXPECT_THAT(
      errors_with("intervall = 1s"),
      ElementsAre(
          "healthgate.conf:4: intervall = 1s: no such key among [gate.NAME]; did you mean 'interval'?"));
  EXPECT_THAT(
      errors_with("colour = red"),
      ElementsAre(
          "healthgate.conf:4: colour = red: no such key among [gate.NAME]; healthgate.conf(5) lists them"));
}

TEST(Validate, AKeyInTheWrongPlaceIsSentToTheRightOne) {
  EXPECT_THAT(errors_with("expect-status = 200"),
              ElementsAre("healthgate.conf:4: expect-status = 200: no such key among [gate.NAME]; it belongs "
                          "to [probe.NAME]"));
  EXPECT_THAT(errors_with("log-level = info"),
              ElementsAre(HasSubstr("it belongs to the global keys, before the first section")));
  EXPECT_THAT(
      errors_of("port = 1\n" + gate_with("")),
      ElementsAre(
          "healthgate.conf:1: port = 1: no such key among the global keys, before the first section; it "
          "belongs to [gate.NAME]"));
}

TEST(Validate, AnUnknownSectionIsRefusedOnceAndNotByEachOfItsKeys) {
  EXPECT_THAT(
      errors_of(gate_with("[gates.x]\nport = 1")),
      ElementsAre(
          "healthgate.conf:4: [gates.x]: allowed are [gate.NAME] and [probe.NAME]; did you mean [gate.x]?"));
  EXPECT_THAT(
      errors_of(gate_with("[global]\nport = 1")),
      ElementsAre(
          "healthgate.conf:4: [global]: allowed are [gate.NAME] and [probe.NAME]; global keys stand before "
          "the first section"));
  EXPECT_THAT(errors_of(gate_with("[other]")),
              ElementsAre("healthgate.conf:4: [other]: allowed are [gate.NAME] and [probe.NAME]"));
  EXPECT_THAT(errors_of(gate_with("[gate.Router]\nport = 1")),
              ElementsAre(HasSubstr("[gate.Router]: a gate's name begins")));
}

TEST(Validate, ASingleValuedKeyStandsOnce) {
  EXPECT_THAT(
      errors_with("rise = 2\nrise = 3"),
      ElementsAre("healthgate.conf:5: rise = 3: it may stand once, and is set already in line 4, to 2"));
  EXPECT_THAT(errors_with("allow = 192.0.2.1\nallow = 192.0.2.2"), IsEmpty());
}

TEST(Validate, ASectionStandsOnceInAFile) {
  EXPECT_THAT(errors_of(gate_with("[gate.router]\nrise = 3")),
              ElementsAre("healthgate.conf:4: [gate.router]: this section stands in the file twice; put them "
                          "together, or give "
                          "one another name"));
}

TEST(Validate, ASingleValuedKeyNeedsAValue) {
  EXPECT_THAT(errors_with("interval ="),
              ElementsAre("healthgate.conf:4: interval = : it needs a value: duration, 10ms to 1h"));
}

TEST(Validate, AGateNeedsAPortAndAProbe) {
  EXPECT_THAT(
      errors_of("[gate.a]\n"),
      ElementsAre("healthgate.conf:1: [gate.a]: the gate has no port; set it, as port = 18898",
                  "healthgate.conf:1: [gate.a]: the gate has no probe, so nothing would ever open it"));
}

TEST(Validate, WhatIsRefusedOnItsOwnIsNotBlamedTwice) {
  EXPECT_THAT(errors_of("[gate.a]\nport = x\nprobe = y\n"),
              ElementsAre(HasSubstr(":2: port = x:"), HasSubstr(":3: probe = y: neither a URL")));
  EXPECT_THAT(errors_with("interval = 10x\ntimeout = 30s"), ElementsAre(HasSubstr(":4: interval = 10x:")));
}

TEST(Validate, TheTimeoutIsBelowTheInterval) {
  EXPECT_THAT(errors_with("interval = 501ms"), IsEmpty());
  EXPECT_THAT(
      errors_with("interval = 500ms"),
      ElementsAre(
          "healthgate.conf:4: interval = 500ms: the timeout of 500ms must be below the interval of 500ms, so "
          "that a probe has ended when the next one is due"));
  EXPECT_THAT(errors_with("timeout = 999ms"), IsEmpty());
  EXPECT_THAT(errors_with("timeout = 1s"),
              ElementsAre(HasSubstr("timeout = 1s: the timeout of 1s must be below")));
}

TEST(Validate, AProbesOwnTempoIsHeldAgainstTheGates) {
  EXPECT_THAT(errors_of(probe_with("tcp://127.0.0.1:1", "timeout = 999ms")), IsEmpty());
  EXPECT_THAT(errors_of(probe_with("tcp://127.0.0.1:1", "timeout = 1s")),
              ElementsAre("healthgate.conf:6: timeout = 1s: the timeout of 1s must be below the interval of "
                          "1s of gate router, "
                          "so that a probe has ended when the next one is due"));
  EXPECT_THAT(errors_of(probe_with("tcp://127.0.0.1:1", "interval = 1500ms")), IsEmpty());
  EXPECT_THAT(errors_of(probe_with("tcp://127.0.0.1:1", "interval = 1501ms")),
              ElementsAre("healthgate.conf:1: [gate.router]: the lease of 3s is shorter than two intervals "
                          "of probe it (1501ms), "
                          "so that one late probe would close the gate; set lease = 3002ms at least"));
}

TEST(Validate, TheLeaseCoversTwoIntervals) {
  EXPECT_THAT(errors_with("interval = 2s\nlease = 4s"), IsEmpty());
  EXPECT_THAT(errors_with("interval = 2s\nlease = 3999ms"),
              ElementsAre("healthgate.conf:5: lease = 3999ms: the lease of 3999ms is shorter than two "
                          "intervals (2s), so that one "
                          "late probe would close the gate; set lease = 4s at least"));
  EXPECT_THAT(errors_with("down-interval = 1500ms"), IsEmpty());
  EXPECT_THAT(errors_with("down-interval = 1501ms"),
              ElementsAre(HasSubstr(
                  "down-interval = 1501ms: the lease of 3s is shorter than two down-intervals (1501ms)")));
}

TEST(Validate, TheFastIntervalIsNotAboveTheInterval) {
  EXPECT_THAT(errors_with("fast-interval = 1s"), IsEmpty());
  EXPECT_THAT(errors_with("fast-interval = 1001ms"),
              ElementsAre("healthgate.conf:4: fast-interval = 1001ms: the fast-interval of 1001ms must not "
                          "be above the interval "
                          "of 1s"));
}

TEST(Validate, RiseAndFallAreAtLeastOne) {
  EXPECT_THAT(errors_with("rise = 1\nfall = 1"), IsEmpty());
  EXPECT_THAT(errors_with("rise = 0\nfall = 0"),
              ElementsAre("healthgate.conf:4: rise = 0: allowed: a whole number from 1 to 1000",
                          "healthgate.conf:5: fall = 0: allowed: a whole number from 1 to 1000"));
}

TEST(Validate, ValuesOutsideTheirRangeAreToldTheRange) {
  EXPECT_THAT(errors_with("lease = 100ms\ninterval = 50ms\ntimeout = 40ms"), IsEmpty());
  EXPECT_THAT(errors_with("lease = 99ms"),
              ElementsAre("healthgate.conf:4: lease = 99ms: allowed: 100ms to 1h"));
  EXPECT_THAT(errors_with("jitter = 50%"), IsEmpty());
  EXPECT_THAT(errors_with("jitter = 51%"),
              ElementsAre("healthgate.conf:4: jitter = 51%: allowed: 0% to 50%"));
  EXPECT_THAT(errors_with("jitter = 10"), ElementsAre("healthgate.conf:4: jitter = 10: allowed: 0% to 50%"));
  EXPECT_THAT(errors_with("denied = deny"),
              ElementsAre("healthgate.conf:4: denied = deny: allowed: drop or reset"));
  EXPECT_THAT(errors_with("guard-on-drain = true"),
              ElementsAre("healthgate.conf:4: guard-on-drain = true: allowed: yes or no"));
  EXPECT_THAT(errors_with("drain-file = run/x"),
              ElementsAre("healthgate.conf:4: drain-file = run/x: a path begins with '/'"));
}

TEST(Validate, HostBitsInACidrAreRefused) {
  EXPECT_THAT(errors_with("allow = 10.0.0.0/8"), IsEmpty());
  EXPECT_THAT(errors_with("allow = 10.1.2.3/8"),
              ElementsAre(HasSubstr("healthgate.conf:4: allow = 10.1.2.3/8: ")));
}

TEST(Validate, RequireNeedsAsManyHardProbes) {
  const auto with = [](const std::string& require) {
    return errors_of("[gate.a]\nport = 1\nprobe = file:///a\nprobe = file:///b\nprobe = @s\nrequire = " +
                     require + "\n[probe.s]\nurl = file:///c\nsoft = yes\n");
  };
  EXPECT_THAT(with("2"), IsEmpty());
  EXPECT_THAT(with("3"), ElementsAre("healthgate.conf:6: require = 3: the gate has only 2 probes that are "
                                     "not soft, so it would never open; "
                                     "allowed: all, any or a number up to 2"));
  EXPECT_THAT(with("0"), ElementsAre("healthgate.conf:6: require = 0: allowed: all, any or a number from 1"));
}

TEST(Validate, OneProbeAtLeastIsNotSoft) {
  EXPECT_THAT(errors_of(probe_with("file:///a", "soft = yes")),
              ElementsAre("healthgate.conf:3: probe = @it: all probes of the gate are soft; soft ones count "
                          "only while another "
                          "one passes, so at least one must not be soft"));
}

TEST(Validate, AProbeReferenceNeedsItsSection) {
  EXPECT_THAT(
      errors_of("[gate.a]\nport = 1\nprobe = @raedy\n[probe.ready]\nurl = file:///a\n"),
      ElementsAre(
          "healthgate.conf:3: probe = @raedy: there is no section [probe.raedy]; did you mean '@ready'?"));
  EXPECT_THAT(
      errors_with("probe = http://localhost:1936/healthz/ready"),
      ElementsAre(
          "healthgate.conf:4: probe = http://localhost:1936/healthz/ready: the gate has this probe already"));
}

TEST(Validate, AProbeSectionNeedsAUrl) {
  EXPECT_THAT(errors_of("[gate.a]\nport = 1\nprobe = @p\n[probe.p]\nsoft = no\n"),
              ElementsAre("healthgate.conf:4: [probe.p]: the probe has no url; set it, as url = "
                          "http://localhost:1936/healthz/ready"));
}

TEST(Validate, AKeyThatDoesNotFitTheSchemeIsRefused) {
  EXPECT_THAT(errors_of(probe_with("tcp://127.0.0.1:1", "expect-status = 200")),
              ElementsAre("healthgate.conf:6: expect-status = 200: it does not fit tcp://127.0.0.1:1; it is "
                          "for http, https and "
                          "http+unix probes"));
  EXPECT_THAT(errors_of(probe_with("http://127.0.0.1/", "ca = /ca")),
              ElementsAre(HasSubstr("it is for https and grpcs probes")));
  EXPECT_THAT(errors_of(probe_with("http://127.0.0.1/", "send = x\nuser = x\nfile-absent = yes")),
              ElementsAre(HasSubstr("it is for tcp probes"), HasSubstr("it is for exec probes"),
                          HasSubstr("it is for file probes")));
  EXPECT_THAT(errors_of(probe_with("tcp://127.0.0.1:1",
                                   "send = x\nexpect = y\nproxy-protocol = v1\nsource = 127.0.0.1")),
              IsEmpty());
}

TEST(Validate, HeadHasNoBodyToExpectAnythingOf) {
  EXPECT_THAT(errors_of(probe_with("http://127.0.0.1/", "method = HEAD")), IsEmpty());
  EXPECT_THAT(
      errors_of(probe_with("http://127.0.0.1/", "method = HEAD\nexpect-body = ok\nexpect-json = /a exists")),
      ElementsAre(
          "healthgate.conf:7: expect-body = ok: the answer to HEAD has no body; use method = GET",
          "healthgate.conf:8: expect-json = /a exists: the answer to HEAD has no body; use method = GET"));
}

TEST(Validate, TlsKeysGoTogether) {
  EXPECT_THAT(errors_of(probe_with("https://127.0.0.1/", "cert = /c")), IsEmpty());
  EXPECT_THAT(errors_of(probe_with("https://127.0.0.1/", "key = /k")),
              ElementsAre("healthgate.conf:6: key = /k: a private key needs its certificate: set cert"));
  EXPECT_THAT(errors_of(probe_with("https://127.0.0.1/", "insecure = yes\nca = /ca")),
              ElementsAre("healthgate.conf:6: insecure = yes: insecure = yes verifies nothing, so that ca "
                          "and pinned-name would "
                          "mean nothing; leave one out"));
}

TEST(Validate, NoPortIsTakenTwice) {
  EXPECT_THAT(errors_of(gate_with("[gate.b]\nport = 18898\nprobe = file:///b")),
              ElementsAre("healthgate.conf:5: port = 18898: port 18898 is taken already by gate router "
                          "(/etc/healthgate/healthgate.conf:2)"));
  EXPECT_THAT(
      errors_with("http-listen = 127.0.0.1:18898"),
      ElementsAre(
          "healthgate.conf:4: http-listen = 127.0.0.1:18898: port 18898 is taken already by gate router "
          "(/etc/healthgate/healthgate.conf:2)"));
  EXPECT_THAT(errors_with("agent-listen = 127.0.0.1:18899"),
              ElementsAre("healthgate.conf:4: agent-listen = 127.0.0.1:18899: port 18899 is taken already by "
                          "metrics-listen (the "
                          "default)"));
  EXPECT_THAT(errors_of("metrics-listen = off\n" + gate_with("agent-listen = 127.0.0.1:18899")), IsEmpty());
}

TEST(Validate, AGateDoesNotProbeItself) {
  EXPECT_THAT(errors_of("[gate.a]\nport = 1\nprobe = tcp://localhost:1\n"),
              ElementsAre("healthgate.conf:3: probe = tcp://localhost:1: tcp://localhost:1 asks the port of "
                          "gate a and not the "
                          "service; a gate would judge itself"));
  EXPECT_THAT(errors_of("[gate.a]\nport = 1\nprobe = tcp://192.0.2.1:1\n"), IsEmpty());
}

TEST(Validate, AGuardNeedsPortsAndARelayNeedsPeers) {
  EXPECT_THAT(errors_with("guard = reset"),
              ElementsAre("healthgate.conf:4: guard = reset: a guard needs guard-ports: the service's own "
                          "ports, as guard-ports = "
                          "80, 443"));
  EXPECT_THAT(
      errors_with("guard = relay\nguard-ports = 80"),
      ElementsAre(
          "healthgate.conf:4: guard = relay: relay needs peers: the other nodes, as peers = 192.0.2.24, "
          "192.0.2.25"));
  EXPECT_THAT(errors_with("guard = relay\nguard-ports = 80\npeers = 192.0.2.24"), IsEmpty());
  EXPECT_THAT(errors_with("guard = relay\nguard-ports = 80\npeers = node-2.example.com"), IsEmpty());
}

TEST(Validate, OneGuardStandsAtAPort) {
  EXPECT_THAT(
      errors_of(gate_with("guard = reset\nguard-ports = 80\n[gate.b]\nport = 18897\nprobe = file:///b\n"
                          "guard = reset\nguard-ports = 80")),
      ElementsAre(HasSubstr("80 is named twice: gate router guards it")));
}

TEST(Validate, GuardPortsAreNotOurOwn) {
  EXPECT_THAT(errors_with("guard-ports = 80, 18898"),
              ElementsAre("healthgate.conf:4: guard-ports = 80, 18898: 18898 is the port of gate router; "
                          "guard-ports are those of "
                          "the service itself, as 80, 443"));
}

TEST(Validate, APeerIsAnotherNode) {
  for (const char* address : {"127.0.0.1", "0.0.0.0", "224.0.0.1", "::1", "::", "ff02::1"}) {
    EXPECT_THAT(errors_with("peers = " + std::string(address)),
                ElementsAre(HasSubstr(std::string(address) + " is no address of another node")));
  }
  EXPECT_THAT(errors_with("peers = 192.0.2.300"),
              ElementsAre(HasSubstr("'192.0.2.300' is neither an address nor a host's name: ")));
  EXPECT_THAT(errors_with("peers = a b"),
              ElementsAre("healthgate.conf:4: peers = a b: 'a b' is neither an address nor a host's name"));
}

TEST(Validate, TwoGatesDoNotShareAChainsName) {
  EXPECT_THAT(errors_of(gate_with("[gate.router_gate]\nport = 2\nprobe = file:///a")),
              ElementsAre("healthgate.conf:4: [gate.router_gate]: the nftables table has a chain of this "
                          "name for gate router; "
                          "choose another name"));
  EXPECT_THAT(errors_of("[gate.router_gate]\nport = 2\nprobe = file:///a"), IsEmpty());
}

TEST(Validate, TwoGatesDoNotWriteOneTrackFile) {
  EXPECT_THAT(
      errors_of(gate_with("track-file = /run/t\n[gate.b]\nport = 2\nprobe = file:///a\ntrack-file = /run/t")),
      ElementsAre("healthgate.conf:8: track-file = /run/t: gate router writes this file already"));
}

TEST(Validate, ControlSocketAndTlsOfMetricsAreJudged) {
  EXPECT_THAT(errors_of("control-socket = /" + std::string(107, 'x') + "\n" + gate_with("")),
              ElementsAre(HasSubstr("a socket's path has at most 107 bytes, this one has 108")));
  EXPECT_THAT(
      errors_of("metrics-cert = /c\n" + gate_with("")),
      ElementsAre("healthgate.conf:1: metrics-cert = /c: TLS takes both, metrics-cert and metrics-key"));
  EXPECT_THAT(errors_of("metrics-cert = /c\nmetrics-key = /k\n" + gate_with("")), IsEmpty());
}

TEST(Notes, AnEmptyAllowlistLetsInLoopbackAlone) {
  EXPECT_THAT(loaded(gate_with("")).notes, ElementsAre("/etc/healthgate/healthgate.conf:1: gate router: "
                                                       "allow is empty, so only loopback is let in; name the "
                                                       "load balancer's addresses, as allow = 192.0.2.10"));
  EXPECT_THAT(notes_with(""), IsEmpty());
}

TEST(Notes, EveryoneIsToldOf) {
  EXPECT_THAT(notes_with("allow = 0.0.0.0/1"), IsEmpty());
  EXPECT_THAT(notes_with("allow = 0.0.0.0/0"),
              ElementsAre("/etc/healthgate/healthgate.conf:5: gate router: everyone is allowed to ask"));
  EXPECT_THAT(notes_with("allow = ::/0"), ElementsAre(HasSubstr("everyone is allowed to ask")));
}

TEST(Notes, MetricsThatLeaveLoopbackAskForTlsAndToken) {
  const auto notes = [](const std::string& globals) {
    return loaded(globals + gate_with("allow = 192.0.2.1")).notes;
  };
  const std::string leaves = "/etc/healthgate/healthgate.conf:1: metrics-listen leaves loopback";
  EXPECT_THAT(notes("metrics-listen = 127.0.0.2:1\n"), IsEmpty());
  EXPECT_THAT(notes("metrics-listen = 0.0.0.0:1\n"),
              ElementsAre(leaves + ", but metrics-allow is empty: only this host is let in"));
  const std::string allowed = "metrics-listen = 0.0.0.0:1\nmetrics-allow = 192.0.2.0/24\n";
  EXPECT_THAT(notes(allowed + "metrics-insecure = yes\n"),
              ElementsAre(leaves + " without a token: whoever is in metrics-allow may read; set "
                                   "metrics-token-file"));
  EXPECT_THAT(
      notes(allowed + "metrics-cert = /c\nmetrics-key = /k\n"),
      ElementsAre(leaves + " without a token: whoever is in metrics-allow may read; set metrics-token-file"));
  EXPECT_THAT(notes(allowed + "metrics-cert = /c\nmetrics-key = /k\nmetrics-token-file = /t\n"), IsEmpty());
}

TEST(Validate, MetricsLeaveLoopbackForOthersByTlsAlone) {
  const std::string allowed = "metrics-listen = 0.0.0.0:1\nmetrics-allow = 192.0.2.0/24\n";
  EXPECT_THAT(
      errors_of(allowed + "metrics-token-file = /t\n" + gate_with("allow = 192.0.2.1")),
      ElementsAre("healthgate.conf:1: metrics-listen = 0.0.0.0:1: beyond loopback it takes TLS, by "
                  "metrics-cert and metrics-key, so that the token and the state of this host cannot be "
                  "read on the way; or metrics-insecure = yes, where the network is trusted"));
}

TEST(Notes, QuotesAroundAnExpectedBodyArePartOfIt) {
  const auto notes = [](const std::string& body) {
    auto config = loaded(probe_with("http://127.0.0.1/", "expect-body = " + body));
    config.notes.pop_back(); // of the empty allowlist
    return config.notes;
  };
  EXPECT_THAT(
      notes("\"ok\""),
      ElementsAre("/etc/healthgate/healthgate.conf:6: expect-body = \"ok\": the quotes are part of what "
                  "is looked for"));
  EXPECT_THAT(notes("\"status\":\"ok\""), IsEmpty());
}

} // namespace
} // namespace healthgate::config
