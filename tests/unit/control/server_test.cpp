// The server on a real unix socket: bytes in every order, clients that misbehave or leave.
#include "server_fixture.hpp"

#include "control/protocol.hpp"

#include <fcntl.h>
#include <sys/resource.h>

namespace healthgate::control {
namespace {

using namespace std::chrono_literals;

TEST_F(ServerTest, AnswersARequest) {
  serve();
  RawClient client(options.path);
  client.send(status_line(1));
  ASSERT_TRUE(until_lines(client, 1));
  EXPECT_EQ(client.lines()[0], answer_line(1, "{}"));
}

TEST_F(ServerTest, WaitsForTheRestOfALine) {
  serve();
  RawClient client(options.path);
  const auto line = status_line(1);
  for (const char byte : line.substr(0, line.size() - 1)) {
    client.send(std::string_view(&byte, 1));
    settle();
  }
  EXPECT_EQ(calls, 0);
  client.send("\n");
  ASSERT_TRUE(until_lines(client, 1));
  EXPECT_EQ(calls, 1);
}

TEST_F(ServerTest, AnswersPipelinedRequestsInTheirOrder) {
  serve();
  RawClient client(options.path);
  std::string lines;
  for (int id = 0; id < 500; ++id) {
    lines += status_line(id);
  }
  client.send(lines);
  ASSERT_TRUE(until_lines(client, 500));
  for (int id = 0; id < 500; ++id) {
    EXPECT_EQ(client.lines()[static_cast<std::size_t>(id)], answer_line(id, "{}"));
  }
}

TEST_F(ServerTest, TakesOneRequestATurnSoThatTheLoopIsNotHeld) {
  serve();
  RawClient client(options.path);
  client.send(status_line(1) + status_line(2) + status_line(3));
  int before = 0;
  while (calls < 3) {
    ASSERT_TRUE(loop.run_once(1s));
    EXPECT_LE(calls - before, 1);
    before = calls;
  }
}

TEST_F(ServerTest, WhatDecidesGoesBeforeAFloodOfRequests) {
  serve();
  RawClient client(options.path);
  std::string lines;
  for (int id = 0; id < 100; ++id) {
    lines += status_line(id);
  }
  client.send(lines);
  ASSERT_TRUE(until([&] { return calls == 1; }));
  bool decided = false;
  loop.at(loop.now().mono, [&] { decided = true; });
  ASSERT_TRUE(until([&] { return decided; }));
  EXPECT_LE(calls, 2);
}

TEST_F(ServerTest, RefusesABadLineAndGoesOn) {
  serve();
  RawClient client(options.path);
  client.send("{\"v\":1,\"id\":5,\"command\":\"dance\"}\n" + status_line(6));
  ASSERT_TRUE(until_lines(client, 2));
  EXPECT_EQ(client.lines()[0],
            R"({"v":1,"id":5,"ok":false,"kind":"usage","error":"unknown command 'dance'"})");
  EXPECT_EQ(client.lines()[1], answer_line(6, "{}"));
}

TEST_F(ServerTest, TakesALineOfTheLimit) {
  serve();
  RawClient client(options.path);
  auto line = status_line(1);
  line.insert(line.size() - 1, request_limit_bytes + 1 - line.size(), ' ');
  ASSERT_EQ(client.send(line), line.size());
  ASSERT_TRUE(until_lines(client, 1));
  EXPECT_EQ(client.lines()[0], answer_line(1, "{}"));
}

TEST_F(ServerTest, EndsTheConnectionOfALineOverTheLimitWithASentence) {
  serve();
  RawClient client(options.path);
  const std::string line(request_limit_bytes + 1, ' ');
  ASSERT_EQ(client.send(line), line.size());
  ASSERT_TRUE(until([&] { return client.ended(); }));
  ASSERT_EQ(client.lines().size(), 1U);
  EXPECT_EQ(client.lines()[0],
            R"({"v":1,"id":0,"ok":false,"kind":"usage","error":"a request has at most 65536 )"
            R"(bytes; the connection ends"})");
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ServerTest, AnswersAClientThatHasShutItsSide) {
  serve();
  deferring = true;
  RawClient client(options.path);
  client.send(status_line(1));
  client.shut();
  ASSERT_TRUE(until([&] { return asked.size() == 1; }));
  settle();
  asked[0].reply.ok("{\"late\":true}");
  ASSERT_TRUE(until([&] { return client.ended(); }));
  ASSERT_EQ(client.lines().size(), 1U);
  EXPECT_EQ(client.lines()[0], answer_line(1, "{\"late\":true}"));
}

TEST_F(ServerTest, SaysThatTheLastLineHasNoEnd) {
  serve();
  RawClient client(options.path);
  client.send(R"({"v":1,"id":1,"command":"drain","all":true})");
  client.shut();
  ASSERT_TRUE(until([&] { return client.ended(); }));
  EXPECT_EQ(calls, 0);
  ASSERT_EQ(client.lines().size(), 1U);
  EXPECT_EQ(client.lines()[0],
            R"({"v":1,"id":0,"ok":false,"kind":"usage","error":"the last request has no line end"})");
}

TEST_F(ServerTest, CarriesOutWhatAClientSentBeforeItClosed) {
  serve();
  RawClient client(options.path);
  client.send(status_line(1) + status_line(2) + status_line(3));
  client.close();
  ASSERT_TRUE(until([&] { return calls == 3 && server->connections() == 0; }));
}

TEST_F(ServerTest, AReplyOutlivesItsClient) {
  serve();
  deferring = true;
  RawClient client(options.path);
  client.send(status_line(1));
  ASSERT_TRUE(until([&] { return asked.size() == 1; }));
  EXPECT_TRUE(asked[0].reply.wanted());
  client.close();
  ASSERT_TRUE(until([&] { return server->connections() == 0; }));
  EXPECT_FALSE(asked[0].reply.wanted());
  asked[0].reply.ok("{}");
}

TEST_F(ServerTest, AReplyOutlivesItsServer) {
  serve();
  deferring = true;
  RawClient client(options.path);
  client.send(status_line(1));
  ASSERT_TRUE(until([&] { return asked.size() == 1; }));
  server.reset();
  EXPECT_FALSE(asked[0].reply.wanted());
  asked[0].reply.ok("{}");
  EXPECT_TRUE(client.ended());
}

TEST_F(ServerTest, AReplyThatIsForgottenIsARefusal) {
  serve();
  deferring = true;
  RawClient client(options.path);
  client.send(status_line(1));
  ASSERT_TRUE(until([&] { return asked.size() == 1; }));
  asked.clear();
  ASSERT_TRUE(until_lines(client, 1));
  EXPECT_EQ(client.lines()[0],
            R"({"v":1,"id":1,"ok":false,"kind":"failed","error":"the daemon gave this request no answer"})");
}

TEST_F(ServerTest, OnlyTheFirstAnswerCounts) {
  serve();
  deferring = true;
  RawClient client(options.path);
  client.send(status_line(1));
  ASSERT_TRUE(until([&] { return asked.size() == 1; }));
  const auto copy = asked[0].reply;
  copy.refuse("no");
  copy.ok("{}");
  asked[0].reply.ok("{}");
  deferring = false;
  client.send(status_line(2));
  ASSERT_TRUE(until_lines(client, 2));
  EXPECT_EQ(client.lines()[0], R"({"v":1,"id":1,"ok":false,"kind":"refused","error":"no"})");
  EXPECT_EQ(client.lines()[1], answer_line(2, "{}"));
}

TEST_F(ServerTest, MoreRequestsThanMayBeUnansweredWait) {
  options.unanswered = 2;
  serve();
  deferring = true;
  RawClient client(options.path);
  client.send(status_line(1) + status_line(2) + status_line(3));
  ASSERT_TRUE(until([&] { return asked.size() == 2; }));
  settle();
  EXPECT_EQ(asked.size(), 2U);
  asked[1].reply.ok("{}");
  ASSERT_TRUE(until([&] { return asked.size() == 3; }));
  EXPECT_EQ(client.lines().size(), 1U);
}

TEST_F(ServerTest, DropsAClientThatDoesNotRead) {
  options.stall_limit = 40ms;
  serve();
  result = "\"" + std::string(1024 * 1024, 'x') + "\"";
  RawClient client(options.path);
  client.send(status_line(1) + status_line(2));
  ASSERT_TRUE(until([&] { return calls == 1; }));
  ASSERT_TRUE(until([&] { return server->connections() == 0; }));
  EXPECT_EQ(calls, 1) << "it took a request although the answer before was still waiting";
}

TEST_F(ServerTest, ASlowReaderThatReadsGetsAll) {
  serve();
  result = "\"" + std::string(4 * 1024 * 1024, 'x') + "\"";
  RawClient client(options.path);
  client.send(status_line(1) + status_line(2));
  ASSERT_TRUE(until_lines(client, 2));
  EXPECT_EQ(client.lines()[1], answer_line(2, result));
}

TEST_F(ServerTest, DropsAClientWhoseAnswersOutgrowTheLimit) {
  options.output_limit_bytes = 1000;
  serve();
  result = "\"" + std::string(1000, 'x') + "\"";
  RawClient client(options.path);
  client.send(status_line(1));
  ASSERT_TRUE(until([&] { return client.ended(); }));
  EXPECT_TRUE(client.lines().empty());
  EXPECT_EQ(server->connections(), 0U);
}

TEST_F(ServerTest, ClosesAnIdleConnection) {
  options.idle_limit = 30ms;
  serve();
  RawClient silent(options.path);
  RawClient slow(options.path); // a line that never ends is no sign of life
  slow.send("{");
  ASSERT_TRUE(until([&] { return silent.ended() && slow.ended(); }));
}

TEST_F(ServerTest, KeepsAConnectionThatWaitsForAnAnswer) {
  options.idle_limit = 10ms;
  serve();
  deferring = true;
  RawClient waiting(options.path);
  waiting.send(status_line(1));
  ASSERT_TRUE(until([&] { return asked.size() == 1; }));
  RawClient silent(options.path);
  ASSERT_TRUE(until([&] { return silent.ended(); })); // the limit is at work, and spares the other
  asked[0].reply.ok("{}");
  ASSERT_TRUE(until_lines(waiting, 1));
}

TEST_F(ServerTest, RefusesOneConnectionTooManyWithASentence) {
  options.connections = 2;
  serve();
  RawClient first(options.path);
  RawClient second(options.path);
  RawClient third(options.path);
  ASSERT_TRUE(until([&] { return third.ended(); }));
  ASSERT_EQ(third.lines().size(), 1U);
  EXPECT_EQ(third.lines()[0],
            R"({"v":1,"id":0,"ok":false,"kind":"failed","error":"the daemon has 2 clients already"})");
  first.close();
  ASSERT_TRUE(until([&] { return server->connections() == 1; }));
  RawClient fourth(options.path);
  fourth.send(status_line(1));
  EXPECT_TRUE(until_lines(fourth, 1));
}

TEST_F(ServerTest, ComesBackWhenDescriptorsAreFreeAgain) {
  serve();
  RawClient client(options.path); // connected by the kernel, not yet accepted
  client.send(status_line(1));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const int next = ::fcntl(client.fd(), F_DUPFD_CLOEXEC, 0);
  ASSERT_GE(next, 0);
  ::close(next);
  const rlimit tight{static_cast<rlim_t>(next), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &tight), 0);
  settle(); // it would not settle if it tried in a circle
  EXPECT_EQ(server->connections(), 0U);
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_TRUE(until_lines(client, 1));
}

} // namespace
} // namespace healthgate::control
