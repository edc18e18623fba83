// The Store against the real kernel: start, the two locks, apply, remove, taking over.
#include "nft/store.hpp"
#include "unit/nft/kernel_fixture.hpp"
#include "unit/nft/store_fixture.hpp"

#include "nft/kernel_abi.hpp"
#include "nft/netlink_socket.hpp"
#include "nft/table_flags.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <cerrno>
#include <system_error>
#include <thread>

using ::testing::HasSubstr;
using ::testing::Not;

namespace healthgate::nft::testing {
namespace {

using std::chrono::milliseconds;

constexpr std::uint16_t router = 18898;

class StoreTest : public KernelTest {};

TEST_F(StoreTest, StartInstallsEveryGateClosedWhateverIsAsked) {
  Store store({OwnerPolicy::never, Leases::flush});
  const StartReport report =
      store.start(shared(with_form(sample(), core::ChainForm::open, "open since now")));
  EXPECT_EQ(report.mode, TableMode::plain);
  EXPECT_FALSE(report.took_over);
  EXPECT_TRUE(report.adopted.empty());
  EXPECT_THAT(listing(), Not(HasSubstr("tcp dport @lease")));
  Listener listener(router);
  EXPECT_EQ(try_connect(router), ECONNREFUSED);
}

TEST_F(StoreTest, AGateIsOpenOnlyWhileChainAndLeaseAgree) {
  Listener listener(router);
  Store store({OwnerPolicy::never, Leases::flush});
  store.start(shared(sample()));
  Reports reports(store);

  EXPECT_EQ(store.renew(router).answer, core::PulseAnswer::acknowledged);
  EXPECT_EQ(try_connect(router), ECONNREFUSED) << "a lease alone opens nothing";
  EXPECT_EQ(store.revoke(router).answer, core::PulseAnswer::acknowledged);

  const core::Ruleset open =
      with_form(sample(), core::ChainForm::open, "open since 2026-11-22T02:05:42Z: HTTP 200");
  store.apply(shared(open));
  EXPECT_TRUE(reports.wait_for_revision(open.revision).in_sync);
  EXPECT_EQ(try_connect(router), ECONNREFUSED) << "a chain alone opens nothing";

  EXPECT_EQ(store.renew(router).answer, core::PulseAnswer::acknowledged);
  EXPECT_EQ(try_connect(router), 0);
  EXPECT_EQ(store.revoke(router).answer, core::PulseAnswer::acknowledged);
  EXPECT_EQ(try_connect(router), ECONNREFUSED);
  EXPECT_EQ(store.revoke(router).answer, core::PulseAnswer::acknowledged)
      << "what is not leased is revoked as well";
}

TEST_F(StoreTest, TheLeaseRunsOutByItselfAndNeverLate) {
  core::Ruleset open = with_form(sample(), core::ChainForm::open, "open");
  open.gates.front().lease = milliseconds(200);
  Listener listener(router);
  Store store({OwnerPolicy::never, Leases::flush});
  store.start(shared(open));
  Reports reports(store);
  ++open.revision;
  store.apply(shared(open));
  reports.wait_for_revision(open.revision);

  const auto renewed = std::chrono::steady_clock::now();
  ASSERT_EQ(store.renew(router).answer, core::PulseAnswer::acknowledged);
  ASSERT_EQ(try_connect(router), 0);
  while (try_connect(router) == 0) {
    ASSERT_LT(std::chrono::steady_clock::now() - renewed, milliseconds(1000));
  }
  EXPECT_GT(std::chrono::steady_clock::now() - renewed, milliseconds(190));
}

TEST_F(StoreTest, EachGateIsRenewedByItsOwnLease) {
  core::Ruleset ruleset = sample_with_gates(3);
  ruleset.gates[1].lease = milliseconds(500);
  ruleset.gates[2].lease = milliseconds(60'000);
  Store store({OwnerPolicy::never, Leases::flush});
  store.start(shared(ruleset));
  for (const core::GateRules& gate : ruleset.gates) {
    ASSERT_EQ(store.renew(gate.port).answer, core::PulseAnswer::acknowledged) << gate.name;
  }
  const std::string leases = run("nft list set inet healthgate lease");
  EXPECT_THAT(leases, ::testing::ContainsRegex("20000 expires 2s9[0-9]+ms"));
  EXPECT_THAT(leases, ::testing::ContainsRegex("20001 timeout 500ms expires 4[0-9]+ms"));
  EXPECT_THAT(leases, ::testing::ContainsRegex("20002 timeout 1m expires 59s[0-9]+ms"));
}

TEST_F(StoreTest, APulseForAPortWithoutAGateIsNotAcknowledged) {
  Store store({OwnerPolicy::never, Leases::flush});
  store.start(shared(sample()));
  EXPECT_EQ(store.renew(18899).answer, core::PulseAnswer::unanswered) << "a port that is only allowlisted";
  EXPECT_EQ(store.renew(4711).answer, core::PulseAnswer::unanswered);
  EXPECT_EQ(store.revoke(4711).answer, core::PulseAnswer::unanswered);
}

TEST_F(StoreTest, OnlyTheNoncesOwnerMovesALease) {
  Store store({OwnerPolicy::never, Leases::flush});
  store.start(shared(sample()));
  const Pulse forger;
  EXPECT_EQ(forger.renew(router, 0).answer, core::PulseAnswer::unanswered);
  EXPECT_THAT(run("nft list set inet healthgate lease"), Not(HasSubstr("18898")));
  ASSERT_EQ(store.renew(router).answer, core::PulseAnswer::acknowledged);
  EXPECT_EQ(forger.revoke(router, 1).answer, core::PulseAnswer::unanswered);
  EXPECT_THAT(run("nft list set inet healthgate lease"), HasSubstr("18898"));
}

TEST_F(StoreTest, ADropRuleOfSomebodyElseForgesNoAcknowledgement) {
  load("table inet other { chain out { type filter hook output priority 0; udp dport 18898 drop; }; }");
  Store store({OwnerPolicy::never, Leases::flush});
  try {
    store.start(shared(sample()));
    FAIL() << "started although every datagram is refused";
  } catch (const std::system_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("a datagram was refused before our table was there"));
    EXPECT_FALSE(succeeds("nft list table inet healthgate"));
  }
}

TEST_F(StoreTest, RevokesAreEffectiveAHundredTimesOfAHundredAlsoOverExpiredTwins) {
  core::Ruleset open = with_form(sample(), core::ChainForm::open, "open");
  open.gates.front().lease = milliseconds(60);
  Listener listener(router);
  Store store({OwnerPolicy::never, Leases::flush});
  store.start(shared(open));
  Reports reports(store);
  ++open.revision;
  store.apply(shared(open));
  reports.wait_for_revision(open.revision);
  constexpr milliseconds two_jiffies(20); // where the kernel ticks slowest; a third of the lease
  int still_open = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(
        renew_until_acknowledged(store, router)); // a twin is left at each lease's end until collection
    if (i % 2 == 0) {
      while (try_connect(router) == 0) {
        listener.drain();
      }
      ASSERT_TRUE(renew_until_acknowledged(store, router));
    }
    ASSERT_EQ(try_connect(router), 0);
    listener.drain();
    ASSERT_EQ(store.revoke(router).answer, core::PulseAnswer::acknowledged);
    const auto until = std::chrono::steady_clock::now() + two_jiffies;
    while (try_connect(router) == 0 && std::chrono::steady_clock::now() < until) {
    }
    still_open += try_connect(router) == 0 ? 1 : 0;
  }
  EXPECT_EQ(still_open, 0);
}

TEST_F(StoreTest, AHundredThousandRenewalsShowAClientNoReset) {
  core::Ruleset open = with_form(sample(), core::ChainForm::open, "open");
  Listener listener(router);
  Store store({OwnerPolicy::never, Leases::flush});
  store.start(shared(open));
  Reports reports(store);
  ++open.revision;
  store.apply(shared(open));
  reports.wait_for_revision(open.revision);
  ASSERT_TRUE(renew_until_acknowledged(store, router));
  std::atomic<bool> done = false;
  int connects = 0;
  int others = 0;
  std::thread client([&] {
    while (!done) {
      (try_connect(router) == 0 ? connects : others) += 1;
      listener.drain();
    }
  });
  int refused = 0;
  auto next = std::chrono::steady_clock::now();
  for (int i = 0; i < 100'000; ++i, next += std::chrono::microseconds(20)) {
    while (std::chrono::steady_clock::now() < next) { // 50,000 a second, the client's connects in between
    }
    refused += store.renew(router).answer == core::PulseAnswer::acknowledged ? 0 : 1;
  }
  done = true;
  client.join();
  EXPECT_EQ(refused, 0) << "renewals that were not acknowledged";
  EXPECT_EQ(others, 0) << "of " << connects << " connects";
  EXPECT_GT(connects, 1000);
}

TEST_F(StoreTest, TogglingFasterThanTheKernelCollectsIsToldAsUnansweredNeverAsOpen) {
  core::Ruleset open = with_form(sample(), core::ChainForm::open, "open");
  Listener listener(router);
  Store store({OwnerPolicy::never, Leases::flush});
  store.start(shared(open));
  Reports reports(store);
  ++open.revision;
  store.apply(shared(open));
  reports.wait_for_revision(open.revision);
  for (int i = 0; i < 200; ++i) {
    if (store.renew(router).answer == core::PulseAnswer::acknowledged) {
      ASSERT_EQ(try_connect(router), 0) << i;
    }
    if (store.revoke(router).answer == core::PulseAnswer::acknowledged) {
      ASSERT_EQ(try_connect(router), ECONNREFUSED) << i;
    }
  }
}

TEST_F(StoreTest, RemoveDeletesTheTableAndNothingBringsItBack) {
  Store store({OwnerPolicy::automatic, Leases::flush});
  store.start(shared(sample()));
  ASSERT_TRUE(store.remove(milliseconds(5000)));
  store.apply(shared(with_form(sample(), core::ChainForm::open, "open")));
  store.verify();
  ASSERT_TRUE(store.remove(milliseconds(5000))) << "twice is once";
  EXPECT_FALSE(succeeds("nft list table inet healthgate"));
  EXPECT_EQ(store.revoke(router).answer, core::PulseAnswer::unanswered);
}

TEST_F(StoreTest, AppliesAddedRemovedAndChangedGates) {
  Store store({OwnerPolicy::never, Leases::flush});
  store.start(shared(sample_with_gates(3)));
  Reports reports(store);
  core::Ruleset changed = sample_with_gates(4);
  changed.revision = 2;
  changed.gates.erase(changed.gates.begin());
  changed.gates.front().port = 30000;
  changed.gates.front().denied = core::Denied::reset;
  changed.gates.back().allow = allowlist({"203.0.113.0/24"});
  changed.ports.clear();
  store.apply(shared(changed));
  EXPECT_TRUE(reports.wait_for_revision(2).in_sync);
  const std::string mended = listing();
  run("nft delete table inet healthgate");
  EXPECT_TRUE(
      reports.wait_for([](const core::StoreReport& report) { return report.repaired && report.in_sync; }));
  EXPECT_EQ(sorted_blocks(mended), sorted_blocks(listing()))
      << "mending and making anew come to the same table";
  EXPECT_EQ(store.renew(30000).answer, core::PulseAnswer::acknowledged);
  EXPECT_EQ(store.renew(20000).answer, core::PulseAnswer::unanswered) << "its gate is gone";
}

TEST_F(StoreTest, CountersSurviveATogglingAndAChangeOfGates) {
  Listener listener(router);
  Store store({OwnerPolicy::never, Leases::flush});
  store.start(shared(sample()));
  Reports reports(store);
  ASSERT_EQ(try_connect(router), ECONNREFUSED);
  core::Ruleset next = with_form(sample(), core::ChainForm::open, "open");
  store.apply(shared(next));
  reports.wait_for_revision(next.revision);
  core::GateRules another = next.gates.front();
  another.name = "another";
  another.port = 18900;
  next.gates.push_back(another);
  ++next.revision;
  store.apply(shared(next));
  reports.wait_for_revision(next.revision);
  EXPECT_THAT(run("nft list counter inet healthgate router_rejected"), HasSubstr("packets 1 "));
}

TEST_F(StoreTest, ThousandGatesTogglingAreOneTransaction) {
  core::Ruleset ruleset = sample_with_gates(1000);
  Store store({OwnerPolicy::never, Leases::flush});
  store.start(shared(ruleset));
  Reports reports(store);
  const auto open = with_form(ruleset, core::ChainForm::open, "open");
  store.apply(shared(open));
  EXPECT_TRUE(reports.wait_for_revision(open.revision).in_sync);
  EXPECT_EQ(reports.seen(), 1u);
}

TEST_F(StoreTest, TheOwnersPolicyDecidesHowTheTableIsHeld) {
  NetlinkSocket probe("test");
  const auto best = granted_flags(probe, OwnerPolicy::automatic);
  ASSERT_TRUE(best);
  if (best.value() == 0) {
    GTEST_SKIP() << "this kernel grants no owned table";
  }
  {
    Store store({OwnerPolicy::required, Leases::flush});
    EXPECT_EQ(store.start(shared(sample())).mode, mode_of(best.value()));
    EXPECT_THAT(run("nft list table inet healthgate"), HasSubstr("flags owner"));
    EXPECT_FALSE(succeeds("nft delete table inet healthgate"));
    EXPECT_TRUE(succeeds("nft flush ruleset")) << "it passes by";
    EXPECT_TRUE(succeeds("nft list table inet healthgate"));
    EXPECT_THROW(Store({OwnerPolicy::automatic, Leases::flush}).start(shared(sample())), std::system_error)
        << "one daemon a namespace";
  }
  EXPECT_EQ(succeeds("nft list table inet healthgate"), best.value() == (flag_owner | flag_persist));
}

TEST_F(StoreTest, ASuccessorAdoptsTheOpenGatesOfItsPredecessor) {
  NetlinkSocket probe("test");
  const auto best = granted_flags(probe, OwnerPolicy::automatic);
  ASSERT_TRUE(best);
  for (const OwnerPolicy policy : {OwnerPolicy::never, OwnerPolicy::automatic}) {
    if (policy == OwnerPolicy::automatic && best.value() == flag_owner) {
      continue; // such a table goes with its daemon
    }
    run("nft flush ruleset");
    core::Ruleset ruleset = sample_with_gates(3);
    ruleset.gates.front().port = router;
    Listener listener(router);
    {
      Store predecessor({policy, Leases::flush});
      predecessor.start(shared(ruleset));
      Reports reports(predecessor);
      ruleset = with_form(ruleset, core::ChainForm::open, "open since 2026-11-22T02:05:42Z: HTTP 200");
      ruleset.gates[2].form = core::ChainForm::closed;
      predecessor.apply(shared(ruleset));
      reports.wait_for_revision(ruleset.revision);
      ASSERT_EQ(predecessor.renew(router).answer, core::PulseAnswer::acknowledged);
    }
    ASSERT_EQ(try_connect(router), 0);
    ruleset.nonce = 0x0102030405060708;
    Store successor({policy, Leases::adopt});
    const StartReport report = successor.start(shared(ruleset));
    EXPECT_EQ(try_connect(router), 0) << "the gate stayed open";
    EXPECT_TRUE(report.took_over);
    ASSERT_EQ(report.adopted.size(), 1u) << "g1 had no lease, g2 neither lease nor open chain";
    EXPECT_EQ(report.adopted.front().name, "g0");
    EXPECT_EQ(report.adopted.front().comment, "open since 2026-11-22T02:05:42Z: HTTP 200");
    EXPECT_GT(report.adopted.front().remaining, milliseconds(2000));
    EXPECT_LE(report.adopted.front().remaining, milliseconds(3020));
    EXPECT_EQ(report.mode, policy == OwnerPolicy::never ? TableMode::plain : mode_of(best.value()));
    EXPECT_EQ(successor.revoke(router).answer, core::PulseAnswer::acknowledged);
    EXPECT_EQ(try_connect(router), ECONNREFUSED);
  }
}

TEST_F(StoreTest, ASuccessorThatFlushesOpensNothing) {
  Listener listener(router);
  core::Ruleset open = with_form(sample(), core::ChainForm::open, "open");
  {
    Store predecessor({OwnerPolicy::never, Leases::flush});
    predecessor.start(shared(open));
    Reports reports(predecessor);
    ++open.revision;
    predecessor.apply(shared(open));
    reports.wait_for_revision(open.revision);
    ASSERT_EQ(predecessor.renew(router).answer, core::PulseAnswer::acknowledged);
    ASSERT_EQ(try_connect(router), 0);
  }
  Store successor({OwnerPolicy::never, Leases::flush});
  EXPECT_TRUE(successor.start(shared(open)).adopted.empty());
  EXPECT_EQ(try_connect(router), ECONNREFUSED);
}

TEST_F(StoreTest, WhereSomebodyTamperedWithLeasesNothingIsAdopted) {
  core::Ruleset ruleset = sample_with_gates(2);
  {
    Store predecessor({OwnerPolicy::never, Leases::flush});
    predecessor.start(shared(ruleset));
    Reports reports(predecessor);
    ruleset = with_form(ruleset, core::ChainForm::open, "open");
    ruleset.gates[1].form = core::ChainForm::closed;
    predecessor.apply(shared(ruleset));
    reports.wait_for_revision(ruleset.revision);
    ASSERT_EQ(predecessor.renew(ruleset.gates[0].port).answer, core::PulseAnswer::acknowledged);
    ASSERT_EQ(predecessor.renew(ruleset.gates[1].port).answer, core::PulseAnswer::acknowledged);
  }
  Store successor({OwnerPolicy::never, Leases::adopt});
  EXPECT_TRUE(successor.start(shared(ruleset)).adopted.empty()) << "a closed gate had a lease";
}

TEST_F(StoreTest, AForgedLeaseIsNotAdopted) {
  core::Ruleset open = with_form(sample(), core::ChainForm::open, "open");
  load(render(open, Nonce::shown) + "add element inet healthgate lease { 18898 timeout 1h }\n");
  ASSERT_THAT(run("nft list set inet healthgate lease"), HasSubstr("18898"));
  Store successor({OwnerPolicy::never, Leases::adopt});
  EXPECT_TRUE(successor.start(shared(open)).adopted.empty());
  EXPECT_THAT(run("nft list set inet healthgate lease"), Not(HasSubstr("18898")));
}

TEST_F(StoreTest, CommentsThatOthersChoseCannotLeaveTheirRule) {
  core::Ruleset hostile =
      with_form(sample(), core::ChainForm::closed,
                "HTTP 200\"\n\t\taccept\n\t}\n}\nflush ruleset # \xff" + std::string(300, 'x'));
  Store store({OwnerPolicy::never, Leases::flush});
  store.start(shared(hostile));
  const std::string there = run("nft list table inet healthgate");
  EXPECT_THAT(there, HasSubstr("comment \"HTTP 200____accept"));
  run("nft delete table inet healthgate");
  load(there);
}

} // namespace
} // namespace healthgate::nft::testing
