// Every sequence of a few events, up to a depth, and from each state that is reached the way back.
#include "unit/core/gate_world.hpp"

#include <functional>
#include <set>
#include <string>

namespace healthgate::test {
namespace {

using namespace std::chrono_literals;

struct Event {
  std::string name;
  std::function<void(GateWorld&)> happen;
};

// Runs all sequences of `events` from `start`, each state once a depth; returns how many states were seen.
std::size_t explore(const GateWorld& start, const std::vector<Event>& events, int depth) {
  std::set<GateWorld> seen{start};
  std::vector<GateWorld> frontier{start};
  for (int level = 0; level < depth; ++level) {
    std::vector<GateWorld> reached;
    for (const auto& state : frontier) {
      for (const auto& event : events) {
        auto next = state;
        event.happen(next);
        next.forget_actions();
        if (testing::Test::HasFailure()) {
          ADD_FAILURE() << "after '" << event.name << "' at depth " << level + 1;
          return seen.size();
        }
        if (seen.insert(next).second) {
          reached.push_back(next);
        }
      }
    }
    frontier = std::move(reached);
  }
  for (const auto& state : seen) {
    auto healed = state;
    int seconds = 0;
    const auto settled = [&healed] {
      return healed.gate().applied() == (healed.verdict() ? core::Applied::open : core::Applied::closed) &&
             healed.lets_in() == healed.verdict() && !healed.shut();
    };
    for (; seconds < 4 && !settled(); ++seconds) {
      healed.calm_second();
    }
    EXPECT_TRUE(settled()) << "not repaired within " << seconds << " decisions";
    if (testing::Test::HasFailure()) {
      break;
    }
  }
  return seen.size();
}

const Event open{"decide open", [](GateWorld& world) { world.decide(true); }};
const Event close{"decide closed", [](GateWorld& world) { world.decide(false); }};
const Event commit{"commit", [](GateWorld& world) { world.commit(); }};
const Event late{"commit, told late", [](GateWorld& world) { world.commit(false); }};
const Event told{"told", [](GateWorld& world) { world.deliver(); }};
const Event second{"a second", [](GateWorld& world) { world.advance(1s); }};
const Event frozen{"frozen for a lease", [](GateWorld& world) { world.freeze(GateWorld::lease); }};
const Event wipe{"wipe", [](GateWorld& world) { world.wipe(); }};
const Event ignored{"pulses ignored", [](GateWorld& world) { world.pulses(GateWorld::Pulses::ignored); }};
const Event silent{"pulses silent", [](GateWorld& world) { world.pulses(GateWorld::Pulses::silent); }};
const Event work{"pulses work", [](GateWorld& world) { world.pulses(GateWorld::Pulses::work); }};
const Event refuse{"refuse", [](GateWorld& world) { world.refuse(); }};
const Event forge{"forge a lease", [](GateWorld& world) { world.forge_lease(); }};
const Event force{"forge an open chain", [](GateWorld& world) { world.forge_chain(ChainForm::open); }};

TEST(ReconcilerExploration, HoldsForEverySequenceOfDecisionsCommitsAndPulses) {
  EXPECT_GT(explore({}, {open, close, commit, second, ignored, silent, work}, 10), 20000U);
}

TEST(ReconcilerExploration, HoldsForEverySequenceWithLateReportsAndFreezes) {
  EXPECT_GT(explore({}, {open, close, late, told, second, frozen}, 8), 20000U);
}

TEST(ReconcilerExploration, HoldsForEverySequenceWithForeignChanges) {
  EXPECT_GT(explore({}, {open, close, commit, second, wipe, forge, force, refuse}, 8), 10000U);
}

TEST(ReconcilerExploration, HoldsForEverySequenceAfterAnAdoption) {
  GateWorld adopted;
  adopted.adopt(2s);
  EXPECT_GT(explore(adopted, {open, close, commit, second, frozen, ignored, work, wipe}, 8), 20000U);
}

} // namespace
} // namespace healthgate::test
