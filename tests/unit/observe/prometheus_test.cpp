#include "observe/prometheus.hpp"

#include "observe/metrics.hpp"
#include "support/canned_snapshots.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

namespace healthgate::observe {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using tests::canned_snapshots;

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    lines.push_back(line);
  }
  return lines;
}

// The value of `series`, "name{label="x"}"; fails the test when it is not there exactly once.
std::string value_of(const std::string& text, const std::string& series) {
  std::string value = "absent";
  for (const auto& line : lines_of(text)) {
    if (line.rfind(series + " ", 0) == 0) {
      EXPECT_EQ(value, "absent") << series << " stands twice";
      value = line.substr(series.size() + 1);
    }
  }
  return value;
}

ProcessStats some_process() {
  return {1.25, 17, 1024, 190 << 20, 12 << 20, 1795140342.5};
}

std::string exposed(const std::string& name) {
  return to_prometheus(canned_snapshots().at(name), some_process());
}

// A snapshot that fills every family.
core::Snapshot full() {
  auto gate = tests::drained_gate();
  gate.lease_margin_seconds = 1.9;
  gate.guard =
      core::GuardSnapshot{"relay", {80}, "dead", true, {}, 3, 4711, {{"10.0.0.2", true, "connected"}}};
  return tests::snapshot_of({gate, tests::many_probes_gate()});
}

TEST(Prometheus, SaysOfAnOpenGateThatItIsOpen) {
  const auto text = exposed("open");
  EXPECT_EQ(value_of(text, "healthgate_gate_open{gate=\"router\"}"), "1");
  EXPECT_EQ(value_of(text, "healthgate_gate_state{gate=\"router\",state=\"open\"}"), "1");
  EXPECT_EQ(value_of(text, "healthgate_gate_state{gate=\"router\",state=\"unknown\"}"), "0");
  EXPECT_EQ(value_of(text, "healthgate_lease_margin_seconds{gate=\"router\"}"), "1.986");
  EXPECT_EQ(value_of(text, "healthgate_packets_total{gate=\"router\",verdict=\"accepted\"}"), "90210");
  EXPECT_EQ(value_of(text, "healthgate_lb_last_seen_seconds{gate=\"router\",source=\"2001:db8:10::5\"}"),
            "1.4");
  EXPECT_EQ(value_of(text, "healthgate_build_info{version=\"0.1.0\"}"), "1");
}

TEST(Prometheus, ClaimsNoOpenGateWhileTheKernelIsUnknown) {
  const auto text = exposed("unknown");
  EXPECT_EQ(value_of(text, "healthgate_gate_open{gate=\"router\"}"), "0");
  EXPECT_EQ(value_of(text, "healthgate_gate_state{gate=\"router\",state=\"unknown\"}"), "1");
  EXPECT_EQ(value_of(text, "healthgate_ruleset_in_sync"), "0");
  EXPECT_EQ(value_of(text, "healthgate_ruleset_repairs_total"), "4");
}

TEST(Prometheus, LeavesOutWhatIsNotKnownYet) {
  const auto text = exposed("starting");
  EXPECT_THAT(text, Not(HasSubstr("healthgate_probe_success")));
  EXPECT_THAT(text, Not(HasSubstr("healthgate_lease_margin_seconds")));
  EXPECT_THAT(text, Not(HasSubstr("check_latency_ms")));
  EXPECT_EQ(value_of(text, "router_health_status{gate=\"router\"}"), "0");
}

TEST(Prometheus, HasEveryFailureClassAndTheCommonTransitionsFromTheStart) {
  const auto text = exposed("starting");
  for (const auto* name :
       {"timeout", "refused", "reset", "dns", "tls", "status", "mismatch", "protocol", "exec"}) {
    const auto series =
        "healthgate_probe_failures_total{gate=\"router\",probe=\"http://localhost:1936/healthz/"
        "ready\",class=\"" +
        std::string(name) + "\"}";
    EXPECT_EQ(value_of(text, series), "0");
  }
  EXPECT_EQ(value_of(text, "healthgate_transitions_total{gate=\"router\",to=\"closed\",reason=\"probe\"}"),
            "0");
}

TEST(Prometheus, CumulatesHistograms) {
  auto snapshot = tests::snapshot_of({});
  snapshot.commit_seconds = core::Histogram({0.001, 0.01});
  for (const double seconds : {0.0005, 0.005, 0.006, 4.0}) {
    snapshot.commit_seconds.observe(seconds);
  }
  const auto text = to_prometheus(snapshot, {});
  EXPECT_EQ(value_of(text, "healthgate_commit_seconds_bucket{le=\"0.001\"}"), "1");
  EXPECT_EQ(value_of(text, "healthgate_commit_seconds_bucket{le=\"0.01\"}"), "3");
  EXPECT_EQ(value_of(text, "healthgate_commit_seconds_bucket{le=\"+Inf\"}"), "4");
  EXPECT_EQ(value_of(text, "healthgate_commit_seconds_count"), "4");
  EXPECT_EQ(value_of(text, "healthgate_commit_seconds_sum"), "4.0115");
}

TEST(Prometheus, EscapesLabelValues) {
  auto gate = tests::open_gate();
  gate.sources = {{"a\\b\"c\nd\xff", 1, 1}};
  const auto text = to_prometheus(tests::snapshot_of({gate}), {});
  EXPECT_THAT(text, HasSubstr("source=\"a\\\\b\\\"c\\nd\xef\xbf\xbd\"} 1\n"));
}

TEST(Prometheus, NeverRepeatsASeries) {
  auto gate = tests::open_gate();
  gate.probes.push_back(gate.probes[0]); // the same URL twice
  std::set<std::string> seen;
  for (const auto& line : lines_of(to_prometheus(tests::snapshot_of({gate}), some_process()))) {
    EXPECT_TRUE(seen.insert(line.substr(0, line.rfind(' '))).second || line[0] == '#') << line;
  }
  EXPECT_TRUE(seen.count(
      "healthgate_probe_success{gate=\"router\",probe=\"http://localhost:1936/healthz/ready #2\"}"));
}

TEST(Prometheus, KeepsTheNamesOfTheFirstPrototype) {
  auto text = exposed("closed");
  EXPECT_EQ(value_of(text, "router_health_status{gate=\"router\"}"), "0");
  text = exposed("drained"); // the service is healthy, whatever the override says
  EXPECT_EQ(value_of(text, "router_health_status{gate=\"router\"}"), "1");
  EXPECT_THAT(value_of(text, "check_latency_ms{gate=\"router\"}"), Not("absent"));
}

TEST(Prometheus, CountsTheRequiredHardProbesAsHealth) {
  auto gate = tests::many_probes_gate(); // grpc passes, bgp fails, disk is soft
  gate.require = 1;
  EXPECT_EQ(
      value_of(to_prometheus(tests::snapshot_of({gate}), {}), "router_health_status{gate=\"telemetry\"}"),
      "1");
  gate.require = 2;
  EXPECT_EQ(
      value_of(to_prometheus(tests::snapshot_of({gate}), {}), "router_health_status{gate=\"telemetry\"}"),
      "0");
  gate.require = 0;
  EXPECT_EQ(
      value_of(to_prometheus(tests::snapshot_of({gate}), {}), "router_health_status{gate=\"telemetry\"}"),
      "0");
}

// "name TYPE help" of the families in the output, in its order.
std::vector<std::string> families_of(const std::string& text) {
  std::vector<std::string> families;
  std::string help;
  for (const auto& line : lines_of(text)) {
    if (line.rfind("# HELP ", 0) == 0) {
      help = line.substr(line.find(' ', 7));
    } else if (line.rfind("# TYPE ", 0) == 0) {
      families.push_back(line.substr(7) + help);
    }
  }
  return families;
}

TEST(Prometheus, HasExactlyTheFamiliesOfTheTableInItsOrder) {
  std::vector<std::string> expected;
  for (const auto& metric : all_metrics()) {
    expected.push_back(std::string(metric.name) + " " + std::string(to_string(metric.type)) + " " +
                       std::string(metric.help));
  }
  EXPECT_EQ(families_of(to_prometheus(full(), some_process())), expected);
}

TEST(Prometheus, IsWhatTheReadmeSays) {
  std::string expected = "| metric | type | labels | meaning |\n|---|---|---|---|\n";
  for (const auto& metric : all_metrics()) {
    std::string labels;
    for (const auto& label : metric.labels) {
      labels += (labels.empty() ? "" : ", ") + std::string(label);
    }
    expected += "| `" + std::string(metric.name) + "` | " + std::string(to_string(metric.type)) + " | " +
                labels + " | " + std::string(metric.help) + " |\n";
  }
  std::ifstream file(HEALTHGATE_SOURCE_DIR "/src/observe/README.md");
  const std::string readme{std::istreambuf_iterator<char>(file), {}};
  EXPECT_THAT(readme, HasSubstr(expected));
}

TEST(ProcessStats, ReadsThisProcess) {
  const auto stats = read_process_stats();
  EXPECT_GT(stats.open_fds.value_or(0), 2u);
  EXPECT_GE(stats.max_fds.value_or(0), *stats.open_fds);
  EXPECT_GT(stats.resident_bytes.value_or(0), 1u << 20);
  EXPECT_GT(stats.virtual_bytes.value_or(0), *stats.resident_bytes);
  const double now =
      std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  EXPECT_NEAR(stats.start_time_seconds.value_or(0), now, 600);
  EXPECT_GE(stats.cpu_seconds.value_or(-1), 0);
}

} // namespace
} // namespace healthgate::observe
