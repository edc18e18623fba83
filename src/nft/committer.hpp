// The thread that waits for the kernel's commit lock so that no other has to: it drives the Keeper by what
// the application desires (a slot of one, the last wins) and by what the Watcher hears, and reports back
// through an eventfd.
//
// Large allow sets are not read after each foreign commit: they are compared when a second has gone by
// without one, at most every 5 s and after 30 s in any case, in pieces between which everything else gets its
// turn.
//
// A refused transaction is tried again with backoff, 5 ms to 1 s. While neighbours commit all the time, the
// table is read back at most for a tenth of the thread's time.
#pragma once

#include "base/unique_fd.hpp"
#include "core/ports.hpp"
#include "nft/error.hpp"
#include "nft/keeper.hpp"
#include "nft/large_check.hpp"
#include "nft/watcher.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>

namespace healthgate::nft {

class Committer {
public:
  using Reported = core::RulesetStore::Reported;

  // Opens the sockets; no thread yet. Throws std::system_error.
  // `inherited`: the netlink socket of a predecessor, whose table it owns; or none.
  Committer(const LeaseLedger& ledger, base::UniqueFd inherited);
  // Ends the thread: waits for a transaction that waits for the commit lock.
  ~Committer();
  Committer(const Committer&) = delete;
  Committer& operator=(const Committer&) = delete;

  // On the calling thread; then starts the other. Throws std::system_error.
  StartReport start(const core::Ruleset& initial, OwnerPolicy policy, Leases leases);

  // From the loop's thread; none of these blocks but remove(), for `patience` at most.
  void apply(std::shared_ptr<const core::Ruleset> desired);
  void verify();
  Result<void> remove(std::chrono::milliseconds patience);
  // For a successor that takes over: nothing is sent to the kernel from when pause() has returned until
  // resume(). ETIMEDOUT when a transaction still waits for the commit lock after `patience`.
  Result<void> pause(std::chrono::milliseconds patience);
  void resume(); // reads the table back, and mends it
  [[nodiscard]] int owner_fd() const { return socket_.fd(); }
  [[nodiscard]] int report_fd() const { return reports_ready_.get(); }
  void dispatch();
  void on_report(Reported reported) { reported_ = std::move(reported); }

private:
  using Clock = std::chrono::steady_clock;

  // What the loop's thread wants.
  struct Slot {
    std::shared_ptr<const core::Ruleset> desired;
    Clock::time_point handed_over{};
    bool verify = false;
    bool remove = false;
    bool pause = false;
    bool stop = false;
  };

  void run() noexcept;
  void work();
  void step(const Slot& slot);
  void apply_slot(const Slot& slot);
  void read_back(bool asked, Clock::time_point since);
  void fill();
  void check_large_sets();
  [[nodiscard]] Clock::time_point large_check_due() const;
  void note(Outcome outcome, Clock::time_point since, const std::string& writer, bool always);
  void wake();
  [[nodiscard]] int wait_milliseconds() const;
  Slot take_slot();

  const base::UniqueFd wake_;
  const base::UniqueFd reports_ready_;
  NetlinkSocket socket_;
  Watcher watcher_;
  Keeper keeper_;
  LargeCheck large_check_;

  // The committer thread's own.
  Clock::time_point handed_over_{};   // of the ruleset that is being put in force
  ForeignChange foreign_;             // not yet looked at
  Clock::time_point foreign_since_{}; // when it was heard of
  Clock::time_point quiet_until_{};   // no look at foreign changes before
  Clock::time_point last_foreign_{};
  std::optional<Clock::time_point> large_sets_doubted_; // since when somebody may have changed them
  Clock::time_point last_large_check_{};
  std::optional<Clock::time_point> retry_at_; // after a refusal
  std::chrono::milliseconds backoff_{};
  bool in_sync_ = false;
  bool removed_ = false;

  std::mutex slot_mutex_;        // guards slot_, removal_ and paused_
  std::condition_variable done_; // removal_ or paused_ is set
  Slot slot_;
  std::optional<Result<void>> removal_;
  bool paused_ = false;

  std::mutex reports_mutex_;
  std::deque<core::StoreReport> reports_;
  Reported reported_;

  std::thread thread_; // last: runs while everything above is there
};

} // namespace healthgate::nft
