#include "probe/resolver.hpp"

#include "base/c_ptr.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <deque>
#include <mutex>
#include <netdb.h>
#include <netinet/in.h>
#include <set>
#include <sys/eventfd.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace healthgate::probe {
namespace {

constexpr std::size_t most_threads = 4;

Resolution look_up(const std::string& host) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* list = nullptr;
  const int error = ::getaddrinfo(host.c_str(), nullptr, &hints, &list);
  Resolution resolution;
  if (error != 0) {
    resolution.error = error == EAI_SYSTEM ? std::generic_category().message(errno) : ::gai_strerror(error);
    return resolution;
  }
  const base::CPtr<addrinfo, ::freeaddrinfo> owner(list);
  for (const addrinfo* one = list; one != nullptr; one = one->ai_next) {
    if (one->ai_addrlen <= sizeof(sockaddr_storage)) {
      Endpoint endpoint;
      std::memcpy(&endpoint.address, one->ai_addr, one->ai_addrlen);
      endpoint.length = one->ai_addrlen;
      resolution.endpoints.push_back(endpoint);
    }
  }
  return resolution;
}

void set_port(Endpoint& endpoint, std::uint16_t port) {
  if (endpoint.family() == AF_INET6) {
    reinterpret_cast<sockaddr_in6&>(endpoint.address).sin6_port = htons(port);
  } else {
    reinterpret_cast<sockaddr_in&>(endpoint.address).sin_port = htons(port);
  }
}

} // namespace

// What the loop and the helper threads share; the last of them frees it.
struct Resolver::Shared {
  base::UniqueFd wakeup; // eventfd
  std::mutex mutex;
  std::deque<std::string> queue;                            // hosts nobody works on yet
  std::set<std::string> asked;                              // in the queue or being looked up
  std::vector<std::pair<std::string, Resolution>> answered; // not yet collected
  std::size_t threads = 0;
};

Resolver::Resolver(loop::EventLoop& loop) : shared_(std::make_shared<Shared>()) {
  shared_->wakeup.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!shared_->wakeup) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  wakeup_ = loop::IoWatch(
      loop, shared_->wakeup.get(), EPOLLIN, [this](std::uint32_t) { collect(); }, loop::Priority::deciding);
}

Resolver::~Resolver() {
  const std::scoped_lock lock(shared_->mutex);
  shared_->queue.clear();
}

Resolver::Lookup::Lookup(Lookup&& other) noexcept
    : resolver_(std::exchange(other.resolver_, nullptr)), id_(std::exchange(other.id_, 0)) {}

Resolver::Lookup& Resolver::Lookup::operator=(Lookup&& other) noexcept {
  if (this != &other) {
    end();
    resolver_ = std::exchange(other.resolver_, nullptr);
    id_ = std::exchange(other.id_, 0);
  }
  return *this;
}

void Resolver::Lookup::end() noexcept {
  if (resolver_ != nullptr) {
    resolver_->waiters_.erase(id_);
    resolver_ = nullptr;
  }
}

Resolver::Lookup Resolver::resolve(const std::string& host, std::uint16_t port, Done done) {
  const auto id = ++last_id_;
  waiters_.emplace(id, Waiter{host, port, std::move(done)});
  const std::scoped_lock lock(shared_->mutex);
  if (shared_->asked.insert(host).second) {
    shared_->queue.push_back(host);
    if (shared_->threads < most_threads) {
      ++shared_->threads;
      try {
        std::thread(&Resolver::work, shared_).detach();
      } catch (const std::system_error&) {
        --shared_->threads; // no thread to be had: another one, or the caller's deadline
      }
    }
  }
  return {*this, id};
}

void Resolver::work(const std::shared_ptr<Shared>& shared) {
  std::unique_lock lock(shared->mutex);
  while (!shared->queue.empty()) {
    const auto host = shared->queue.front();
    shared->queue.pop_front();
    lock.unlock();
    auto resolution = look_up(host);
    lock.lock();
    shared->asked.erase(host);
    shared->answered.emplace_back(host, std::move(resolution));
    const std::uint64_t one = 1;
    (void)!::write(shared->wakeup.get(), &one, sizeof one); // full means that the loop is woken already
  }
  --shared->threads;
}

void Resolver::collect() {
  std::uint64_t count = 0;
  (void)!::read(shared_->wakeup.get(), &count, sizeof count); // only clears it
  std::vector<std::pair<std::string, Resolution>> answered;
  {
    const std::scoped_lock lock(shared_->mutex);
    answered.swap(shared_->answered);
  }
  for (const auto& [host, resolution] : answered) {
    std::vector<std::uint64_t> ids;
    for (const auto& [id, waiter] : waiters_) {
      if (waiter.host == host) {
        ids.push_back(id);
      }
    }
    for (const auto id : ids) {
      const auto waiter = waiters_.find(id); // a callback before may have ended it
      if (waiter == waiters_.end()) {
        continue;
      }
      auto own = resolution;
      for (auto& endpoint : own.endpoints) {
        set_port(endpoint, waiter->second.port);
      }
      const auto done = std::move(waiter->second.done);
      waiters_.erase(waiter);
      done(std::move(own));
    }
  }
}

} // namespace healthgate::probe
