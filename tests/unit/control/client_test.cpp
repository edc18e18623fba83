// The blocking client against a server on a thread of its own, and against what is no server.
#include "control/client.hpp"

#include "control/server.hpp"
#include "loop/io.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <fcntl.h>
#include <filesystem>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <thread>

namespace healthgate::control {
namespace {

using namespace std::chrono_literals;
using Kind = ClientError::Kind;

// Serves until destroyed; `handle` runs on its thread.
class ServerThread {
public:
  ServerThread(const ServerOptions& options, const Handler& handler)
      : stop_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), server_(loop_, options, handler),
        stopped_(loop_, stop_.get(), EPOLLIN, [this](std::uint32_t /*revents*/) { loop_.exit(0); }) {
    const auto listening = server_.listen();
    EXPECT_TRUE(listening) << listening.error();
    thread_ = std::thread([this] { loop_.run(); });
  }
  ServerThread(const ServerThread&) = delete;
  ServerThread& operator=(const ServerThread&) = delete;
  ~ServerThread() {
    EXPECT_EQ(::eventfd_write(stop_.get(), 1), 0);
    thread_.join();
  }

private:
  loop::EventLoop loop_;
  base::UniqueFd stop_;
  Server server_;
  loop::IoWatch stopped_;
  std::thread thread_;
};

class ClientTest : public testing::Test {
protected:
  ClientTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "hg-control-XXXXXX";
    directory = ::mkdtemp(pattern.data());
    options.path = directory / "control.sock";
    options.longest_watch_gap = 2ms;
  }
  ~ClientTest() override { std::filesystem::remove_all(directory); }

  [[nodiscard]] ClientError connect_error() const {
    const auto client = Client::connect(options.path, 30ms);
    EXPECT_FALSE(client.ok());
    return client.ok() ? ClientError{} : client.error();
  }
  [[nodiscard]] Client connect() const {
    auto client = Client::connect(options.path, 5s);
    EXPECT_TRUE(client.ok()) << (client.ok() ? "" : client.error().sentence);
    return std::move(client).value();
  }
  // A socket that listens and whose other end the test plays itself.
  void play_server() {
    listener.reset(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(options.path.native().begin(), options.path.native().end(), address.sun_path);
    ASSERT_EQ(::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
    ASSERT_EQ(::listen(listener.get(), 0), 0);
  }
  [[nodiscard]] base::UniqueFd accept() const {
    return base::UniqueFd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  }
  static void write(const base::UniqueFd& fd, std::string_view text) {
    EXPECT_EQ(::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }

  std::filesystem::path directory;
  ServerOptions options;
  base::UniqueFd listener;
};

Handler answering(const std::string& result) {
  return {
      [result](const Request& /*request*/, const Peer& /*peer*/, const Reply& reply) { reply.ok(result); },
      nullptr};
}

TEST_F(ClientTest, AsksAndIsAnswered) {
  const ServerThread server(options, answering("{\"answer\":42}"));
  auto client = connect();
  for (std::uint64_t id = 1; id <= 3; ++id) {
    const auto response = client.ask({}, 5s);
    ASSERT_TRUE(response) << response.error().sentence;
    EXPECT_TRUE(response.value().ok);
    EXPECT_EQ(response.value().id, id);
    EXPECT_EQ(response.value().result, "{\"answer\":42}");
  }
}

TEST_F(ClientTest, GetsALongAnswerWhole) {
  const auto text = "\"" + std::string(8UL * 1024 * 1024, 'x') + "\"";
  const ServerThread server(options, answering(text));
  const auto response = connect().ask({}, 20s);
  ASSERT_TRUE(response) << response.error().sentence;
  EXPECT_EQ(response.value().result.size(), text.size());
}

TEST_F(ClientTest, GetsARefusalWithItsKind) {
  Handler handler;
  handler.handle = [](const Request& request, const Peer& /*peer*/, const Reply& reply) {
    reply.refuse("no gate is called '" + request.gate + "'", Refusal::usage);
  };
  const ServerThread server(options, handler);
  Request request;
  request.gate = "ruter";
  const auto response = connect().ask(request, 5s);
  ASSERT_TRUE(response) << response.error().sentence;
  EXPECT_FALSE(response.value().ok);
  EXPECT_EQ(response.value().kind, Refusal::usage);
  EXPECT_EQ(response.value().error, "no gate is called 'ruter'");
}

TEST_F(ClientTest, FollowsAWatch) {
  const ServerThread server(options, answering("{}"));
  auto client = connect();
  Request watch;
  watch.command = Command::watch;
  ASSERT_TRUE(client.ask(watch, 5s));
  for (int line = 0; line < 5; ++line) {
    const auto response = client.next(5s);
    ASSERT_TRUE(response) << response.error().sentence;
    EXPECT_TRUE(response.value().more);
  }
}

TEST_F(ClientTest, PassesOverALateLineOfAnotherRequest) {
  play_server();
  auto client = connect();
  const auto other_end = accept();
  write(other_end,
        "{\"v\":1,\"id\":99,\"ok\":true,\"result\":1}\n{\"v\":1,\"id\":1,\"ok\":true,\"result\":2}\n");
  const auto response = client.ask({}, 5s);
  ASSERT_TRUE(response) << response.error().sentence;
  EXPECT_EQ(response.value().result, "2");
}

TEST_F(ClientTest, ReceivesDescriptorsUnderTheirNames) {
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const base::UniqueFd from(ends[0]);
  base::UniqueFd to(ends[1]);
  Handler handler;
  handler.handle = [&to](const Request& request, const Peer& /*peer*/, const Reply& reply) {
    if (request.command != Command::takeover) {
      reply.ok("{}");
      return;
    }
    std::vector<loop::NamedFd> descriptors;
    for (int i = 0; i < 253; ++i) {
      descriptors.push_back({"listener:" + std::to_string(i), base::UniqueFd(::dup(to.get()))});
    }
    reply.hand_over("{\"state\":1}", std::move(descriptors));
  };
  const ServerThread server(options, handler);
  auto client = connect();
  ASSERT_TRUE(client.ask({}, 5s));
  EXPECT_TRUE(client.take_descriptors().empty());
  Request request;
  request.command = Command::takeover;
  request.step = "begin";
  const auto response = client.ask(request, 5s);
  ASSERT_TRUE(response) << response.error().sentence;
  ASSERT_TRUE(response.value().ok) << response.value().error;
  EXPECT_EQ(response.value().result, "{\"state\":1}");
  const auto received = client.take_descriptors();
  ASSERT_EQ(received.size(), 253U);
  EXPECT_EQ(received[0].name, "listener:0");
  EXPECT_EQ(received[252].name, "listener:252");
  struct stat mine {};
  struct stat theirs {};
  ASSERT_EQ(::fstat(to.get(), &mine), 0);
  ASSERT_EQ(::fstat(received[252].fd.get(), &theirs), 0);
  EXPECT_EQ(mine.st_ino, theirs.st_ino);
  EXPECT_EQ(::fcntl(received[0].fd.get(), F_GETFD), FD_CLOEXEC);
  EXPECT_TRUE(client.take_descriptors().empty());
}

TEST_F(ClientTest, IsRefusedMoreDescriptorsThanTheKernelPasses) {
  Handler handler;
  handler.handle = [](const Request& /*request*/, const Peer& /*peer*/, const Reply& reply) {
    std::vector<loop::NamedFd> descriptors;
    for (int i = 0; i < 254; ++i) {
      descriptors.push_back({"x", base::UniqueFd(::eventfd(0, EFD_CLOEXEC))});
    }
    reply.hand_over("{}", std::move(descriptors));
  };
  const ServerThread server(options, handler);
  const auto response = connect().ask({}, 5s);
  ASSERT_TRUE(response) << response.error().sentence;
  EXPECT_EQ(response.value().error, "at most 253 descriptors can be handed over, not 254");
}

TEST_F(ClientTest, SaysThatNothingIsThere) {
  const auto error = connect_error();
  EXPECT_EQ(error.kind, Kind::missing);
  EXPECT_EQ(error.sentence, "no healthgate daemon answers at " + options.path.string() +
                                ": No such file or directory; is it running? `systemctl status healthgate`");
}

TEST_F(ClientTest, SaysThatNobodyListens) {
  play_server();
  listener.reset();
  const auto error = connect_error();
  EXPECT_EQ(error.kind, Kind::refused);
  EXPECT_EQ(error.sentence, "no healthgate daemon answers at " + options.path.string() +
                                ": Connection refused; is it running? `systemctl status healthgate`");
}

TEST_F(ClientTest, SaysThatAStuckDaemonDoesNotAccept) {
  play_server();
  const auto first = Client::connect(options.path, 0ms); // fills the backlog of one
  ASSERT_TRUE(first);
  const auto error = connect_error();
  EXPECT_EQ(error.kind, Kind::timeout);
  EXPECT_EQ(error.sentence, "the daemon at " + options.path.string() +
                                " did not accept a connection within 30 ms; it may be stuck");
}

TEST_F(ClientTest, SaysThatAStuckDaemonDoesNotAnswer) {
  play_server();
  auto client = connect();
  const auto response = client.ask({}, 20ms);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, Kind::timeout);
  EXPECT_EQ(response.error().sentence,
            "the daemon at " + options.path.string() +
                " did not answer within 20 ms; it may be stuck: `journalctl -u healthgate`");
}

TEST_F(ClientTest, ItsDeadlineHoldsThoughOtherLinesCome) {
  const ServerThread server(options, answering("{}"));
  auto client = connect();
  Request watch;
  watch.command = Command::watch;
  ASSERT_TRUE(client.ask(watch, 5s));
  const auto begin = std::chrono::steady_clock::now();
  while (client.next(1s) && std::chrono::steady_clock::now() - begin < 50ms) {
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1s);
}

TEST_F(ClientTest, SaysThatTheDaemonHasGone) {
  play_server();
  auto client = connect();
  accept().reset();
  const auto response = client.ask({}, 5s);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, Kind::closed);
  EXPECT_EQ(response.error().sentence,
            "the daemon at " + options.path.string() + " closed the connection without an answer");
}

TEST_F(ClientTest, HearsTheLastWordOfADaemonThatClosed) {
  play_server();
  auto client = connect();
  {
    const auto other_end = accept();
    write(other_end, "{\"v\":1,\"id\":0,\"ok\":false,\"error\":\"the daemon has 32 clients already\"}\n");
  }
  const auto response = client.ask({}, 5s);
  ASSERT_TRUE(response) << response.error().sentence;
  EXPECT_EQ(response.value().error, "the daemon has 32 clients already");
}

TEST_F(ClientTest, SaysThatSomethingElseAnswers) {
  play_server();
  auto client = connect();
  write(accept(), "220 mail ready\n");
  const auto response = client.ask({}, 5s);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, Kind::protocol);
  EXPECT_EQ(response.error().sentence,
            options.path.string() + ": what answers there does not speak healthgate's control protocol");
}

} // namespace
} // namespace healthgate::control
