// Random histories of one gate, from probe results to the kernel: GateDecider, Override and Reconciler
// together.
#include "core/gate_decider.hpp"
#include "core/override.hpp"
#include "unit/core/gate_world.hpp"

#include <random>
#include <string>

namespace healthgate::test {
namespace {

using namespace std::chrono_literals;
using core::Applied;
using core::Health;

constexpr int histories = 3000;
constexpr int events_per_history = 120;

// The glue that app/ has for real, and a world that is against it.
class Node {
public:
  explicit Node(unsigned seed) : random_(seed), decider_({{{2, 2, false}}, 0, {}, {}}) {}

  // Something happens; its name.
  std::string happen() {
    switch (pick(21)) {
    case 0:
    case 1:
    case 2:
    case 3:
      probe(true);
      return "pass";
    case 4:
    case 5:
      probe(false);
      return "fail";
    case 6:
      order(core::OverrideKind::drain);
      return "drain";
    case 7:
      order(core::OverrideKind::force_open);
      return "force open";
    case 8:
      (void)override_.end();
      decide();
      return "auto";
    case 9:
      wall_ += std::chrono::minutes(pick(240) - 120);
      decide();
      return "wall clock set";
    case 10:
    case 11:
      world_.commit();
      return "commit";
    case 12:
      world_.commit(false);
      return "commit, told late";
    case 13:
      world_.deliver(pick(2) == 0);
      return "told, perhaps out of order";
    case 14:
      world_.refuse();
      return "refused";
    case 15:
      world_.advance(std::chrono::milliseconds(pick(4000)));
      return "time";
    case 16:
      world_.freeze(std::chrono::milliseconds(pick(8000)));
      return "frozen";
    case 17:
      world_.wake();
      return "awake";
    case 18:
      world_.pulses(static_cast<GateWorld::Pulses>(pick(3)));
      return "pulses";
    case 19:
      return tamper();
    default:
      world_.advance(100ms);
      return "a little time";
    }
  }

  // The faults end; the service stays as it is.
  [[nodiscard]] bool settles_within(int decisions) {
    world_.pulses(GateWorld::Pulses::work);
    for (int i = 0; i < decisions && !settled(); ++i) {
      world_.commit();
      decide();
      world_.commit();
      world_.advance(1s);
    }
    return settled();
  }
  [[nodiscard]] bool settled() const {
    return world_.gate().applied() == (verdict() ? Applied::open : Applied::closed) &&
           world_.lets_in() == verdict() && !world_.shut();
  }
  [[nodiscard]] const GateWorld& world() const { return world_; }
  [[nodiscard]] bool verdict() const {
    const auto order = override_.effective();
    return order ? order->kind == core::OverrideKind::force_open : decider_.health() == Health::open;
  }

private:
  int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  void probe(bool passed) {
    core::ProbeResult result;
    result.passed = passed;
    (void)decider_.on_result(0, result, world_.now());
    decide();
  }
  void order(core::OverrideKind kind) {
    core::OverrideOrder order;
    order.kind = kind;
    order.since = wall_;
    if (pick(2) == 0) {
      order.until = wall_ + std::chrono::minutes(pick(60));
    }
    (void)override_.order(order);
    decide();
  }
  void decide() {
    (void)override_.on_time(wall_);
    world_.decide(verdict());
  }
  std::string tamper() {
    switch (pick(5)) {
    case 0:
      world_.wipe();
      return "table wiped";
    case 1:
      world_.forge_lease();
      return "lease forged";
    case 2:
      world_.take_lease();
      return "lease taken";
    case 3:
      world_.forge_chain(ChainForm::open);
      return "chain forged open";
    default:
      world_.forge_chain(ChainForm::closed);
      return "chain forged closed";
    }
  }

  std::mt19937 random_;
  core::GateDecider decider_;
  core::Override override_;
  core::WallTime wall_{std::chrono::hours(24 * 365 * 50)};
  GateWorld world_;
};

std::string told(const std::vector<std::string>& history) {
  std::string text;
  for (const auto& event : history) {
    text += (text.empty() ? "" : ", ") + event;
  }
  return text;
}

TEST(ReconcilerProperty, IsNeverHeldOpenWhileTheVerdictIsClosedAndFindsBackFromEverything) {
  int opened = 0;
  for (unsigned seed = 0; seed < histories && !HasFailure(); ++seed) {
    Node node(seed);
    std::vector<std::string> history;
    for (int i = 0; i < events_per_history && !HasFailure(); ++i) {
      history.push_back(node.happen());
      opened += node.world().lets_in() ? 1 : 0;
    }
    EXPECT_TRUE(node.settles_within(4));
    if (HasFailure()) {
      ADD_FAILURE() << "seed " << seed << ": " << told(history);
    }
  }
  EXPECT_GT(opened, histories * events_per_history / 50) << "the histories hardly ever open a gate";
}

// A quiet node: no faults, a service that dies and recovers, commits that come late at times.
TEST(ReconcilerProperty, NeverLosesAConnectOfAHealthyServiceWhileNobodyInterferes) {
  for (unsigned seed = 0; seed < 200 && !HasFailure(); ++seed) {
    std::mt19937 random(seed);
    GateWorld world;
    world.decide(true);
    world.commit();
    for (int i = 0; i < 200; ++i) {
      world.advance(std::chrono::milliseconds(random() % 1000));
      ASSERT_TRUE(world.lets_in());
      world.decide(true);
      ASSERT_TRUE(world.lets_in());
      if (random() % 10 == 0) {
        world.commit(random() % 2 == 0); // other gates' tables
        ASSERT_TRUE(world.lets_in());
      }
      world.forget_actions();
    }
  }
}

} // namespace
} // namespace healthgate::test
