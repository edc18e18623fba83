// A server on a socket of its own, a handler that notes what it is asked, and raw clients of it.
#pragma once

#include "control/server.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <sys/socket.h>
#include <sys/un.h>
#include <utility>
#include <vector>

namespace healthgate::control {

// Bytes to and from the socket, without any knowledge of the protocol. Never blocks.
class RawClient {
public:
  explicit RawClient(const std::filesystem::path& path)
      : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::copy(path.native().begin(), path.native().end(), address.sun_path);
    error_ =
        ::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0 ? 0 : errno;
  }

  [[nodiscard]] int connect_error() const { return error_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  // Bytes that the socket took.
  std::size_t send(std::string_view bytes) const {
    const auto sent = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    return sent < 0 ? 0 : static_cast<std::size_t>(sent);
  }
  void shut() const { EXPECT_EQ(::shutdown(fd_.get(), SHUT_WR), 0); }
  void close() { fd_.reset(); }

  // The lines that have come so far, all of them since the beginning.
  const std::vector<std::string>& lines() {
    for (char buffer[65536]; !ended_;) {
      const auto size = ::recv(fd_.get(), buffer, sizeof(buffer), MSG_DONTWAIT);
      if (size <= 0) {
        ended_ = size == 0 || (errno != EAGAIN && errno != EINTR);
        break;
      }
      partial_.append(buffer, static_cast<std::size_t>(size));
    }
    for (auto end = partial_.find('\n'); end != std::string::npos; end = partial_.find('\n')) {
      lines_.push_back(partial_.substr(0, end));
      partial_.erase(0, end + 1);
    }
    return lines_;
  }
  bool ended() {
    (void)lines();
    return ended_;
  }

private:
  base::UniqueFd fd_;
  int error_ = 0;
  bool ended_ = false;
  std::string partial_;
  std::vector<std::string> lines_;
};

class ServerTest : public testing::Test {
protected:
  struct Asked {
    Request request;
    Peer peer;
    Reply reply;
  };

  ServerTest() {
    std::string pattern = std::filesystem::temp_directory_path() / "hg-control-XXXXXX";
    directory = ::mkdtemp(pattern.data());
    options.path = directory / "control.sock";
    options.group = "no-such-group";
    handler.handle = [this](const Request& request, const Peer& peer, const Reply& reply) {
      ++calls;
      if (!deferring) {
        reply.ok(result);
      } else {
        asked.push_back({request, peer, reply});
      }
    };
  }
  ~ServerTest() override {
    server.reset();
    std::filesystem::remove_all(directory);
  }

  void serve() {
    server = std::make_unique<Server>(loop, options, handler);
    const auto listening = server->listen();
    ASSERT_TRUE(listening) << listening.error();
  }

  // Runs the loop until `holds`; false after some seconds, which only a broken server needs.
  bool until(const std::function<bool()>& holds) {
    const auto end = loop.now().mono + std::chrono::seconds(5);
    while (!holds()) {
      if (loop.now().mono > end) {
        return false;
      }
      (void)loop.run_once(
          std::chrono::milliseconds(20)); // a client's state may change without an event of ours
    }
    return true;
  }
  // Handles all that is ready now.
  void settle() {
    while (loop.run_once(core::Duration::zero())) {
    }
  }
  bool until_lines(RawClient& client, std::size_t count) {
    return until([&] { return client.lines().size() >= count; });
  }

  static std::string status_line(int id) {
    return R"({"v":1,"id":)" + std::to_string(id) + R"(,"command":"status"})" + "\n";
  }
  static std::string answer_line(int id, const std::string& result) {
    return R"({"v":1,"id":)" + std::to_string(id) + R"(,"ok":true,"result":)" + result + "}";
  }

  std::filesystem::path directory;
  loop::EventLoop loop;
  ServerOptions options;
  Handler handler;
  std::unique_ptr<Server> server;
  std::string result = "{}"; // what the handler answers
  bool deferring = false;    // then it only notes
  std::vector<Asked> asked;
  int calls = 0;
};

} // namespace healthgate::control
