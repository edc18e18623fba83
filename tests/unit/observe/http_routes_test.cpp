#include "observe/http_routes.hpp"

#include "support/canned_snapshots.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace healthgate::observe {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;
using tests::canned_snapshots;

class HttpRoutes : public testing::Test {
protected:
  HttpRoutes() {
    source.snapshot = [this] { return snapshot; };
    source.stalled_for = [this] { return stalled; };
    source.process = [] { return ProcessStats{}; };
  }

  void show(const std::string& name) {
    snapshot = std::make_shared<const core::Snapshot>(canned_snapshots().at(name));
  }

  [[nodiscard]] HttpReply get(std::string_view path, std::string_view authorization = "") const {
    return answer({"GET", path, authorization}, source, token);
  }

  [[nodiscard]] static std::string header(const HttpReply& reply, std::string_view name) {
    const auto found = std::find_if(reply.headers.begin(), reply.headers.end(),
                                    [&](const auto& one) { return one.first == name; });
    return found == reply.headers.end() ? "" : found->second;
  }

  std::shared_ptr<const core::Snapshot> snapshot;
  core::Duration stalled{};
  HttpSource source;
  std::string token;
};

TEST_F(HttpRoutes, MetricsArePrometheusText) {
  show("open");
  const auto reply = get("/metrics");
  EXPECT_EQ(reply.status, 200);
  EXPECT_EQ(reply.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_THAT(reply.body, HasSubstr("healthgate_gate_open{gate=\"router\"} 1\n"));
}

TEST_F(HttpRoutes, StatusIsJson) {
  show("closed");
  const auto reply = get("/status");
  EXPECT_EQ(reply.content_type, "application/json");
  EXPECT_EQ(nlohmann::json::parse(reply.body)["gates"][0]["state"], "closed");
}

TEST_F(HttpRoutes, LivezIsGreenWhileTheDecidingThreadMakesProgress) {
  EXPECT_EQ(get("/livez").status, 200) << "also before the first snapshot";
  stalled = longest_stall;
  EXPECT_EQ(get("/livez").status, 200) << "at the bound";
}

TEST_F(HttpRoutes, LivezIsRedOnceTheDecidingThreadIsStuck) {
  show("open");
  stalled = longest_stall + 1ms;
  const auto reply = get("/livez");
  EXPECT_EQ(reply.status, 503);
  EXPECT_THAT(reply.body, HasSubstr("no progress for 5"));
  EXPECT_EQ(get("/readyz").status, 503);
}

TEST_F(HttpRoutes, ReadyzWantsTheTableInPlace) {
  EXPECT_EQ(get("/readyz").status, 503) << "nothing is known yet";
  show("closed");
  EXPECT_EQ(get("/readyz").status, 200) << "a closed gate is what it should be";
  show("unknown");
  EXPECT_EQ(get("/readyz").status, 503);
}

TEST_F(HttpRoutes, AStuckThreadClaimsNoOpenGateBeyondItsLease) {
  show("open");
  stalled = 8s; // the lease has 3 s
  const auto reply = get("/metrics");
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr("healthgate_gate_open{gate=\"router\"} 0\n"));
  EXPECT_THAT(reply.body, HasSubstr("healthgate_gate_state{gate=\"router\",state=\"unknown\"} 1\n"));
  EXPECT_THAT(reply.body, HasSubstr("healthgate_loop_stalled_seconds 8\n"));
}

TEST_F(HttpRoutes, AStallWithinTheLeaseChangesNoClaim) {
  auto gate = tests::open_gate();
  gate.lease_seconds = 60;
  const auto told = as_of_a_stall(tests::snapshot_of({gate}), 8s);
  EXPECT_EQ(told.gates[0].state, "open");
  EXPECT_EQ(told.loop_age, 8s);
}

TEST_F(HttpRoutes, BeforeTheFirstSnapshotItSaysThatItIsStarting) {
  for (const char* path : {"/metrics", "/status"}) {
    EXPECT_EQ(get(path).status, 503) << path;
    EXPECT_EQ(get(path).body, "starting\n") << path;
  }
}

TEST_F(HttpRoutes, OtherPathsAreNotFound) {
  show("open");
  for (const char* path : {"", "/metrics/", "/METRICS", "//", "/../metrics", "/favicon.ico", "*", "/\xff"}) {
    EXPECT_EQ(get(path).status, 404) << path;
  }
}

TEST_F(HttpRoutes, OnlyGetAndHeadAreAllowed) {
  show("open");
  EXPECT_EQ(answer({"HEAD", "/metrics", ""}, source, "").status, 200);
  for (const char* method : {"POST", "PUT", "DELETE", "OPTIONS", "get", "", "TRACE"}) {
    for (const char* path : {"/metrics", "/livez"}) {
      const auto reply = answer({method, path, ""}, source, "");
      EXPECT_EQ(reply.status, 405) << method;
      EXPECT_EQ(header(reply, "Allow"), "GET, HEAD") << method;
    }
  }
}

TEST_F(HttpRoutes, WithATokenOnlyLivenessIsToldToAnybody) {
  show("open");
  token = "s3cret";
  for (const char* path : {"/metrics", "/status", "/", "/nothing"}) {
    const auto reply = get(path);
    EXPECT_EQ(reply.status, 401) << path;
    EXPECT_THAT(header(reply, "WWW-Authenticate"), HasSubstr("Bearer"));
    EXPECT_THAT(reply.body, Not(HasSubstr("router")));
  }
  EXPECT_EQ(get("/livez").status, 200);
  EXPECT_EQ(get("/readyz").status, 200);
  EXPECT_EQ(get("/metrics", "Bearer s3cret").status, 200);
  EXPECT_EQ(get("/metrics", "Bearer wrong").status, 401);
}

TEST_F(HttpRoutes, EveryAnswerForbidsWhatABrowserMightDoWithIt) {
  show("open");
  for (const char* path : {"/metrics", "/status", "/livez", "/nothing"}) {
    const auto reply = get(path);
    EXPECT_EQ(header(reply, "Cache-Control"), "no-store") << path;
    EXPECT_EQ(header(reply, "X-Content-Type-Options"), "nosniff") << path;
    EXPECT_THAT(header(reply, "Content-Security-Policy"), HasSubstr("default-src 'none'")) << path;
    EXPECT_THAT(header(reply, "Content-Security-Policy"), HasSubstr("frame-ancestors 'none'")) << path;
  }
}

} // namespace
} // namespace healthgate::observe
