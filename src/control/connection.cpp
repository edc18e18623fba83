#include "control/connection.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <utility>

namespace healthgate::control {
namespace {

constexpr std::size_t most_descriptors = 253; // SCM_MAX_FD of the kernel

// As send(2), with descriptors beside the bytes.
ssize_t send_with(int socket, const char* bytes, std::size_t size, const std::vector<base::UniqueFd>& extra) {
  std::array<int, most_descriptors> numbers{};
  std::transform(extra.begin(), extra.end(), numbers.begin(), [](const auto& fd) { return fd.get(); });
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(numbers))> control{};
  iovec data{const_cast<char*>(bytes), size}; // sendmsg(2) does not write to it
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  if (!extra.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(extra.size() * sizeof(int));
    auto* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(extra.size() * sizeof(int));
    std::memcpy(CMSG_DATA(header), numbers.data(), extra.size() * sizeof(int));
  }
  return ::sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

} // namespace

Connection::Connection(base::UniqueFd fd, Peer peer, Limits limits, Owner owner)
    : fd_(std::move(fd)), peer_(peer), limits_(limits), owner_(std::move(owner)) {}

void Connection::start(loop::EventLoop& loop) {
  loop_ = &loop;
  active_ = loop.now().mono;
  io_ = loop::IoWatch(
      loop, fd_.get(), EPOLLIN, [this](std::uint32_t revents) { turn(revents); }, loop::Priority::serving);
}

void Connection::turn(std::uint32_t revents) {
  const auto alive = shared_from_this(); // the end of this turn may be the end of us
  // The client has closed, not only shut its side: what it asked for is still done, answers are dropped.
  deaf_ = deaf_ || (revents & (EPOLLHUP | EPOLLERR)) != 0;
  send_waiting();
  if (may_take()) {
    take_one();
  }
  if (finished()) {
    io_ = loop::IoWatch();
    owner_.ended(*this);
    return;
  }
  update_events();
}

void Connection::send_waiting() {
  while (!output_.empty() && !deaf_ && send_front()) {
  }
  if (deaf_) {
    output_.clear();
    output_bytes_ = 0;
  }
}

// False when the client has to read first, or is gone.
bool Connection::send_front() {
  auto& front = output_.front();
  const auto sent =
      send_with(fd_.get(), front.text.data() + front.sent, front.text.size() - front.sent, front.descriptors);
  if (sent < 0) {
    deaf_ = errno != EAGAIN && errno != EINTR;
    return false;
  }
  active_ = loop_->now().mono;
  front.descriptors.clear();
  front.sent += static_cast<std::size_t>(sent);
  if (front.sent == front.text.size()) {
    output_bytes_ -= front.text.size();
    output_.pop_front();
  }
  return true;
}

void Connection::receive() {
  const auto before = input_.size();
  input_.resize(request_limit_bytes + 1); // a line of the greatest length, and its end
  // recv(2), not recvmsg(2): descriptors that a client sends along are closed by the kernel.
  const auto size = ::recv(fd_.get(), input_.data() + before, input_.size() - before, MSG_DONTWAIT);
  const int error = size < 0 ? errno : 0;
  input_.resize(before + static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  if (size == 0 || (error != 0 && error != EAGAIN && error != EINTR)) {
    end_of_input_ = true;
  }
}

void Connection::take_one() {
  if (!has_line() && !end_of_input_) {
    receive();
  }
  if (has_line()) {
    const auto end = input_.find('\n');
    const auto line = input_.substr(0, end);
    input_.erase(0, end + 1);
    active_ = loop_->now().mono;
    take_line(line);
  } else if (input_.size() > request_limit_bytes) {
    refuse(0, Refusal::usage,
           "a request has at most " + std::to_string(request_limit_bytes) + " bytes; the connection ends");
    input_.clear();
    end_of_input_ = true;
  } else if (end_of_input_ && !input_.empty()) {
    refuse(0, Refusal::usage, "the last request has no line end");
    input_.clear();
  }
}

void Connection::take_line(const std::string& line) {
  const auto request = parse_request(line);
  if (!request) {
    refuse(request.error().id, Refusal::usage, request.error().sentence);
    return;
  }
  owner_.take(*this, request.value());
}

void Connection::refuse(std::uint64_t id, Refusal kind, std::string sentence) {
  Response response;
  response.id = id;
  response.kind = kind;
  response.error = std::move(sentence);
  send(response);
}

Reply Connection::reply_to(std::uint64_t id) {
  ++unanswered_;
  return Reply(weak_from_this(), [this, id](Answer given) {
    --unanswered_;
    answer(id, std::move(given));
  });
}

void Connection::answer(std::uint64_t id, Answer given) {
  if (!given.ok) {
    refuse(id, given.kind, std::move(given.error));
    return;
  }
  if (given.descriptors.size() > most_descriptors) {
    refuse(id, Refusal::failed,
           "at most " + std::to_string(most_descriptors) + " descriptors can be handed over, not " +
               std::to_string(given.descriptors.size()));
    return;
  }
  Response response;
  response.id = id;
  response.ok = true;
  response.result = std::move(given.result);
  send(response, std::move(given.descriptors));
}

void Connection::send(const Response& response, std::vector<loop::NamedFd> descriptors) {
  if (doomed_) {
    return;
  }
  Output output;
  auto named = response;
  for (auto& descriptor : descriptors) {
    named.descriptors.push_back(std::move(descriptor.name));
    output.descriptors.push_back(std::move(descriptor.fd));
  }
  output.text = to_line(named);
  if (output_bytes_ + output.text.size() > limits_.output_bytes) {
    abandon();
    return;
  }
  output_bytes_ += output.text.size();
  active_ = output_.empty() ? loop_->now().mono : active_;
  output_.push_back(std::move(output));
  update_events();
}

void Connection::abandon() {
  doomed_ = true;
  output_.clear();
  output_bytes_ = 0;
  // The loop then sees the hang-up, and ends it in a turn of its own: nothing here is called from within
  // itself.
  (void)::shutdown(fd_.get(), SHUT_RDWR); // fails only when the client has gone, which is a hang-up too
}

bool Connection::has_line() const {
  return input_.find('\n') != std::string::npos;
}

bool Connection::may_take() const {
  return !doomed_ && output_.empty() && (unanswered_ < limits_.unanswered || deaf_);
}

bool Connection::finished() const {
  if (doomed_) {
    return true;
  }
  return end_of_input_ && input_.empty() && output_.empty() && (deaf_ || unanswered_ == 0) &&
         (deaf_ || !watch);
}

void Connection::update_events() {
  if (!io_.valid()) {
    return;
  }
  std::uint32_t events = 0;
  // A request that waits here already needs no input but a turn: writability gives it one.
  const bool ready = may_take() && (has_line() || (end_of_input_ && !input_.empty()));
  if (!output_.empty() || ready) {
    events |= EPOLLOUT;
  }
  if (may_take() && !ready && !end_of_input_) {
    events |= EPOLLIN;
  }
  io_.set_events(events);
}

} // namespace healthgate::control
