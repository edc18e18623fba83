// One client of the control socket: its bytes in and out. For server.cpp alone.
//
// The loop calls a turn when the socket is ready. A turn sends what waits and then takes at most one request,
// so that a thousand pipelined ones hold the loop no longer than one. While output waits, or `unanswered`
// requests do, nothing more is read: a client that does not read slows down itself.
//
//   open      requests are taken
//   draining  the client has shut its side, or broke the protocol: answers still go out, then it ends
//   ended     the server has been told to forget it
#pragma once

#include "base/unique_fd.hpp"
#include "control/peer.hpp"
#include "control/reply.hpp"
#include "loop/io.hpp"

#include <cstddef>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace healthgate::control {

class Connection : public std::enable_shared_from_this<Connection> {
public:
  struct Limits {
    std::size_t unanswered = 0;
    std::size_t output_bytes = 0;
  };
  // What it needs of its server.
  struct Owner {
    std::function<void(Connection&, const Request&)> take; // a request that can be read
    std::function<void(Connection&)> ended;                // may let go of the last reference
  };
  struct Watch {
    std::uint64_t id = 0; // of the request, and so of each line
    std::string gate;
  };

  // Call start() once a shared_ptr owns it. `fd` does not block.
  Connection(base::UniqueFd fd, Peer peer, Limits limits, Owner owner);
  void start(loop::EventLoop& loop); // throws std::system_error

  [[nodiscard]] const Peer& peer() const { return peer_; }
  // A reply to request `id`, counted until it is given.
  [[nodiscard]] Reply reply_to(std::uint64_t id);
  void send(const Response& response, std::vector<loop::NamedFd> descriptors = {});
  // Ends it in one of the next turns, without what still waits.
  void abandon();

  [[nodiscard]] bool idle() const { return unanswered_ == 0 && !watch && output_.empty(); }
  [[nodiscard]] bool has_output() const { return !output_.empty(); }
  // When it last took a request or sent something.
  [[nodiscard]] core::TimePoint active() const { return active_; }

  std::optional<Watch> watch;
  bool successor = false; // it began a takeover

private:
  struct Output {
    std::string text;
    std::vector<base::UniqueFd> descriptors; // go with the first byte
    std::size_t sent = 0;
  };

  void turn(std::uint32_t revents);
  void send_waiting();
  bool send_front();
  void receive();
  void take_one();
  void take_line(const std::string& line);
  void refuse(std::uint64_t id, Refusal kind, std::string sentence);
  void answer(std::uint64_t id, Answer answer);
  [[nodiscard]] bool has_line() const;
  [[nodiscard]] bool may_take() const;
  [[nodiscard]] bool finished() const;
  void update_events();

  base::UniqueFd fd_;
  Peer peer_;
  Limits limits_;
  Owner owner_;
  const loop::EventLoop* loop_ = nullptr; // for the time
  loop::IoWatch io_;
  std::string input_;
  std::deque<Output> output_;
  std::size_t output_bytes_ = 0; // of all in output_, sent or not
  std::size_t unanswered_ = 0;
  core::TimePoint active_{};
  bool end_of_input_ = false;
  bool deaf_ = false; // nothing that is sent arrives any more
  bool doomed_ = false;
};

} // namespace healthgate::control
