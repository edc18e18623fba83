// The other end of the control socket, for the command line: blocks, but never beyond a deadline.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "control/protocol.hpp"
#include "loop/notify.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace healthgate::control {

struct ClientError {
  enum class Kind {
    missing,  // no such file
    refused,  // nobody listens
    denied,   // no permission to connect
    timeout,  // connected, and no answer in time
    closed,   // the daemon closed the connection, or died
    protocol, // what came is no answer
    failed,   // anything else
  };
  Kind kind = Kind::failed;
  int code = 0;         // errno where there is one
  std::string sentence; // for a person, with what to do
};

template <typename T> using Outcome = base::Result<T, ClientError>;

class Client {
public:
  using Duration = std::chrono::milliseconds;

  // Waits at most `longest`, which only a full backlog needs.
  static Outcome<Client> connect(const std::filesystem::path& path, Duration longest);

  // Sends `request` under an id of its own and waits for its answer, `longest` for both together. Descriptors
  // that came with it are kept for take_descriptors().
  Outcome<Response> ask(Request request, Duration longest);
  // The next answer, of `watch` for one. With a `longest` of zero: the one that is here already, or a
  // timeout.
  Outcome<Response> next(Duration longest);
  // In the order and under the names in which the daemon gave them.
  [[nodiscard]] std::vector<loop::NamedFd> take_descriptors();

  // To poll(2) for input beside other things; then call next(0) until it times out.
  [[nodiscard]] int fd() const { return fd_.get(); }

private:
  using Deadline = std::chrono::steady_clock::time_point;

  Client(std::filesystem::path path, base::UniqueFd fd) : path_(std::move(path)), fd_(std::move(fd)) {}
  [[nodiscard]] std::optional<ClientError> send(const std::string& line, Deadline deadline, Duration longest);
  // Reads what is there; waits for it until `deadline`.
  [[nodiscard]] std::optional<ClientError> receive(Deadline deadline, Duration longest);
  Outcome<Response> read_line(const std::string& line);
  [[nodiscard]] ClientError too_late(Duration longest) const;

  std::filesystem::path path_;
  base::UniqueFd fd_;
  std::uint64_t last_id_ = 0;
  std::string input_;
  std::size_t searched_ = 0;            // so far there is no line end in input_
  std::vector<base::UniqueFd> arrived_; // descriptors of a line that is not yet read
  std::vector<loop::NamedFd> descriptors_;
};

} // namespace healthgate::control
