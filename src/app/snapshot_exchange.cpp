#include "app/snapshot_exchange.hpp"

#include <cerrno>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace healthgate::app {
namespace {

base::UniqueFd make_eventfd() {
  base::UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd.valid()) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  return fd;
}

} // namespace

SnapshotExchange::SnapshotExchange(loop::EventLoop& loop, Make make)
    : make_(std::move(make)), asked_(make_eventfd()),
      watch_(
          loop, asked_.get(), EPOLLIN, [this](std::uint32_t) { on_asked(); }, loop::Priority::serving) {}

std::shared_ptr<const core::Snapshot> SnapshotExchange::get(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  const auto ticket = ask_locked();
  (void)made_.wait_for(lock, patience, [&] { return answered_ >= ticket; });
  return latest_;
}

void SnapshotExchange::ask() {
  const std::scoped_lock lock(mutex_);
  (void)ask_locked(); // whoever wants the answer comes back
}

std::uint64_t SnapshotExchange::ask_locked() {
  if (!owed_since_) {
    owed_since_ = Clock::now();
  }
  const std::uint64_t one = 1;
  (void)!::write(asked_.get(), &one, sizeof one); // full means that the loop is asked already
  return ++asked_count_;
}

core::Duration SnapshotExchange::unanswered_for() const {
  const std::scoped_lock lock(mutex_);
  return owed_since_ ? Clock::now() - *owed_since_ : core::Duration::zero();
}

void SnapshotExchange::on_asked() {
  const auto begun = Clock::now();
  std::uint64_t count = 0;
  (void)!::read(asked_.get(), &count, sizeof count); // empty: somebody was faster
  std::uint64_t ticket = 0;
  {
    const std::scoped_lock lock(mutex_);
    ticket = asked_count_;
  }
  auto snapshot = std::make_shared<const core::Snapshot>(make_());
  {
    const std::scoped_lock lock(mutex_);
    latest_ = std::move(snapshot);
    answered_ = ticket;
    owed_since_ = asked_count_ == ticket ? std::nullopt : std::optional(begun);
  }
  made_.notify_all();
}

} // namespace healthgate::app
