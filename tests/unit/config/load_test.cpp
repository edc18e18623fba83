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
  EXPECT_THAT(texts(gate.allow->v4()), ElementsAre("10.0.0.0/24", "192.168.99.10/31"));
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

// A gate that stands in the main file, with more files beside it.
Tree with_drop_ins(Tree more) {
  more[main_file] = gate_with("interval = 2s\nlease = 10s\nallow = 192.0.2.1");
  return more;
}

TEST(Load, DropInsAreReadInLexicalOrderAndALaterOneWins) {
  const Config config = loaded(sources_of(with_drop_ins({
      {"/etc/healthgate/conf.d/20-b.conf", "[gate.router]\ninterval = 4s\n"},
      {"/etc/healthgate/conf.d/10-a.conf", "[gate.router]\ninterval = 3s\nrise = 5\n"},
      {"/etc/healthgate/conf.d/.hidden.conf", "nonsense"},
      {"/etc/healthgate/conf.d/30-c.conf.rpmsave", "nonsense"},
  })));
  ASSERT_EQ(config.gates.size(), 1U) << testing::PrintToString(config.notes);
  EXPECT_EQ(config.gates[0].interval, 4s);
  EXPECT_EQ(config.gates[0].rise, 5);
  EXPECT_THAT(config.files,
              ElementsAre(main_file, "/etc/healthgate/conf.d/10-a.conf", "/etc/healthgate/conf.d/20-b.conf"));
}

TEST(Load, DropInsAloneAreEnough) {
  const Config config = loaded(sources_of(
      Tree{{"/etc/healthgate/conf.d/bgp.conf", "[gate.bgp]\nport = 1\nprobe = tcp://127.0.0.1:179\n"}}));
  ASSERT_EQ(config.gates.size(), 1U) << testing::PrintToString(config.notes);
  EXPECT_EQ(config.gates[0].name, "bgp");
}

TEST(Load, LinesOfAMultiValuedKeyAddUpAcrossFilesUntilAnEmptyOneBeginsAnew) {
  const auto allow = [](const std::string& drop_in) {
    const Config config = loaded(sources_of(with_drop_ins({{"/etc/healthgate/conf.d/a.conf", drop_in}})));
    return config.gates.empty() ? config.notes : texts(config.gates[0].allow->v4());
  };
  EXPECT_THAT(allow("[gate.router]\nallow = 192.0.2.7, 192.0.2.9\n"),
              ElementsAre("192.0.2.1", "192.0.2.7", "192.0.2.9"));
  EXPECT_THAT(allow("[gate.router]\nallow =\nallow = 192.0.2.7\n"), ElementsAre("192.0.2.7"));
}

TEST(Load, EnvironmentOverridesFilesAndTheCommandLineOverridesBoth) {
  const Tree tree = {
      {main_file, "log-level = debug\n" + gate_with("interval = 2s\nlease = 10s\nallow = 192.0.2.1")}};
  const Sources::Pairs environment = {{"HEALTHGATE_LOG_LEVEL", "warning"},
                                      {"HEALTHGATE_GATE_ROUTER_INTERVAL", "3s"},
                                      {"HEALTHGATE_GATE_ROUTER_ALLOW", "192.0.2.2, 192.0.2.4"}};
  Config config = loaded(sources_of(tree, environment));
  ASSERT_EQ(config.gates.size(), 1U) << testing::PrintToString(config.notes);
  EXPECT_EQ(config.log_level, LogLevel::warning);
  EXPECT_EQ(config.gates[0].interval, 3s);
  EXPECT_THAT(texts(config.gates[0].allow->v4()), ElementsAre("192.0.2.2", "192.0.2.4"));

  config = loaded(sources_of(tree, environment,
                             {{"log-level", "error"},
                              {"gate.router.interval", "4s"},
                              {"gate.router.allow", "192.0.2.8"},
                              {"gate.router.allow", "192.0.2.10"}}));
  ASSERT_EQ(config.gates.size(), 1U) << testing::PrintToString(config.notes);
  EXPECT_EQ(config.log_level, LogLevel::error);
  EXPECT_EQ(config.gates[0].interval, 4s);
  EXPECT_THAT(texts(config.gates[0].allow->v4()), ElementsAre("192.0.2.8", "192.0.2.10"));
}

TEST(Load, TheBuiltInGateCanBeOverriddenToo) {
  const Config config = loaded(
      sources_of(Tree{}, {{"HEALTHGATE_GATE_ROUTER_PORT", "28898"}}, {{"gate.router.allow", "192.0.2.1"}}));
  ASSERT_EQ(config.gates.size(), 1U) << testing::PrintToString(config.notes);
  EXPECT_EQ(config.gates[0].port, 28898);
  EXPECT_EQ(config.gates[0].allow->size(), 1U);
}

TEST(Load, AnEmptyVariableCountsAsNotSet) {
  EXPECT_EQ(loaded(sources_of(Tree{}, {{"HEALTHGATE_LOG_LEVEL", ""}})).gates.size(), 1U);
}

TEST(Load, ForeignVariablesArePassedOverAndNearMissesNoted) {
  const Config config = loaded(
      sources_of(Tree{{main_file, gate_with("allow = 192.0.2.1")}}, {{"HEALTHGATE_SERVICE_HOST", "10.0.0.1"},
                                                                     {"HEALTHGATE_PORT", "tcp://10.0.0.1:80"},
                                                                     {"HEALTHGATE_PROBE", "x"},
                                                                     {"HEALTHGATE_LOG_LEVL", "debug"}}));
  EXPECT_THAT(config.notes,
              ElementsAre("environment: HEALTHGATE_LOG_LEVL is not a key and changes nothing; did you mean "
                          "HEALTHGATE_LOG_LEVEL?"));
}

TEST(Load, ErrorsOfTheEnvironmentNameTheVariable) {
  EXPECT_THAT(
      errors_of(sources_of(Tree{}, {{"HEALTHGATE_LOG_LEVEL", "inof"}})),
      ElementsAre(
          "environment: HEALTHGATE_LOG_LEVEL = inof: allowed: debug, info, warning or error; did you mean "
          "'info'?"));
}

TEST(Load, AVariableThatCouldMeanTwoGatesIsRefused) {
  const std::string text =
      "[gate.a]\nport = 1\nprobe = file:///a\n[gate.a_fast]\nport = 2\nprobe = file:///a\n";
  EXPECT_THAT(
      errors_of(sources_of(Tree{{main_file, text}}, {{"HEALTHGATE_GATE_A_FAST_INTERVAL", "2s"}})),
      ElementsAre(
          "environment: HEALTHGATE_GATE_A_FAST_INTERVAL = 2s: it could mean a key of more than one gate; set "
          "it in the file"));
}

TEST(Load, ErrorsOfTheCommandLineNameTheOption) {
  const auto errors = [](const char* name, const char* value) {
    return errors_of(sources_of(Tree{{main_file, gate_with("")}}, {}, {{name, value}}));
  };
  EXPECT_THAT(errors("gate.router.rise", "0"),
              ElementsAre("command line: --gate.router.rise = 0: allowed: a whole number from 1 to 1000"));
  EXPECT_THAT(errors("gate.rooter.rise", "1"),
              ElementsAre("command line: --gate.rooter.rise = 1: there is no gate 'rooter'; there is router; "
                          "did you mean 'router'?"));
  EXPECT_THAT(
      errors("gate.router.riser", "1"),
      ElementsAre(
          "command line: --gate.router.riser = 1: no such key among [gate.NAME]; did you mean 'rise'?"));
  EXPECT_THAT(errors("probe.x.soft", "yes"),
              ElementsAre("command line: --probe.x.soft = yes: there is no probe 'x'"));
  EXPECT_THAT(errors("log-lvl", "info"), ElementsAre("command line: --log-lvl = info: no such key among the "
                                                     "global keys, before the first section; did you "
                                                     "mean 'log-level'?"));
}

TEST(Load, AnOptionThatMayStandOnceMayNotStandTwice) {
  EXPECT_THAT(
      errors_of(sources_of(Tree{}, {}, {{"log-level", "info"}, {"log-level", "error"}})),
      ElementsAre("command line: --log-level = error: it may stand once, and is set already, to info"));
}

TEST(Load, AFileThatWasNamedMustBeThere) {
  Sources sources = sources_of(Tree{});
  sources.file = "/srv/h.conf";
  EXPECT_THAT(errors_of(sources), ElementsAre("/srv/h.conf: it cannot be read: No such file or directory"));
}

TEST(Load, DropInsStandBesideTheFileThatWasNamed) {
  Sources sources =
      sources_of(Tree{{"/srv/h.conf", gate_with("")}, {"/srv/conf.d/a.conf", "log-level = debug\n"}});
  sources.file = "/srv/h.conf";
  EXPECT_EQ(loaded(sources).log_level, LogLevel::debug);
}

TEST(Load, AFileThatCannotBeReadIsAnErrorAndNotAnEmptyFile) {
  Sources sources = sources_of(Tree{});
  sources.files.read = [](const Files::Path&) -> base::Result<std::string, FileError> {
    return base::Failure{FileError{EACCES, "Permission denied"}};
  };
  EXPECT_THAT(errors_of(sources), ElementsAre("healthgate.conf: it cannot be read: Permission denied"));
}

TEST(Load, AFileWithoutAGateIsRefused) {
  EXPECT_THAT(
      errors_of("log-level = info\n"),
      ElementsAre(
          "healthgate.conf: there is no gate; begin one with [gate.NAME], and give it port and probe"));
}

TEST(Load, AllErrorsAreReportedAtOnceInTheirOrder) {
  EXPECT_THAT(
      errors_of(
          "log-level = loud\nnonsense\n[gate.router]\nport = x\nprobe = http://localhost:1936/\nrise = 0\n"),
      ElementsAre(HasSubstr("healthgate.conf:2: nonsense: neither"),
                  HasSubstr("healthgate.conf:1: log-level = loud: allowed"),
                  HasSubstr("healthgate.conf:4: port = x: a port is"),
                  HasSubstr("healthgate.conf:6: rise = 0: allowed")));
}

TEST(Load, AProbeSectionMayServeTwoGatesAndAnUnusedOneIsNoted) {
  const Config config =
      loaded("[gate.a]\nport = 1\nprobe = @it\nallow = 192.0.2.1\n[gate.b]\nport = 2\nprobe = @it\n"
             "allow = 192.0.2.1\n[probe.it]\nurl = file:///ready\nfile-absent = yes\n"
             "[probe.other]\nurl = file:///x\n");
  ASSERT_EQ(config.gates.size(), 2U) << testing::PrintToString(config.notes);
  EXPECT_EQ(config.gates[1].probes.at(0).name, "it");
  EXPECT_FALSE(config.gates[1].probes.at(0).file_must_exist);
  EXPECT_THAT(config.notes,
              ElementsAre("/etc/healthgate/healthgate.conf:12: [probe.other] is used by no gate"));
}

TEST(Load, EveryKeyOfAProbeReachesTheValue) {
  const Config config = loaded(probe_with("https://127.0.0.1:8443/ready", R"(interval = 900ms
timeout = 400ms
rise = 3
fall = 4
method = POST
host = app.example.com:8443
header = X-A: 1
header = X-B: 2
expect-status = 200,204,300-399
expect-header = X-Ready
expect-body = all "good"
expect-body-regex = ^ok$
expect-json = /localEndpoints >= 1
body-limit = 1M
http-version = 2
follow-redirects = same-host
ca = /etc/ca.pem
cert = /etc/c.pem
key = /etc/k.pem
sni = app.example.com
pinned-name = pinned.example.com
tls-min = 1.3
proxy-protocol = v2
source = 127.0.0.2)"));
  ASSERT_EQ(config.gates.size(), 1U) << testing::PrintToString(config.notes);
  const ProbeConfig& probe = config.gates[0].probes.at(0);
  EXPECT_EQ(probe.interval, 900ms);
  EXPECT_EQ(probe.timeout, 400ms);
  EXPECT_EQ(probe.rise, 3);
  EXPECT_EQ(probe.fall, 4);
  EXPECT_EQ(probe.method, "POST");
  EXPECT_EQ(probe.host_header, "app.example.com:8443");
  EXPECT_THAT(probe.headers, ElementsAre(std::pair("X-A", "1"), std::pair("X-B", "2")));
  EXPECT_EQ(probe.expect_status.size(), 3U);
  EXPECT_THAT(probe.expect_headers, ElementsAre(std::pair("X-Ready", "")));
  EXPECT_EQ(probe.expect_body, "all \"good\"");
  EXPECT_EQ(probe.expect_body_regex, "^ok$");
  EXPECT_EQ(probe.expect_json.at(0).op, ">=");
  EXPECT_EQ(probe.body_limit_bytes, 1048576U);
  EXPECT_EQ(probe.http_version, HttpVersion::http2);
  EXPECT_EQ(probe.follow_redirects, Redirects::same_host);
  EXPECT_EQ(probe.ca, "/etc/ca.pem");
  EXPECT_EQ(probe.cert, "/etc/c.pem");
  EXPECT_EQ(probe.key, "/etc/k.pem");
  EXPECT_EQ(probe.sni, "app.example.com");
  EXPECT_EQ(probe.pinned_name, "pinned.example.com");
  EXPECT_EQ(probe.tls_min, TlsVersion::tls1_3);
  EXPECT_EQ(probe.proxy_protocol, ProxyProtocol::v2);
  EXPECT_EQ(probe.source, "127.0.0.2");
}

TEST(Load, EveryKeyOfAGateReachesTheValue) {
  const Config config = loaded(R"([gate.router]
port = 18898
probe = http://localhost:1936/healthz/ready
probe = tcp://127.0.0.1:443
require = any
interval = 2s
fast-interval = 200ms
down-interval = 1s
timeout = 1s
rise = 3
fall = 4
soft-grace = 1m
min-open = 10s
flap-limit = 6
flap-window = 5m
jitter = 10%
watch-pid-file = /run/haproxy.pid
lease = 5s
allow = 192.0.2.1
denied = reset
on-stop = hold
guard = relay
guard-ports = 80
guard-ports = 443, 8443
guard-on-drain = yes
peers = 192.0.2.24, node-2.example.com
drain-file = /run/drain
on-transition = /usr/libexec/notify
on-transition-timeout = 3s
track-file = /run/track
agent-listen = 0.0.0.0:9001
http-listen = [::]:9002
)");
  ASSERT_EQ(config.gates.size(), 1U) << testing::PrintToString(config.notes);
  const GateConfig& gate = config.gates[0];
  EXPECT_EQ(gate.probes.size(), 2U);
  EXPECT_EQ(gate.require, 1);
  EXPECT_EQ(gate.interval, 2s);
  EXPECT_EQ(gate.fast_interval, 200ms);
  EXPECT_EQ(gate.down_interval, 1s);
  EXPECT_EQ(gate.timeout, 1s);
  EXPECT_EQ(gate.rise, 3);
  EXPECT_EQ(gate.fall, 4);
  EXPECT_EQ(gate.soft_grace, 60s);
  EXPECT_EQ(gate.min_open, 10s);
  EXPECT_EQ(gate.flap_limit, 6);
  EXPECT_EQ(gate.flap_window, 300s);
  EXPECT_EQ(gate.jitter_percent, 10);
  EXPECT_EQ(gate.watch_pid_file, "/run/haproxy.pid");
  EXPECT_EQ(gate.lease, 5s);
  EXPECT_EQ(gate.denied, core::Denied::reset);
  EXPECT_EQ(gate.on_stop, OnStop::hold);
  EXPECT_EQ(gate.guard, Guard::relay);
  EXPECT_THAT(gate.guard_ports, ElementsAre(80, 443, 8443));
  EXPECT_TRUE(gate.guard_on_drain);
  EXPECT_EQ(gate.peers.size(), 1U);
  EXPECT_THAT(gate.peer_names, ElementsAre("node-2.example.com"));
  EXPECT_THAT(texts(gate.allow->v4()), ElementsAre("192.0.2.1", "192.0.2.24")) << "a peer of relay may ask";
  EXPECT_EQ(gate.drain_file, "/run/drain");
  EXPECT_EQ(gate.on_transition, "/usr/libexec/notify");
  EXPECT_EQ(gate.on_transition_timeout, 3s);
  EXPECT_EQ(gate.track_file, "/run/track");
  EXPECT_EQ(gate.agent_listen->port, 9001);
  EXPECT_EQ(gate.http_listen->host, "::");
}

TEST(Load, TheFastIntervalFollowsAShorterInterval) {
  const Config config = loaded(gate_with("interval = 50ms\ntimeout = 40ms"));
  ASSERT_EQ(config.gates.size(), 1U) << testing::PrintToString(config.notes);
  EXPECT_EQ(config.gates[0].fast_interval, 50ms);
}

} // namespace
} // namespace healthgate::config
