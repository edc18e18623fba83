#include "core/reconciler.hpp"

#include "unit/core/gate_world.hpp"

#include <gmock/gmock.h>

namespace healthgate::test {
namespace {

using namespace std::chrono_literals;
using core::Applied;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;

const TimePoint start{1h};
constexpr Duration lease = GateWorld::lease;

core::PulseResult acknowledged(Duration took = 1us) {
  return {PulseAnswer::acknowledged, EPERM, took};
}

core::PulseResult unanswered() {
  return {PulseAnswer::unanswered, 0, 1us};
}

core::StoreReport proof(std::uint64_t revision) {
  core::StoreReport report;
  report.revision = revision;
  report.in_sync = true;
  report.took = 5us;
  return report;
}

core::StoreReport lost_lease(std::uint64_t revision) {
  auto report = proof(revision);
  report.lease_lost = report.repaired = true;
  return report;
}

core::StoreReport refusal(std::uint64_t revision) {
  core::StoreReport report;
  report.revision = revision;
  report.error = ENOMEM;
  return report;
}

GateWorld open_world() {
  GateWorld world;
  world.decide(true);
  world.commit();
  world.forget_actions();
  return world;
}

TEST(Reconciler, IsUnknownUntilTheStoreHasInstalledTheGate) {
  Reconciler gate(lease);
  EXPECT_EQ(gate.applied(), Applied::unknown);
  gate.start();
  EXPECT_EQ(gate.applied(), Applied::closed);
}

TEST(Reconciler, KnowsAGateOfAReloadAsClosedOnceItsTableIsProven) {
  Reconciler gate(lease);
  gate.on_published(7);
  EXPECT_THAT(gate.decide(false, start), IsEmpty()) << "nothing can be open that never was";
  EXPECT_THAT(gate.on_report(proof(6), start), IsEmpty());
  EXPECT_EQ(gate.applied(), Applied::unknown);
  EXPECT_THAT(gate.on_report(proof(7), start), IsEmpty());
  EXPECT_EQ(gate.applied(), Applied::closed);
}

TEST(Reconciler, OpensByTheChainThenTheFilterThenTheLease) {
  Reconciler gate(lease);
  gate.start();
  EXPECT_THAT(gate.decide(true, start), ElementsAre(Action::publish));
  EXPECT_EQ(gate.form(), ChainForm::open);
  gate.on_published(2);
  EXPECT_THAT(gate.on_report(proof(1), start), IsEmpty()) << "that table had the gate closed";
  EXPECT_THAT(gate.on_report(proof(2), start), ElementsAre(Action::filter_allowed, Action::renew));
  EXPECT_EQ(gate.applied(), Applied::unknown) << "until the pulse is answered";
  EXPECT_THAT(gate.on_renewed(acknowledged(), start), IsEmpty());
  EXPECT_EQ(gate.applied(), Applied::open);
  EXPECT_EQ(gate.lease_end(), start + lease);
}

TEST(Reconciler, TakesALaterTableForAProofToo) {
  Reconciler gate(lease);
  gate.start();
  (void)gate.decide(true, start);
  gate.on_published(2);
  EXPECT_THAT(gate.on_report(proof(9), start), Contains(Action::renew));
}

TEST(Reconciler, TakesNoProofBeforeItsTableIsPublished) {
  Reconciler gate(lease);
  gate.start();
  gate.on_published(1);
  (void)gate.decide(true, start);
  EXPECT_THAT(gate.on_report(proof(1), start), IsEmpty());
}

TEST(Reconciler, TakesNoProofFromAStoreThatIsNotInSync) {
  Reconciler gate(lease);
  gate.start();
  (void)gate.decide(true, start);
  gate.on_published(2);
  auto loading = proof(2);
  loading.in_sync = false;
  EXPECT_THAT(gate.on_report(loading, start), IsEmpty());
}

TEST(Reconciler, DoesNotOpenOnADecisionOlderThanTheLease) {
  Reconciler gate(lease);
  gate.start();
  (void)gate.decide(true, start);
  gate.on_published(2);
  (void)gate.on_time(start + lease - 1ms);
  EXPECT_THAT(gate.on_report(proof(2), start + lease), IsEmpty());
  EXPECT_THAT(gate.decide(true, start + lease + 1ms), Contains(Action::renew));
}

TEST(Reconciler, ClosesByTheRevokeBeforeAnythingElse) {
  auto world = open_world();
  world.decide(false);
  EXPECT_THAT(world.take_actions(),
              ElementsAre(Action::revoke, Action::filter_all, Action::reset_connections, Action::publish));
  EXPECT_EQ(world.gate().applied(), Applied::closed) << "before any transaction";
  EXPECT_EQ(world.gate().form(), ChainForm::closed);
}

TEST(Reconciler, RenewsOnceASecondHoweverOftenItIsDecided) {
  auto world = open_world();
  int renewals = 0;
  for (int i = 0; i < 100; ++i) {
    world.advance(100ms);
    world.decide(true);
    const auto actions = world.take_actions();
    renewals += static_cast<int>(std::count(actions.begin(), actions.end(), Action::renew));
  }
  EXPECT_EQ(renewals, 10);
}

TEST(Reconciler, RenewsAShortLeaseEveryThirdOfIt) {
  Reconciler gate(900ms);
  gate.start();
  (void)gate.decide(true, start);
  gate.on_published(2);
  (void)gate.on_report(proof(2), start);
  (void)gate.on_renewed(acknowledged(), start);
  EXPECT_THAT(gate.decide(true, start + 299ms), IsEmpty());
  EXPECT_THAT(gate.decide(true, start + 300ms), ElementsAre(Action::renew));
}

TEST(Reconciler, ShutsTheListenerWhenARevokeIsNotAnswered) {
  auto world = open_world();
  world.pulses(GateWorld::Pulses::ignored);
  world.decide(false);
  EXPECT_THAT(world.take_actions(), ElementsAre(Action::revoke, Action::shut, Action::filter_all,
                                                Action::reset_connections, Action::verify, Action::publish));
  EXPECT_EQ(world.gate().applied(), Applied::unknown);
  EXPECT_TRUE(world.shut());
  world.commit();
  EXPECT_EQ(world.gate().applied(), Applied::closed) << "the closed form is proven";
  EXPECT_TRUE(world.shut()) << "the lease may still run";
}

TEST(Reconciler, ListensAgainWhenClosedIsProvenAndALaterRevokeAnswered) {
  auto world = open_world();
  world.pulses(GateWorld::Pulses::ignored);
  world.decide(false);
  world.pulses(GateWorld::Pulses::work);
  world.decide(false);
  EXPECT_TRUE(world.shut()) << "answered, but nothing is proven";
  world.commit();
  EXPECT_FALSE(world.shut());
}

TEST(Reconciler, ListensAgainWhenClosedIsProvenAndTheLeaseMustHaveRunOut) {
  auto world = open_world();
  world.pulses(GateWorld::Pulses::ignored);
  world.decide(false);
  world.commit();
  world.advance(lease);
  EXPECT_TRUE(world.shut());
  world.advance(50ms);
  EXPECT_FALSE(world.shut());
  EXPECT_EQ(world.gate().next_deadline(), std::nullopt);
}

TEST(Reconciler, ListensAgainWhenItOpens) {
  auto world = open_world();
  world.pulses(GateWorld::Pulses::ignored);
  world.decide(false);
  world.pulses(GateWorld::Pulses::work);
  world.decide(true);
  EXPECT_TRUE(world.shut());
  world.commit();
  EXPECT_TRUE(world.lets_in());
}

TEST(Reconciler, DropsEverythingAlsoWhenTheListenerIsShutAlready) {
  auto world = open_world();
  world.pulses(GateWorld::Pulses::ignored);
  world.decide(false);
  world.decide(true);
  world.commit();
  ASSERT_TRUE(world.passing() && world.shut()) << "the renew that should have ended it was not answered";
  world.decide(false);
  EXPECT_FALSE(world.passing()) << "or a wiped table would let everyone in once it listens again";
}

TEST(Reconciler, TriesARevokeAgainAtEachDecisionButNotAtEachReport) {
  auto world = open_world();
  world.pulses(GateWorld::Pulses::ignored);
  world.decide(false);
  world.forget_actions();
  world.commit();
  EXPECT_THAT(world.take_actions(), IsEmpty()) << "a kernel that answers nothing must not keep us busy";
  world.decide(false);
  EXPECT_THAT(world.take_actions(), ElementsAre(Action::revoke, Action::verify));
}

TEST(Reconciler, ShutsTheListenerWhenNothingIsProvenWithin50Milliseconds) {
  auto world = open_world();
  Reconciler gate = world.gate();
  ASSERT_THAT(gate.decide(false, start), ElementsAre(Action::revoke, Action::publish));
  gate.on_published(3); // and the pulse brings back nothing at all
  EXPECT_EQ(gate.next_deadline(), start + 50ms);
  EXPECT_THAT(gate.on_time(start + 49ms), IsEmpty());
  EXPECT_THAT(gate.on_time(start + 50ms),
              ElementsAre(Action::shut, Action::filter_all, Action::reset_connections, Action::verify));
}

TEST(Reconciler, HasNoDeadlineAfterAnAnsweredRevoke) {
  auto world = open_world();
  world.decide(false);
  EXPECT_EQ(world.gate().next_deadline(), std::nullopt);
}

TEST(Reconciler, VerifiesARenewThatIsNotAnsweredAndKeepsTheFilter) {
  auto world = open_world();
  world.pulses(GateWorld::Pulses::ignored);
  world.advance(1s);
  world.decide(true);
  EXPECT_THAT(world.take_actions(), ElementsAre(Action::renew, Action::verify));
  EXPECT_EQ(world.gate().applied(), Applied::unknown);
  EXPECT_TRUE(world.passing());
  world.commit();
  EXPECT_THAT(world.take_actions(), IsEmpty()) << "nothing was repaired that could have been in the way";
  world.pulses(GateWorld::Pulses::work);
  world.advance(100ms);
  world.decide(true);
  EXPECT_THAT(world.take_actions(), ElementsAre(Action::renew))
      << "at the next decision, whatever the spacing";
  EXPECT_EQ(world.gate().applied(), Applied::open);
}

TEST(Reconciler, RevokesALeaseThatAnUnansweredRenewMayHaveMade) {
  GateWorld world;
  world.decide(true);
  world.pulses(GateWorld::Pulses::silent);
  world.commit();
  ASSERT_TRUE(world.lets_in());
  world.pulses(GateWorld::Pulses::work);
  world.decide(false);
  EXPECT_FALSE(world.lets_in());
}

TEST(Reconciler, MakesALostLeaseGoodAtOnceButOncePerDecision) {
  auto world = open_world();
  world.advance(500ms);
  world.wipe();
  world.commit();
  EXPECT_THAT(world.take_actions(), ElementsAre(Action::renew));
  EXPECT_TRUE(world.lets_in());
  world.wipe();
  world.commit();
  EXPECT_THAT(world.take_actions(), IsEmpty()) << "a lease that nobody decided on could run for ever";
  EXPECT_EQ(world.gate().applied(), Applied::unknown);
  world.decide(true);
  EXPECT_THAT(world.take_actions(), ElementsAre(Action::renew));
  EXPECT_EQ(world.gate().applied(), Applied::open);
}

TEST(Reconciler, WaitsForAFreshDecisionWhenALeaseIsLost) {
  auto gate = open_world().gate();
  EXPECT_THAT(gate.on_time(start + lease - 1ms), IsEmpty());
  EXPECT_THAT(gate.on_report(lost_lease(2), start + lease), IsEmpty());
  EXPECT_EQ(gate.applied(), Applied::unknown);
}

TEST(Reconciler, RevokesAgainWhenTheLeasesOfAClosedGateWereTouched) {
  GateWorld world;
  world.decide(false);
  world.forge_lease();
  world.commit();
  EXPECT_THAT(world.take_actions(), ElementsAre(Action::revoke));
  EXPECT_EQ(world.gate().applied(), Applied::closed);
}

TEST(Reconciler, DoesNotShutAListenerWhoseFilterDropsEverythingAsItIs) {
  GateWorld world;
  world.decide(false);
  world.pulses(GateWorld::Pulses::ignored);
  world.wipe();
  world.commit();
  EXPECT_THAT(world.take_actions(), ElementsAre(Action::revoke, Action::verify))
      << "a RST would answer strangers";
  EXPECT_FALSE(world.shut());
}

TEST(Reconciler, KeepsAGateOpenWhoseTableWasRepairedWithTheLeaseInIt) {
  auto gate = open_world().gate();
  auto repaired = proof(2);
  repaired.repaired = true;
  EXPECT_THAT(gate.on_report(repaired, start + 1s), IsEmpty());
  EXPECT_EQ(gate.applied(), Applied::open);
}

TEST(Reconciler, ClaimsNothingWhileTheStoreMeetsErrors) {
  auto world = open_world();
  world.refuse();
  EXPECT_EQ(world.gate().applied(), Applied::unknown);
  world.advance(1s);
  world.decide(true);
  EXPECT_THAT(world.take_actions(), ElementsAre(Action::renew)) << "no reason to close";
  EXPECT_EQ(world.gate().applied(), Applied::unknown);
  world.commit();
  EXPECT_EQ(world.gate().applied(), Applied::open);
}

TEST(Reconciler, ClaimsNothingWhileItsNewRulesAreNotWholeInTheKernel) {
  auto gate = open_world().gate();
  auto loading = proof(2);
  loading.in_sync = false; // others' rules are loading
  (void)gate.on_report(loading, start + 1s);
  EXPECT_EQ(gate.applied(), Applied::open);
  gate.on_published(3); // its own are
  (void)gate.on_report(loading, start + 1s);
  EXPECT_EQ(gate.applied(), Applied::unknown);
  (void)gate.on_report(proof(3), start + 1s);
  EXPECT_EQ(gate.applied(), Applied::open);
}

TEST(Reconciler, ClaimsNothingWhenNoTableIsProvenAtAll) {
  auto gate = open_world().gate();
  (void)gate.on_report(refusal(0), start + 1s);
  EXPECT_EQ(gate.applied(), Applied::unknown);
}

TEST(Reconciler, IsUnknownWhenItsLeaseHasLapsed) {
  auto world = open_world();
  world.advance(lease - 1ms);
  EXPECT_EQ(world.gate().applied(), Applied::open);
  world.advance(1ms);
  EXPECT_EQ(world.gate().applied(), Applied::unknown);
  EXPECT_THAT(world.take_actions(), IsEmpty());
}

TEST(Reconciler, LetsNobodyInPastAMissingTableForLongerThanALease) {
  auto world = open_world();
  world.wipe();
  world.refuse();
  EXPECT_TRUE(world.lets_in()) << "the allowed sources, by the socket filter: it may be back any moment";
  for (auto passed = 0ms; passed < lease; passed += 1s) {
    world.decide(true);
    world.refuse();
    world.advance(1s);
  }
  EXPECT_FALSE(world.lets_in());
  EXPECT_EQ(world.gate().applied(), Applied::unknown);
  for (int more = 0; more < 5; ++more) {
    world.forget_actions();
    world.decide(true); // a force-open says so again and again
    EXPECT_THAT(world.take_actions(), Not(Contains(Action::filter_allowed)));
    world.advance(1s);
  }
  world.commit();
  world.decide(true);
  EXPECT_TRUE(world.lets_in());
}

TEST(Reconciler, DoesNotRenewOnWhatWasDecidedBeforeAGap) {
  auto world = open_world();
  world.freeze(lease);
  world.decide(true); // the answer to a probe from before
  EXPECT_THAT(world.take_actions(), IsEmpty());
  EXPECT_EQ(world.gate().applied(), Applied::unknown);
  world.advance(100ms);
  world.decide(true);
  EXPECT_THAT(world.take_actions(), ElementsAre(Action::renew));
}

TEST(Reconciler, DoesNotRenewOnItEitherWhenAReportOrATimerComesFirst) {
  auto world = open_world();
  world.freeze(lease);
  world.wake();
  world.commit();
  world.decide(true);
  EXPECT_THAT(world.take_actions(), IsEmpty());
  world.decide(true);
  EXPECT_THAT(world.take_actions(), ElementsAre(Action::renew));
}

TEST(Reconciler, ClosesOnWhatWasDecidedBeforeAGap) {
  auto world = open_world();
  world.freeze(lease);
  world.decide(false);
  EXPECT_THAT(world.take_actions(), Contains(Action::revoke));
}

TEST(Reconciler, ForgetsAGapOnceTheGateHasClosed) {
  auto world = open_world();
  world.freeze(lease);
  world.decide(false);
  world.decide(true);
  world.commit();
  world.advance(1s);
  world.forget_actions();
  world.decide(true);
  EXPECT_THAT(world.take_actions(), ElementsAre(Action::renew));
}

TEST(Reconciler, KeepsAnAdoptedGateOpenUntilTheFirstDecision) {
  GateWorld world;
  world.adopt(2s);
  EXPECT_EQ(world.gate().applied(), Applied::open);
  world.advance(1999ms);
  EXPECT_THAT(world.take_actions(), IsEmpty());
  world.decide(true);
  EXPECT_THAT(world.take_actions(), ElementsAre(Action::renew));
  world.advance(lease - 1ms);
  EXPECT_TRUE(world.lets_in());
}

TEST(Reconciler, ClosesAnAdoptedGateAtTheEndOfItsLease) {
  GateWorld world;
  world.adopt(2s);
  world.advance(2s);
  EXPECT_THAT(world.take_actions(),
              ElementsAre(Action::revoke, Action::filter_all, Action::reset_connections, Action::publish));
  EXPECT_FALSE(world.gate().wants_open());
}

TEST(Reconciler, RenewsAnAdoptedGateOnNoReport) {
  GateWorld world;
  world.adopt(2s);
  world.take_lease();
  world.commit();
  EXPECT_THAT(world.take_actions(), Not(Contains(Action::renew)));
}

TEST(Reconciler, TellsHowLongAChangeTook) {
  auto gate = open_world().gate();
  (void)gate.decide(false, start);
  gate.on_published(3);
  (void)gate.on_revoked(acknowledged(7us));
  EXPECT_EQ(gate.times().revoke, 7us);
  EXPECT_EQ(gate.times().commit, std::nullopt);
  (void)gate.on_report(proof(3), start + 1ms);
  EXPECT_EQ(gate.times().commit, 5us);
  (void)gate.decide(true, start + 1s);
  EXPECT_EQ(gate.times(), Reconciler::Times{}) << "of the last change, not of the one before";
}

TEST(Reconciler, RenewsByAChangedLease) {
  auto gate = open_world().gate();
  gate.set_lease(10s);
  (void)gate.decide(true, start + 1s);
  (void)gate.on_renewed(acknowledged(), start + 1s);
  EXPECT_EQ(gate.lease_end(), start + 11s);
}

using ReconcilerDeathTest = testing::Test;

TEST(ReconcilerDeathTest, ARenewWhileClosedIsABug) {
  Reconciler gate(lease);
  gate.start();
  EXPECT_DEBUG_DEATH((void)gate.on_renewed(acknowledged(), start), "wanted_");
}

TEST(Reconciler, BelievesNoLeaseThatWasNotAcknowledged) {
  auto gate = open_world().gate();
  (void)gate.on_renewed(unanswered(), start);
  EXPECT_EQ(gate.lease_end(), std::nullopt);
}

} // namespace
} // namespace healthgate::test
