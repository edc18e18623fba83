// The server with its thread, on loopback.
#include "observe/http_server.hpp"

#include "observe/listen_socket.hpp"
#include "support/canned_snapshots.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <vector>

namespace healthgate::observe {
namespace {

using namespace std::chrono_literals;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

class HttpServerTest : public testing::Test {
protected:
  HttpServerTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "hg-http-XXXXXX";
    directory = ::mkdtemp(pattern.data());
    const auto snapshot = std::make_shared<const core::Snapshot>(tests::canned_snapshots().at("open"));
    options.source.snapshot = [snapshot] { return snapshot; };
    options.source.stalled_for = [] { return core::Duration{}; };
    options.source.process = [] { return ProcessStats{}; };
    options.report = [this](const std::string& problem) {
      const std::scoped_lock lock(mutex);
      reports.push_back(problem);
      reported.notify_all();
    };
  }
  ~HttpServerTest() override { std::filesystem::remove_all(directory); }

  // Serves on a free port of loopback; returns once files are read.
  void serve(HttpServer& server, HttpAccess access = {}) {
    auto listener = listen_socket("127.0.0.1", 0);
    ASSERT_TRUE(listener);
    sockaddr_in bound{};
    socklen_t size = sizeof bound;
    ASSERT_EQ(::getsockname(listener.value().get(), reinterpret_cast<sockaddr*>(&bound), &size), 0);
    address = bound;
    server.serve(std::move(listener).value(), std::move(access));
    wait_for_report(1);
  }

  std::string wait_for_report(std::size_t count) {
    std::unique_lock lock(mutex);
    EXPECT_TRUE(reported.wait_for(lock, 5s, [&] { return reports.size() >= count; }));
    return reports.back();
  }

  [[nodiscard]] base::UniqueFd connect() const {
    base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    const timeval limit{5, 0};
    (void)::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    return fd;
  }

  static void send(const base::UniqueFd& fd, std::string_view text) {
    (void)::send(fd.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }

  // Until the server closes.
  static std::string rest(const base::UniqueFd& fd) {
    std::string all;
    char bytes[4096];
    for (ssize_t size = 1; (size = ::recv(fd.get(), bytes, sizeof bytes, 0)) > 0;) {
      all.append(bytes, static_cast<std::size_t>(size));
    }
    return all;
  }

  [[nodiscard]] std::string ask(const std::string& request) const {
    const auto fd = connect();
    send(fd, request);
    return rest(fd);
  }

  [[nodiscard]] std::string get(const std::string& path, const std::string& headers = "") const {
    return ask("GET " + path + " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n" + headers + "\r\n");
  }

  [[nodiscard]] HttpAccess with_token(const std::string& content) const {
    HttpAccess access;
    access.token_file = directory / "token";
    std::ofstream(access.token_file) << content;
    return access;
  }

  std::filesystem::path directory;
  sockaddr_in address{};
  HttpServerOptions options;
  std::mutex mutex;
  std::condition_variable reported;
  std::vector<std::string> reports;
};

TEST_F(HttpServerTest, AnswersOverHttp) {
  HttpServer server(options);
  serve(server);
  const auto reply = get("/metrics");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(reply, HasSubstr("Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  EXPECT_THAT(reply, HasSubstr("Cache-Control: no-store\r\n"));
  EXPECT_THAT(reply, HasSubstr("healthgate_gate_open{gate=\"router\"} 1\n"));
}

TEST_F(HttpServerTest, AHeadHasTheLengthAndNoBody) {
  HttpServer server(options);
  serve(server);
  const auto reply = ask("HEAD /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(reply, HasSubstr("Content-Length: 3\r\n"));
  EXPECT_THAT(reply, EndsWith("\r\n\r\n"));
}

TEST_F(HttpServerTest, AConnectionServesSeveralRequests) {
  HttpServer server(options);
  serve(server);
  const auto fd = connect();
  send(fd, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /readyz HTTP/1.1\r\nHost: x\r\n\r\n"
           "GET /nothing HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto replies = rest(fd);
  EXPECT_THAT(replies, HasSubstr("ok\nHTTP/1.1 200"));
  EXPECT_THAT(replies, HasSubstr("HTTP/1.1 404"));
}

TEST_F(HttpServerTest, ABodyIsNotRead) {
  HttpServer server(options);
  serve(server);
  const auto reply = ask("POST /status HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\nabc");
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 405"));
  EXPECT_THAT(reply, HasSubstr("Allow: GET, HEAD\r\n"));
}

TEST_F(HttpServerTest, GarbageEndsItsOwnConnectionOnly) {
  options.idle_limit = 1s;
  HttpServer server(options);
  serve(server);
  for (const std::string& garbage :
       {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 what TLS begins with\r\n\r\n"),
        std::string("GET\r\n\r\n"), "GET /" + std::string(100000, 'a') + " HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1\r\nX: " + std::string(100000, 'b') + "\r\n\r\n",
        std::string(3000, '\0') + "\r\n\r\n"}) {
    EXPECT_THAT(ask(garbage), testing::Not(HasSubstr(" 200 ")));
  }
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, IdleClientsBeyondTheBoundMakeWay) {
  options.limits = {8, 8};
  HttpServer server(options);
  serve(server);
  std::vector<base::UniqueFd> idle;
  for (int count = 0; count < 100; ++count) {
    idle.push_back(connect());
    send(idle.back(), "GET /livez HT");
  }
  EXPECT_THAT(get("/livez"), StartsWith("HTTP/1.1 200"));
  EXPECT_EQ(rest(idle.front()), "") << "the first was closed without an answer";
}

TEST_F(HttpServerTest, ASlowClientIsClosed) {
  options.idle_limit = 1s;
  HttpServer server(options);
  serve(server);
  const auto fd = connect();
  send(fd, "GET /livez HTTP/1.1\r\n");
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_THAT(rest(fd), testing::Not(HasSubstr(" 200 ")));
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 4s);
}

TEST_F(HttpServerTest, WithoutDescriptorsTheOldestMakesRoom) {
  HttpServer server(options);
  serve(server);
  const auto old = connect();
  send(old, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\n");
  char byte = 0;
  ASSERT_EQ(::recv(old.get(), &byte, 1, 0), 1) << "it is accepted for sure";
  const base::UniqueFd late(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{static_cast<rlim_t>(late.get()), before.rlim_max}; // all numbers below are taken
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  EXPECT_EQ(::connect(late.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  send(late, "GET /livez HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
  const auto reply = rest(late);
  EXPECT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(reply, StartsWith("HTTP/1.1 200"));
  EXPECT_THAT(rest(old), EndsWith("ok\n"));
}

TEST_F(HttpServerTest, ATokenIsAskedFor) {
  HttpServer server(options);
  serve(server, with_token("s3cret\n"));
  const auto refused = get("/metrics");
  EXPECT_THAT(refused, StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(refused, HasSubstr("WWW-Authenticate: Bearer"));
  EXPECT_THAT(refused, HasSubstr("WWW-Authenticate: Basic"));
  EXPECT_THAT(get("/metrics", "Authorization: Bearer s3cret\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, AnotherTokenHoldsFromTheNextServeOn) {
  HttpServer server(options);
  serve(server, with_token("old\n"));
  server.serve({}, with_token("new\n"));
  EXPECT_EQ(wait_for_report(2), "");
  EXPECT_THAT(get("/metrics", "Authorization: Bearer old\r\n"), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(get("/metrics", "Authorization: Bearer new\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, AnotherTokenEndsNoConnection) {
  HttpServer server(options);
  serve(server, with_token("old\n"));
  const auto fd = connect();
  send(fd, "GET /status HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer old\r\n\r\nGET /status HTTP/1.1\r\n");
  char first = 0;
  ASSERT_EQ(::recv(fd.get(), &first, 1, 0), 1); // so the first is answered, and the second has begun
  server.serve({}, with_token("new\n"));
  wait_for_report(2);
  send(fd, "Host: x\r\nConnection: close\r\nAuthorization: Bearer new\r\n\r\n");
  const auto replies = rest(fd);
  EXPECT_THAT(replies, StartsWith("TTP/1.1 200"));
  EXPECT_THAT(replies, HasSubstr("}\nHTTP/1.1 200"));
}

TEST_F(HttpServerTest, ATokenThatGoesMissingLeavesTheOldOneInForce) {
  HttpServer server(options);
  auto access = with_token("s3cret\n");
  serve(server, access);
  std::filesystem::remove(access.token_file);
  server.serve({}, access);
  EXPECT_THAT(wait_for_report(2), HasSubstr("No such file"));
  EXPECT_THAT(get("/metrics"), StartsWith("HTTP/1.1 401"));
  EXPECT_THAT(get("/metrics", "Authorization: Bearer s3cret\r\n"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, ATokenThatCannotBeReadLetsNobodyInWithoutOne) {
  HttpServer server(options);
  serve(server);
  ASSERT_THAT(get("/livez"), StartsWith("HTTP/1.1 200"));
  HttpAccess access;
  access.token_file = directory / "missing";
  server.serve({}, access);
  EXPECT_THAT(wait_for_report(2),
              StartsWith("metrics-token-file " + access.token_file.string() + ": No such"));
  const auto fd = connect(); // the kernel's queue takes it, nobody answers
  send(fd, "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n");
  server.stop_serving();
  EXPECT_EQ(rest(fd), "");
}

TEST_F(HttpServerTest, AnEmptyTokenIsNoToken) {
  HttpServer server(options);
  auto listener = listen_socket("127.0.0.1", 0);
  server.serve(std::move(listener).value(), with_token(" \nsecond\n"));
  EXPECT_THAT(wait_for_report(1), HasSubstr("its first line is empty; it must hold the token"));
}

TEST_F(HttpServerTest, WhatIsNoCertificateIsRefusedWithASentence) {
  HttpAccess access;
  access.cert = directory / "cert";
  access.key = directory / "key";
  std::ofstream(access.cert) << "no PEM\n";
  std::ofstream(access.key) << "neither\n";
  HttpServer server(options);
  auto listener = listen_socket("127.0.0.1", 0);
  server.serve(std::move(listener).value(), access);
  EXPECT_THAT(wait_for_report(1), HasSubstr("must be PEM, and belong together"));
}

TEST_F(HttpServerTest, AfterStopNobodyListens) {
  HttpServer server(options);
  serve(server);
  const auto open = connect();
  server.stop_serving();
  EXPECT_EQ(rest(open), "") << "returns when the thread has closed it";
  const base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), -1);
}

} // namespace
} // namespace healthgate::observe
