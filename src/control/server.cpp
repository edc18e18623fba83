#include "control/server.hpp"

#include "control/connection.hpp"
#include "control/socket_file.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <grp.h>
#include <map>
#include <optional>
#include <set>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <system_error>
#include <utility>

namespace healthgate::control {
namespace {

using std::chrono::duration_cast;
using std::chrono::nanoseconds;
using std::chrono::seconds;

std::optional<gid_t> group_id(const std::string& name) {
  std::array<char, 16384> buffer{}; // a group of very many members does not fit, and counts as absent
  group entry{};
  group* found = nullptr;
  const int error = ::getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  return error == 0 && found != nullptr ? std::optional(found->gr_gid) : std::nullopt;
}

// The loop's own timers go first, with what decides; this one waits its turn among those who serve.
class ServingTimer {
public:
  ServingTimer(loop::EventLoop& loop, std::function<void()> call)
      : fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)) {
    if (!fd_) {
      throw std::system_error(errno, std::generic_category(), "timerfd_create");
    }
    watch_ = loop::IoWatch(
        loop, fd_.get(), EPOLLIN,
        [this, call = std::move(call)](std::uint32_t /*revents*/) {
          std::uint64_t expirations = 0;
          (void)!::read(fd_.get(), &expirations, sizeof(expirations)); // only to make it wait again
          call();
        },
        loop::Priority::serving);
  }

  // None: not at all.
  void set(std::optional<core::TimePoint> when) const {
    itimerspec spec{};
    if (when) {
      const auto since = std::max<nanoseconds>(when->time_since_epoch(), nanoseconds(1)); // 0 would disarm
      spec.it_value.tv_sec = duration_cast<seconds>(since).count();
      spec.it_value.tv_nsec = (since % seconds(1)).count();
    }
    (void)::timerfd_settime(fd_.get(), TFD_TIMER_ABSTIME, &spec, nullptr); // fails for bad arguments alone
  }

private:
  base::UniqueFd fd_;
  loop::IoWatch watch_;
};

} // namespace

class Server::Impl {
public:
  Impl(loop::EventLoop& loop, ServerOptions options, Handler handler)
      : loop_(loop), options_(std::move(options)), handler_(std::move(handler)),
        timer_(loop, [this] { on_timer(); }) {}

  base::Result<void, std::string> listen();
  [[nodiscard]] std::string note() const { return socket_ ? socket_->note() : ""; }
  void changed();
  void set_status_public(bool status_public);
  [[nodiscard]] std::size_t connections() const { return connections_.size(); }

private:
  using Connections = std::map<std::uint64_t, std::shared_ptr<Connection>>;

  void on_acceptable();
  void admit(base::UniqueFd fd);
  bool make_room(const Peer& peer);
  void on_ended(Connection& connection);
  void take(Connection& connection, const Request& request);
  void begin_watch(Connection& connection, const Request& request);
  void watch_round();
  void ask_for_watchers(const std::string& gate, const Peer& peer);
  void show(Connection& connection, const Answer& answer);
  [[nodiscard]] std::vector<std::shared_ptr<Connection>> watchers() const;
  void sweep();
  void on_timer();
  void arm();
  [[nodiscard]] mode_t mode() const { return options_.status_public ? 0666 : 0660; }

  loop::EventLoop& loop_;
  ServerOptions options_;
  Handler handler_;
  std::optional<gid_t> group_;
  std::optional<SocketFile> socket_;
  ServingTimer timer_;
  loop::IoWatch acceptor_;
  Connections connections_; // by Peer::connection, the oldest first
  std::uint64_t last_connection_ = 0;

  std::optional<core::TimePoint> next_round_; // none: nobody watches
  core::TimePoint last_round_{};
  std::size_t rounds_open_ = 0; // statuses that the handler still owes
  std::optional<core::TimePoint> next_sweep_;
  // Alive as long as we are: an answer for the watchers may come after our end.
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

// --- listening and accepting ---

base::Result<void, std::string> Server::Impl::listen() {
  group_ = group_id(options_.group);
  auto bound = SocketFile::bind(options_.path, {group_, mode()}, options_.replace_live);
  if (!bound) {
    return base::Failure{bound.error()};
  }
  socket_.emplace(std::move(bound).value());
  acceptor_ = loop::IoWatch(
      loop_, socket_->fd(), EPOLLIN, [this](std::uint32_t /*revents*/) { on_acceptable(); },
      loop::Priority::serving);
  return {};
}

void Server::Impl::on_acceptable() {
  base::UniqueFd fd(::accept4(socket_->fd(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (fd) {
    admit(std::move(fd));
  } else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED) {
    acceptor_.disable(); // no descriptor or no memory: until the next sweep, or the loop would spin
  }
  arm();
}

void Server::Impl::admit(base::UniqueFd fd) {
  auto read = read_peer(fd.get(), ::geteuid(), group_);
  if (!read) {
    return; // the client has gone already
  }
  auto peer = read.value();
  if (!make_room(peer)) {
    Response response;
    response.error = "the daemon has " + std::to_string(options_.connections) + " clients already";
    const auto line = to_line(response);
    (void)::send(fd.get(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT); // a courtesy
    return;
  }
  peer.connection = ++last_connection_;
  const auto connection = std::make_shared<Connection>(
      std::move(fd), peer, Connection::Limits{options_.unanswered, options_.output_limit_bytes},
      Connection::Owner{[this](Connection& from, const Request& request) { take(from, request); },
                        [this](Connection& from) { on_ended(from); }});
  connection->start(loop_);
  connections_.emplace(peer.connection, connection);
}

// Readers never keep an administrator out: the oldest of them goes.
bool Server::Impl::make_room(const Peer& peer) {
  if (connections_.size() < options_.connections) {
    return true;
  }
  const auto reader = std::find_if(connections_.begin(), connections_.end(),
                                   [](const auto& entry) { return !entry.second->peer().may_steer; });
  if (!peer.may_steer || reader == connections_.end()) {
    return false;
  }
  connections_.erase(reader);
  return true;
}

void Server::Impl::on_ended(Connection& connection) {
  const auto node =
      connections_.extract(connection.peer().connection); // keeps it to the end of this function
  if (connection.successor && handler_.successor_left) {
    handler_.successor_left(connection.peer());
  }
  arm();
}

void Server::Impl::set_status_public(bool status_public) {
  options_.status_public = status_public;
  if (socket_) {
    (void)socket_->set_mode(mode()); // the rights of each request are judged anyway
  }
}

// --- requests ---

void Server::Impl::take(Connection& connection, const Request& request) {
  const auto& peer = connection.peer();
  if (auto sentence = denial(peer, request.command, options_.status_public); !sentence.empty()) {
    connection.reply_to(request.id).refuse(std::move(sentence), Refusal::denied);
    return;
  }
  if (request.command == Command::watch) {
    begin_watch(connection, request);
    return;
  }
  connection.successor = connection.successor || request.command == Command::takeover;
  handler_.handle(request, peer, connection.reply_to(request.id));
}

// --- watching ---

void Server::Impl::begin_watch(Connection& connection, const Request& request) {
  if (connection.watch) {
    connection.reply_to(request.id).refuse("this connection watches already", Refusal::usage);
    return;
  }
  connection.watch = Connection::Watch{request.id, request.gate};
  Request status = request;
  status.command = Command::status;
  handler_.handle(
      status, connection.peer(),
      Reply(connection.weak_from_this(), [this, &connection](Answer answer) { show(connection, answer); }));
  arm();
}

// One line of a watch; one that can't be had is its last.
void Server::Impl::show(Connection& connection, const Answer& answer) {
  if (!connection.watch) {
    return;
  }
  Response response;
  response.id = connection.watch->id;
  response.ok = response.more = answer.ok;
  response.result = answer.result;
  response.kind = answer.kind;
  response.error = answer.error;
  if (!answer.ok) {
    connection.watch.reset();
  }
  connection.send(response);
}

// Those that have taken the line before. To the others what they missed is old by now: they get the next one.
std::vector<std::shared_ptr<Connection>> Server::Impl::watchers() const {
  std::vector<std::shared_ptr<Connection>> found;
  for (const auto& [number, connection] : connections_) {
    if (connection->watch && !connection->has_output()) {
      found.push_back(connection);
    }
  }
  return found;
}

// One status for all who watch the same.
void Server::Impl::watch_round() {
  last_round_ = loop_.now().mono;
  next_round_ = last_round_ + options_.longest_watch_gap;
  if (rounds_open_ > 0) {
    return;
  }
  std::set<std::string> asked;
  for (const auto& connection : watchers()) {
    if (asked.insert(connection->watch->gate).second) {
      ask_for_watchers(connection->watch->gate, connection->peer());
    }
  }
}

void Server::Impl::ask_for_watchers(const std::string& gate, const Peer& peer) {
  ++rounds_open_;
  Request request;
  request.gate = gate;
  handler_.handle(request, peer, Reply(alive_, [this, gate](Answer answer) {
                    --rounds_open_;
                    for (const auto& connection : watchers()) {
                      if (connection->watch->gate == gate) {
                        show(*connection, answer);
                      }
                    }
                  }));
}

void Server::Impl::changed() {
  if (next_round_) {
    next_round_ = std::min(*next_round_, last_round_ + options_.least_watch_gap);
    arm();
  }
}

// --- time ---

void Server::Impl::on_timer() {
  const auto now = loop_.now().mono;
  if (next_round_ && now >= *next_round_) {
    watch_round();
  }
  if (next_sweep_ && now >= *next_sweep_) {
    next_sweep_.reset();
    sweep();
  }
  arm();
}

void Server::Impl::sweep() {
  if (!acceptor_.enabled()) {
    acceptor_.enable();
  }
  const auto now = loop_.now().mono;
  for (const auto& [number, connection] : connections_) {
    const auto quiet = now - connection->active();
    if ((connection->has_output() && quiet > options_.stall_limit) ||
        (connection->idle() && quiet > options_.idle_limit)) {
      connection->abandon();
    }
  }
}

void Server::Impl::arm() {
  const auto now = loop_.now().mono;
  const bool watched = std::any_of(connections_.begin(), connections_.end(),
                                   [](const auto& entry) { return entry.second->watch.has_value(); });
  if (!watched) {
    next_round_.reset();
  } else if (!next_round_) {
    last_round_ = now;
    next_round_ = now + options_.longest_watch_gap;
  }
  if (connections_.empty() && acceptor_.enabled()) {
    next_sweep_.reset();
  } else if (!next_sweep_) {
    const core::Duration longest = seconds(1);
    next_sweep_ = now + std::min({options_.idle_limit, options_.stall_limit, longest}) / 2;
  }
  if (next_round_ && next_sweep_) {
    timer_.set(std::min(*next_round_, *next_sweep_));
  } else {
    timer_.set(next_round_ ? next_round_ : next_sweep_);
  }
}

// --- the outside ---

Server::Server(loop::EventLoop& loop, ServerOptions options, Handler handler)
    : impl_(std::make_unique<Impl>(loop, std::move(options), std::move(handler))) {}
Server::~Server() = default;

base::Result<void, std::string> Server::listen() {
  return impl_->listen();
}
std::string Server::note() const {
  return impl_->note();
}
void Server::changed() {
  impl_->changed();
}
void Server::set_status_public(bool status_public) {
  impl_->set_status_public(status_public);
}
std::size_t Server::connections() const {
  return impl_->connections();
}

} // namespace healthgate::control
