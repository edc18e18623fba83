#include "app/neighbours.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace healthgate::app {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

GateNews news(bool open, const std::string& reason = "HTTP 200", const std::string& override_kind = "") {
  GateNews news;
  news.gate = "router";
  news.port = 18898;
  news.open = open;
  news.reason = reason;
  news.override_kind = override_kind;
  return news;
}

TEST(AgentAnswer, SaysHealthAndWillEachTime) {
  EXPECT_EQ(agent_answer(news(true)), "ready up\n");
  EXPECT_EQ(agent_answer(news(false, "HTTP 500")), "ready down #HTTP 500\n");
  EXPECT_EQ(agent_answer(news(false, "drain by root", "drain")), "drain up #drain by root\n");
  EXPECT_EQ(agent_answer(news(true, "force-open by root", "force-open")), "ready up\n");
}

TEST(AgentAnswer, IsOneLineWhateverTheServiceSays) {
  const auto answer = agent_answer(news(false, "HTTP 500\nup ready\r\n\x01"));
  EXPECT_EQ(answer, "ready down #HTTP 500 up ready ?\n");
}

TEST(HttpAnswer, HasTheStatusThatChecksWant) {
  EXPECT_THAT(http_answer(news(true), "GET / HTTP/1.0\r\n\r\n"), StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(http_answer(news(false), "GET / HTTP/1.0\r\n\r\n"),
              StartsWith("HTTP/1.1 503 Service Unavailable\r\n"));
}

TEST(HttpAnswer, HasNoBodyForHeadButItsLength) {
  const auto answer = http_answer(news(true), "HEAD / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(answer, EndsWith("\r\n\r\n"));
  EXPECT_THAT(answer, Not(HasSubstr("Content-Length: 0")));
}

TEST(HttpAnswer, LetsNoReasonIntoItsHead) {
  const auto answer = http_answer(news(false, "bad\r\n\r\nHTTP/1.1 200 OK"), "GET / HTTP/1.0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr(R"(bad\r\n\r\nHTTP/1.1 200 OK)"));
}

TEST(TrackFile, IsZeroWhileAllIsWell) {
  EXPECT_EQ(track_file_content(news(true)), "0\n");
  EXPECT_EQ(track_file_content(news(false)), "1\n");
}

TEST(GateNews, IsTheSameStateWhateverItsWords) {
  EXPECT_TRUE(news(false, "HTTP 500").same_state(news(false, "HTTP 502")));
  EXPECT_FALSE(news(false).same_state(news(true)));
  EXPECT_FALSE(news(false).same_state(news(false, "HTTP 200", "drain")));
}

} // namespace
} // namespace healthgate::app
