#include "control/client.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <system_error>

namespace healthgate::control {
namespace {

using Kind = ClientError::Kind;
using Clock = std::chrono::steady_clock;

constexpr std::size_t answer_limit_bytes = 64UL * 1024 * 1024; // a daemon sends at most 16 MiB at once
constexpr std::size_t most_descriptors = 253;                  // SCM_MAX_FD of the kernel

std::string text_of(int error) {
  return std::generic_category().message(error);
}

std::string seconds_text(std::chrono::milliseconds duration) {
  return duration.count() % 1000 == 0 ? std::to_string(duration.count() / 1000) + " s"
                                      : std::to_string(duration.count()) + " ms";
}

ClientError connect_error(const std::filesystem::path& path, int error) {
  const auto nobody = "no healthgate daemon answers at " + path.string() + ": " + text_of(error) +
                      "; is it running? `systemctl status healthgate`";
  switch (error) {
  case ENOENT:
  case ENOTDIR:
    return {Kind::missing, error, nobody};
  case ECONNREFUSED:
    return {Kind::refused, error, nobody};
  case EACCES:
  case EPERM:
    return {Kind::denied, error,
            "no permission to use " + path.string() +
                "; root and the group healthgate may, everybody may read with `status-public = yes`"};
  case EPROTOTYPE:
    return {Kind::refused, error, path.string() + " is another program's socket: " + text_of(error)};
  default:
    return {Kind::failed, error, "cannot connect to " + path.string() + ": " + text_of(error)};
  }
}

// False when `deadline` passed first.
bool wait_for(int fd, short events, Clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 1'000'000)));
    if (ready > 0) {
      return true;
    }
    if (ready == 0 && Clock::now() >= deadline) {
      return false;
    }
  }
}

// Takes the descriptors out of a received message. False when some got lost.
bool take_rights(msghdr& message, std::vector<base::UniqueFd>& into) {
  for (auto* header = CMSG_FIRSTHDR(&message); header != nullptr; header = CMSG_NXTHDR(&message, header)) {
    if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
      const std::size_t count = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      std::array<int, most_descriptors> numbers{};
      std::memcpy(numbers.data(), CMSG_DATA(header), count * sizeof(int));
      std::for_each_n(numbers.begin(), count, [&](int fd) { into.emplace_back(fd); });
    }
  }
  return (message.msg_flags & MSG_CTRUNC) == 0;
}

} // namespace

Outcome<Client> Client::connect(const std::filesystem::path& path, Duration longest) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.native().size() >= sizeof(address.sun_path)) {
    return base::Failure{connect_error(path, ENAMETOOLONG)};
  }
  std::copy(path.native().begin(), path.native().end(), std::begin(address.sun_path));
  const auto deadline = Clock::now() + longest;
  for (;;) {
    base::UniqueFd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
      return Client(path, std::move(fd));
    }
    if (errno != EAGAIN && errno != EINTR) {
      return base::Failure{connect_error(path, errno)};
    }
    // The daemon's backlog is full, and unlike TCP nothing tells when it no longer is: look again.
    if (Clock::now() >= deadline) {
      return base::Failure{ClientError{Kind::timeout, EAGAIN,
                                       "the daemon at " + path.string() +
                                           " did not accept a connection within " + seconds_text(longest) +
                                           "; it may be stuck"}};
    }
    (void)::poll(nullptr, 0, 20);
  }
}

Outcome<Response> Client::ask(Request request, Duration longest) {
  const auto deadline = Clock::now() + longest;
  request.id = ++last_id_;
  const auto unsent = send(to_line(request), deadline, longest);
  if (unsent && unsent->kind != Kind::closed) {
    return base::Failure{*unsent};
  }
  // A daemon that has closed may have said why before.
  for (;;) {
    const auto left = std::chrono::ceil<Duration>(deadline - Clock::now());
    auto response = next(std::max(left, Duration(1)));
    if (!response && response.error().kind == Kind::timeout) {
      return base::Failure{too_late(longest)};
    }
    // Id 0: it could not read which request it refuses.
    if (!response || response.value().id == request.id || response.value().id == 0) {
      return response;
    }
  }
}

Outcome<Response> Client::next(Duration longest) {
  const auto deadline = Clock::now() + longest;
  for (;;) {
    if (const auto end = input_.find('\n', searched_); end != std::string::npos) {
      const auto line = input_.substr(0, end);
      input_.erase(0, end + 1);
      searched_ = 0;
      return read_line(line);
    }
    searched_ = input_.size();
    if (input_.size() > answer_limit_bytes) {
      return base::Failure{ClientError{Kind::protocol, 0, "the daemon's answer does not end"}};
    }
    if (const auto error = receive(deadline, longest)) {
      return base::Failure{*error};
    }
  }
}

Outcome<Response> Client::read_line(const std::string& line) {
  auto parsed = parse_response(line);
  if (!parsed) {
    return base::Failure{ClientError{Kind::protocol, 0, path_.string() + ": " + parsed.error()}};
  }
  auto response = std::move(parsed).value();
  // They come with the first byte of their line, so perhaps together with the line before: these are not all
  // ours.
  const auto count = response.descriptors.size();
  if (count > arrived_.size()) {
    return base::Failure{ClientError{Kind::protocol, 0,
                                     "the daemon handed " + std::to_string(count) +
                                         " descriptors over, and " + std::to_string(arrived_.size()) +
                                         " arrived"}};
  }
  for (std::size_t i = 0; i < count; ++i) {
    descriptors_.push_back({response.descriptors[i], std::move(arrived_[i])});
  }
  arrived_.erase(arrived_.begin(), arrived_.begin() + static_cast<std::ptrdiff_t>(count));
  return response;
}

std::vector<loop::NamedFd> Client::take_descriptors() {
  return std::exchange(descriptors_, {});
}

std::optional<ClientError> Client::send(const std::string& line, Deadline deadline, Duration longest) {
  for (std::size_t sent = 0; sent < line.size();) {
    const auto size = ::send(fd_.get(), line.data() + sent, line.size() - sent, MSG_NOSIGNAL);
    if (size >= 0) {
      sent += static_cast<std::size_t>(size);
    } else if (errno == EAGAIN) {
      if (!wait_for(fd_.get(), POLLOUT, deadline)) {
        return too_late(longest);
      }
    } else if (errno != EINTR) {
      return ClientError{Kind::closed, errno, "the daemon at " + path_.string() + " closed the connection"};
    }
  }
  return std::nullopt;
}

std::optional<ClientError> Client::receive(Deadline deadline, Duration longest) {
  if (!wait_for(fd_.get(), POLLIN, deadline)) {
    return too_late(longest);
  }
  std::array<char, 65536> buffer;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(most_descriptors * sizeof(int))> control;
  iovec data{buffer.data(), buffer.size()};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  const auto size = ::recvmsg(fd_.get(), &message, MSG_CMSG_CLOEXEC);
  if (size < 0 && (errno == EAGAIN || errno == EINTR)) {
    return std::nullopt;
  }
  if (size <= 0) {
    const int error = size < 0 ? errno : 0;
    return ClientError{Kind::closed, error,
                       "the daemon at " + path_.string() + " closed the connection without an answer" +
                           (error == 0 ? "" : ": " + text_of(error))};
  }
  input_.append(buffer.data(), static_cast<std::size_t>(size));
  if (!take_rights(message, arrived_)) {
    return ClientError{Kind::protocol, EMFILE, "not all descriptors could be received: too few are free"};
  }
  return std::nullopt;
}

ClientError Client::too_late(Duration longest) const {
  return {Kind::timeout, 0,
          "the daemon at " + path_.string() + " did not answer within " + seconds_text(longest) +
              "; it may be stuck: `journalctl -u healthgate`"};
}

} // namespace healthgate::control
