#include "nft/committer.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <system_error>
#include <utility>

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <time.h>

namespace healthgate::nft {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_backoff{5};
constexpr milliseconds longest_backoff{1000};
// After reading the table back and finding it whole, the thread leaves neighbours' commits alone for this
// many times as long as that kept the processor busy. Whoever has just changed our table is looked after at
// once.
constexpr int quiet_factor = 9;
constexpr milliseconds longest_quiet{20}; // a repair must not be late
// When large sets are compared after foreign commits.
constexpr milliseconds large_check_after_quiet{1000};
constexpr milliseconds large_check_apart{5000};
constexpr milliseconds large_check_at_last{30000};
// Reports that wait for a loop that does not dispatch; beyond this the oldest are merged into one.
constexpr std::size_t most_reports = 64;

base::UniqueFd event_fd(const char* what) {
  base::UniqueFd fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!fd) {
    throw std::system_error(errno, std::generic_category(), std::string(what) + ": eventfd");
  }
  return fd;
}

void signal_event(int fd) {
  const std::uint64_t one = 1;
  (void)!::write(fd, &one, sizeof one); // fails only when the counter is full, and then it is readable anyway
}

void clear_event(int fd) {
  std::uint64_t count = 0;
  (void)!::read(fd, &count, sizeof count); // fails only when there was nothing to clear
}

std::chrono::nanoseconds thread_cpu_time() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

// Two reports for one: the newer state, and everything that happened.
core::StoreReport merged(const core::StoreReport& older, core::StoreReport newer) {
  newer.lease_lost = newer.lease_lost || older.lease_lost;
  newer.repaired = newer.repaired || older.repaired;
  if (newer.writer.empty()) {
    newer.writer = older.writer;
  }
  if (newer.what.empty()) {
    newer.what = older.what;
  }
  return newer;
}

} // namespace

Committer::Committer(const LeaseLedger& ledger, base::UniqueFd inherited)
    : wake_(event_fd("committer")), reports_ready_(event_fd("committer")),
      socket_(inherited ? NetlinkSocket("committer", std::move(inherited)) : NetlinkSocket("committer")),
      watcher_(socket_.portid()), keeper_(socket_, ledger) {}

Committer::~Committer() {
  if (thread_.joinable()) {
    {
      const std::lock_guard hold(slot_mutex_);
      slot_.stop = true;
    }
    wake();
    thread_.join();
  }
}

StartReport Committer::start(const core::Ruleset& initial, OwnerPolicy policy, Leases leases) {
  handed_over_ = Clock::now();
  StartReport report = keeper_.install(initial, policy, leases);
  in_sync_ = keeper_.proven_revision() == initial.revision;
  // Signals are the loop's: the new thread inherits a mask that blocks them all.
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return report;
}

void Committer::wake() {
  signal_event(wake_.get());
}

void Committer::apply(std::shared_ptr<const core::Ruleset> desired) {
  {
    const std::lock_guard hold(slot_mutex_);
    slot_.desired = std::move(desired);
    slot_.handed_over = Clock::now();
  }
  wake();
}

void Committer::verify() {
  {
    const std::lock_guard hold(slot_mutex_);
    slot_.verify = true;
  }
  wake();
}

Result<void> Committer::remove(milliseconds patience) {
  std::unique_lock hold(slot_mutex_);
  slot_.remove = true;
  removal_.reset();
  wake();
  if (!done_.wait_for(hold, patience, [this] { return removal_.has_value(); })) {
    return base::Failure{NetlinkError{ETIMEDOUT, true, "deleting the table: somebody holds the commit lock"}};
  }
  return *removal_;
}

Result<void> Committer::pause(milliseconds patience) {
  std::unique_lock hold(slot_mutex_);
  slot_.pause = true;
  wake();
  if (done_.wait_for(hold, patience, [this] { return paused_; })) {
    return {};
  }
  slot_.pause = false;
  return base::Failure{NetlinkError{ETIMEDOUT, false, "somebody holds the commit lock"}};
}

void Committer::resume() {
  {
    const std::lock_guard hold(slot_mutex_);
    slot_.pause = false;
    slot_.verify = true;
  }
  wake();
}

void Committer::dispatch() {
  clear_event(reports_ready_.get());
  std::deque<core::StoreReport> reports;
  {
    const std::lock_guard hold(reports_mutex_);
    reports.swap(reports_);
  }
  for (const core::StoreReport& report : reports) {
    if (reported_) {
      reported_(report);
    }
  }
}

// While paused, an empty one: what is wanted stays in the slot.
Committer::Slot Committer::take_slot() {
  const std::lock_guard hold(slot_mutex_);
  paused_ = slot_.pause;
  Slot taken;
  taken.stop = slot_.stop;
  taken.pause = slot_.pause;
  if (paused_) {
    done_.notify_all();
    return taken;
  }
  std::swap(taken, slot_);
  slot_.stop = taken.stop;
  return taken;
}

// Memory may run out in here; the daemon then does without this step, says so, and tries again.
void Committer::run() noexcept {
  for (;;) {
    try {
      work();
      return;
    } catch (const std::exception& error) {
      Outcome outcome;
      outcome.error = ENOMEM;
      retry_at_ = Clock::now() + longest_backoff;
      (void)error;
      note(std::move(outcome), Clock::now(), {}, true);
    }
  }
}

void Committer::work() {
  std::array<pollfd, 2> watched = {{{wake_.get(), POLLIN, 0}, {watcher_.fd(), POLLIN, 0}}};
  for (;;) {
    (void)::poll(watched.data(), watched.size(),
                 wait_milliseconds()); // every cause is looked at below, whatever it says
    if ((watched[0].revents & POLLIN) != 0) {
      clear_event(wake_.get());
    }
    if ((watched[1].revents & (POLLIN | POLLERR)) != 0) {
      if (ForeignChange heard = watcher_.drain(); heard.happened) {
        foreign_since_ = foreign_.happened ? foreign_since_ : Clock::now();
        foreign_ = std::move(heard);
        last_foreign_ = Clock::now();
        large_sets_doubted_ = large_sets_doubted_.value_or(last_foreign_);
      }
    }
    Slot slot = take_slot();
    if (slot.stop) {
      return;
    }
    if (slot.pause) {
      watched[1].fd = -1; // others' commits wait to be heard
      continue;
    }
    watched[1].fd = watcher_.fd();
    step(slot);
  }
}

// The application's wish first: a gate that shall close must not wait for a look at somebody else's doing.
void Committer::step(const Slot& slot) {
  if (slot.remove) {
    removed_ = true;
    auto done = keeper_.remove();
    const std::lock_guard hold(slot_mutex_);
    removal_ = std::move(done);
    done_.notify_all();
  }
  if (removed_) {
    return;
  }
  if (slot.desired) {
    apply_slot(slot);
  }
  const bool look = foreign_.happened && Clock::now() >= quiet_until_;
  const bool retry = retry_at_ && Clock::now() >= *retry_at_;
  if (slot.verify || look || retry) {
    read_back(slot.verify, look ? foreign_since_ : Clock::now());
  } else if (keeper_.filling()) {
    fill();
  } else {
    check_large_sets();
  }
}

Committer::Clock::time_point Committer::large_check_due() const {
  const Clock::time_point calm =
      std::max(last_foreign_ + large_check_after_quiet, last_large_check_ + large_check_apart);
  return std::min(calm, *large_sets_doubted_ + large_check_at_last);
}

// Begins a comparison when it is due, and does one piece of one that runs.
void Committer::check_large_sets() {
  if (!large_check_.running()) {
    if (!large_sets_doubted_ || !in_sync_ || Clock::now() < large_check_due()) {
      return;
    }
    large_sets_doubted_.reset();
    last_large_check_ = Clock::now();
    large_check_.begin(keeper_.large_sets());
    if (!large_check_.running()) {
      return;
    }
  }
  switch (large_check_.step()) {
  case LargeCheck::Finding::none:
    return;
  case LargeCheck::Finding::differs:
    note(keeper_.distrust(large_check_.current()), Clock::now(), {}, false);
    return;
  case LargeCheck::Finding::restless:
    large_sets_doubted_ = large_sets_doubted_.value_or(Clock::now());
    last_large_check_ = Clock::now();
    return;
  }
}

void Committer::apply_slot(const Slot& slot) {
  handed_over_ = slot.handed_over;
  note(keeper_.apply(slot.desired), slot.handed_over, {}, true);
}

void Committer::read_back(bool asked, Clock::time_point since) {
  const std::chrono::nanoseconds began = thread_cpu_time();
  const ForeignChange heard = std::exchange(foreign_, {});
  Outcome outcome = keeper_.verify();
  const bool for_nothing = !outcome.repaired;
  note(std::move(outcome), since, heard.writer, asked);
  const std::chrono::nanoseconds busy = thread_cpu_time() - began;
  if (for_nothing) {
    quiet_until_ = Clock::now() + std::min<Clock::duration>(quiet_factor * busy, longest_quiet);
  }
}

void Committer::fill() {
  Outcome outcome = keeper_.fill_step();
  const bool last = !keeper_.filling();
  note(std::move(outcome), handed_over_, {}, last);
}

// Queues a report where there is something to tell, and plans the next try where something was refused.
void Committer::note(Outcome outcome, Clock::time_point since, const std::string& writer, bool always) {
  const bool refused = outcome.error != 0;
  if (refused) {
    backoff_ = std::clamp(backoff_ * 2, first_backoff, longest_backoff);
    retry_at_ = Clock::now() + backoff_;
  } else {
    backoff_ = {};
    retry_at_.reset();
  }
  const bool changed = std::exchange(in_sync_, outcome.in_sync) != outcome.in_sync;
  if (!always && !changed && !refused && !outcome.repaired && !outcome.lease_lost) {
    return;
  }
  core::StoreReport report;
  report.revision = keeper_.proven_revision();
  report.in_sync = outcome.in_sync;
  report.lease_lost = outcome.lease_lost;
  report.repaired = outcome.repaired;
  report.writer = outcome.repaired ? writer : "";
  report.what = std::move(outcome.what);
  report.error = outcome.error;
  report.took = Clock::now() - since;
  {
    const std::lock_guard hold(reports_mutex_);
    if (reports_.size() >= most_reports) {
      report = merged(reports_.back(), std::move(report));
      reports_.pop_back();
    }
    reports_.push_back(std::move(report));
  }
  signal_event(reports_ready_.get());
}

// Until when poll() may sleep; -1: until somebody says something.
int Committer::wait_milliseconds() const {
  if (removed_) {
    return -1;
  }
  if (keeper_.filling() || large_check_.running()) {
    return 0;
  }
  std::optional<Clock::time_point> next = retry_at_;
  if (large_sets_doubted_ && in_sync_) {
    next = std::min(next.value_or(Clock::time_point::max()), large_check_due());
  }
  if (foreign_.happened && (!next || quiet_until_ < *next)) {
    next = quiet_until_;
  }
  if (!next) {
    return -1;
  }
  const auto left = std::chrono::ceil<milliseconds>(*next - Clock::now());
  return static_cast<int>(std::clamp<milliseconds::rep>(left.count(), 0, 60'000));
}

} // namespace healthgate::nft
