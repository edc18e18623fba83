// `watch`: a line at once, then by beat and change, the newest only.
#include "server_fixture.hpp"

namespace healthgate::control {
namespace {

using namespace std::chrono_literals;

class WatchTest : public ServerTest {
protected:
  static std::string watch_line(int id, const std::string& gate = "") {
    return R"({"v":1,"id":)" + std::to_string(id) + R"(,"command":"watch")" +
           (gate.empty() ? "" : R"(,"gate":")" + gate + "\"") + "}\n";
  }
  static std::string shown(int id, const std::string& status) {
    return R"({"v":1,"id":)" + std::to_string(id) + R"(,"ok":true,"more":true,"result":)" + status + "}";
  }
};

TEST_F(WatchTest, ShowsTheStatusAtOnceAndEachChange) {
  options.longest_watch_gap = 1h;
  options.least_watch_gap = 1ms;
  serve();
  result = "1";
  RawClient client(options.path);
  client.send(watch_line(3));
  ASSERT_TRUE(until_lines(client, 1));
  EXPECT_EQ(client.lines()[0], shown(3, "1"));
  result = "2";
  server->changed();
  ASSERT_TRUE(until_lines(client, 2));
  EXPECT_EQ(client.lines()[1], shown(3, "2"));
}

TEST_F(WatchTest, ShowsItAgainWithoutAChange) {
  options.longest_watch_gap = 5ms;
  serve();
  RawClient client(options.path);
  client.send(watch_line(3));
  ASSERT_TRUE(until_lines(client, 4));
}

TEST_F(WatchTest, ManyChangesAreOneLine) {
  options.longest_watch_gap = 1h;
  options.least_watch_gap = 50ms;
  serve();
  RawClient client(options.path);
  client.send(watch_line(3));
  ASSERT_TRUE(until_lines(client, 1));
  const auto begin = loop.now().mono;
  for (int change = 0; change < 1000; ++change) {
    server->changed();
    settle();
  }
  ASSERT_TRUE(until_lines(client, 2));
  const auto most = (loop.now().mono - begin) / options.least_watch_gap + 1;
  EXPECT_LE(static_cast<std::int64_t>(client.lines().size()) - 1, most);
}

TEST_F(WatchTest, AsksOnceForAllThatWatchTheSame) {
  options.longest_watch_gap = 1h;
  options.least_watch_gap = 1ms;
  serve();
  RawClient first(options.path);
  RawClient second(options.path);
  RawClient other(options.path);
  first.send(watch_line(1));
  second.send(watch_line(2));
  other.send(watch_line(3, "router"));
  ASSERT_TRUE(until([&] { return calls == 3; }));
  ASSERT_TRUE(until_lines(first, 1) && until_lines(second, 1) && until_lines(other, 1));
  server->changed();
  ASSERT_TRUE(until_lines(first, 2) && until_lines(second, 2) && until_lines(other, 2));
  EXPECT_EQ(calls, 5);
  EXPECT_EQ(second.lines()[1], shown(2, "{}"));
}

TEST_F(WatchTest, WhoDoesNotReadGetsTheNewestOnceItDoes) {
  options.longest_watch_gap = 1h;
  options.least_watch_gap = core::Duration(1);
  serve();
  const std::string filler(1024 * 1024, 'x');
  result = "\"0" + filler + "\"";
  RawClient client(options.path);
  client.send(watch_line(3));
  ASSERT_TRUE(until([&] { return calls == 1; }));
  for (int change = 1; change <= 20; ++change) {
    result = "\"" + std::to_string(change) + filler + "\"";
    server->changed();
    settle();
  }
  EXPECT_EQ(calls, 1) << "statuses were made for nobody";
  ASSERT_TRUE(until_lines(client, 1));
  server->changed();
  ASSERT_TRUE(until_lines(client, 2));
  EXPECT_EQ(client.lines()[1], shown(3, result));
}

TEST_F(WatchTest, ARefusedStatusEndsTheWatch) {
  serve();
  deferring = true;
  RawClient client(options.path);
  client.send(watch_line(3, "gone"));
  ASSERT_TRUE(until([&] { return asked.size() == 1; }));
  EXPECT_EQ(asked[0].request.command, Command::status);
  EXPECT_EQ(asked[0].request.gate, "gone");
  asked[0].reply.refuse("no gate is called 'gone'", Refusal::usage);
  ASSERT_TRUE(until_lines(client, 1));
  EXPECT_EQ(client.lines()[0],
            R"({"v":1,"id":3,"ok":false,"kind":"usage","error":"no gate is called 'gone'"})");
  server->changed();
  settle();
  EXPECT_EQ(asked.size(), 1U);
}

TEST_F(WatchTest, OneConnectionWatchesOnce) {
  options.longest_watch_gap = 1h;
  serve();
  RawClient client(options.path);
  client.send(watch_line(1) + watch_line(2));
  ASSERT_TRUE(until_lines(client, 2));
  EXPECT_EQ(client.lines()[1],
            R"({"v":1,"id":2,"ok":false,"kind":"usage","error":"this connection watches already"})");
}

TEST_F(WatchTest, AWatcherMayAskBesides) {
  options.longest_watch_gap = 1h;
  serve();
  RawClient client(options.path);
  client.send(watch_line(1) + status_line(2));
  ASSERT_TRUE(until_lines(client, 2));
  EXPECT_EQ(client.lines()[1], answer_line(2, "{}"));
}

TEST_F(WatchTest, ALateStatusAfterTheServersEndIsDropped) {
  options.longest_watch_gap = 1ms;
  serve();
  RawClient client(options.path);
  client.send(watch_line(1));
  ASSERT_TRUE(until_lines(client, 1));
  deferring = true;
  ASSERT_TRUE(until([&] { return asked.size() == 1; }));
  server.reset();
  asked[0].reply.ok("{}");
}

TEST_F(WatchTest, AWatcherThatLeavesIsForgotten) {
  options.longest_watch_gap = 1ms;
  serve();
  RawClient client(options.path);
  client.send(watch_line(1));
  ASSERT_TRUE(until_lines(client, 2));
  client.close();
  ASSERT_TRUE(until([&] { return server->connections() == 0; }));
  const int before = calls;
  settle();
  EXPECT_EQ(calls, before);
}

} // namespace
} // namespace healthgate::control
