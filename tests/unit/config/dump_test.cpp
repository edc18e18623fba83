#include "config/dump.hpp"

#include "config/diff.hpp"
#include "unit/config/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace healthgate::config {
namespace {

// The dump of `text` must load to the same configuration.
void expect_round_trip(const std::string& text) {
  const Config config = loaded(text);
  ASSERT_FALSE(config.gates.empty()) << testing::PrintToString(config.notes);
  const std::string dumped = to_ini(config);
  const Config again = loaded(dumped);
  ASSERT_FALSE(again.gates.empty()) << dumped << testing::PrintToString(again.notes);
  EXPECT_TRUE(diff(config, again).empty()) << dumped << diff(config, again).to_string();
  EXPECT_EQ(to_ini(again), dumped);
}

TEST(ToIni, WritesWhatDiffersFromTheDefaults) {
  EXPECT_EQ(to_ini(loaded("log-level = debug\n" +
                          gate_with("interval = 1s\nrise = 3\nallow = 192.0.2.1, 192.0.2.9"))),
            "log-level = debug\n\n[gate.router]\nport = 18898\nprobe = "
            "http://localhost:1936/healthz/ready\nrise = 3\n"
            "allow = 192.0.2.1\nallow = 192.0.2.9\n");
}

TEST(ToIni, LoadsToTheSameAgain) {
  expect_round_trip(gate_with(
      "interval = 50ms\ntimeout = 20ms\nguard-ports = 80, 443\npeers = 192.0.2.4, b.example\njitter = 5%"));
  expect_round_trip(probe_with("tcp://[::1]:25", R"(send = " EHLO x\r\n # \x00\xff"
expect = 250
proxy-protocol = v1)"));
  expect_round_trip(probe_with("https://127.0.0.1/",
                               "header = A: b\nexpect-header = C\nexpect-json = /a == \"b c\"\n"
                               "expect-status = 200,300-399\nhttp-version = 1.0\nbody-limit = 1000"));
  expect_round_trip("metrics-listen = off\ncontrol-socket = /run/x\ntable-owner = no\n" +
                    probe_with("exec:/bin/x 'a b' \"# c\"", "user = nobody"));
  expect_round_trip(
      "[gate.a]\nport = 1\nprobe = @p\nprobe = @q\nrequire = any\n[gate.b]\nport = 2\nprobe = @p\n[probe.p]\n"
      "url = file:///a\nfile-absent = yes\n[probe.q]\nurl = grpc://127.0.0.1:9/x.Y\nsoft = yes\n");
}

} // namespace
} // namespace healthgate::config
