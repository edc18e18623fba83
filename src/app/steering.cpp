#include "app/steering.hpp"

#include "core/duration_text.hpp"
#include "observe/json.hpp"

#include <algorithm>
#include <memory>
#include <utility>

namespace healthgate::app {
namespace {

using control::Command;
using control::Refusal;

control::ServerOptions options_of(const config::Config& config, bool replaces) {
  control::ServerOptions options;
  options.path = config.control_socket;
  options.status_public = config.status_public;
  options.replace_live = replaces;
  return options;
}

std::string names_of(const std::vector<std::unique_ptr<Gate>>& gates) {
  std::string names;
  for (const auto& gate : gates) {
    names += (names.empty() ? "" : ", ") + gate->config().name;
  }
  return names;
}

// Lines for a person, one a gate.
std::string line_of(const Gate& gate, const std::string& what) {
  return gate.config().name + " " + what + "\n";
}

// What several probes found, told once all have answered.
struct ProbeRound {
  std::string text;
  bool all_passed = true;
  std::size_t missing = 0;
};

} // namespace

Steering::Steering(loop::EventLoop& loop, Daemon& daemon, bool replaces)
    : loop_(loop), daemon_(daemon),
      server_(loop, options_of(daemon.config(), replaces),
              {[this](const control::Request& request, const control::Peer& peer, control::Reply reply) {
                 handle(request, peer, std::move(reply));
               },
               [this](const control::Peer& peer) { successor_left(peer); }}) {}

base::Result<void, std::string> Steering::listen() {
  return server_.listen();
}

void Steering::handle(const control::Request& request, const control::Peer& peer, control::Reply reply) {
  switch (request.command) {
  case Command::status:
  case Command::watch:
  case Command::history:
    tell_status(request, reply);
    break;
  case Command::drain:
  case Command::force_open:
    override_gates(request, peer, reply);
    break;
  case Command::automatic:
    end_overrides(request, peer, reply);
    break;
  case Command::probe_now:
    probe_now(request, std::move(reply));
    break;
  case Command::reload:
    reload(reply);
    break;
  case Command::takeover:
    hand_over(request, peer, reply);
    break;
  }
}

// The gates that a request means; empty when the answer has been given already.
std::vector<Gate*> Steering::gates_of(const control::Request& request, const control::Reply& reply) {
  std::vector<Gate*> gates;
  if (request.gate.empty()) {
    std::transform(daemon_.gates().begin(), daemon_.gates().end(), std::back_inserter(gates),
                   [](const auto& gate) { return gate.get(); });
    return gates;
  }
  if (auto* const gate = daemon_.find(request.gate)) {
    gates.push_back(gate);
  } else {
    reply.refuse("no gate is called '" + request.gate + "'; there are: " + names_of(daemon_.gates()),
                 Refusal::usage);
  }
  return gates;
}

void Steering::tell_status(const control::Request& request, const control::Reply& reply) {
  if (gates_of(request, reply).empty() || !reply.wanted()) {
    return;
  }
  auto snapshot = daemon_.snapshot();
  if (!request.gate.empty()) {
    auto& gates = snapshot.gates;
    gates.erase(std::remove_if(gates.begin(), gates.end(),
                               [&](const auto& gate) { return gate.name != request.gate; }),
                gates.end());
  }
  reply.ok(observe::to_json(snapshot));
}

void Steering::override_gates(const control::Request& request, const control::Peer& peer,
                              const control::Reply& reply) {
  const auto gates = gates_of(request, reply);
  if (gates.empty()) {
    return;
  }
  const auto now = loop_.now().wall;
  core::OverrideOrder order;
  order.kind = request.command == Command::drain ? core::OverrideKind::drain : core::OverrideKind::force_open;
  order.since = now;
  if (request.duration) {
    order.until = now + *request.duration;
  }
  order.who = control::who(peer, request);
  order.reason = request.reason;
  const std::string how_long =
      request.duration ? " for " + core::duration_text(*request.duration) : " until `auto`";
  std::string text;
  for (auto* const gate : gates) {
    const auto problem = gate->order(order);
    if (!problem.empty()) {
      reply.refuse(problem);
      return;
    }
    text += line_of(*gate,
                    (order.kind == core::OverrideKind::drain ? "is drained" : "is forced open") + how_long);
  }
  server_.changed();
  reply.ok(control::Message{text, true});
}

void Steering::end_overrides(const control::Request& request, const control::Peer& peer,
                             const control::Reply& reply) {
  const auto gates = gates_of(request, reply);
  if (gates.empty()) {
    return;
  }
  const auto who = control::who(peer, request);
  std::string text;
  for (auto* const gate : gates) {
    const auto problem = gate->end_override(who);
    if (!problem.empty()) {
      reply.refuse(problem);
      return;
    }
    text += line_of(*gate, "follows its probes");
  }
  server_.changed();
  reply.ok(control::Message{text, true});
}

void Steering::probe_now(const control::Request& request, control::Reply reply) {
  const auto gates = gates_of(request, reply);
  if (gates.empty()) {
    return;
  }
  const auto round = std::make_shared<ProbeRound>();
  for (const auto* const gate : gates) {
    round->missing += gate->config().probes.size();
  }
  for (auto* const gate : gates) {
    const auto& config = gate->config();
    gate->probe_now([round, reply, config](std::size_t index, const core::ProbeResult& result) {
      const auto name =
          config.probes.size() > 1 ? config.name + " " + config.probes[index].name : config.name;
      round->text += name + ": " + (result.passed ? "passed: " : "failed: ") + result.detail + " in " +
                     core::duration_text(result.took) + "\n";
      round->all_passed = round->all_passed && result.passed;
      if (--round->missing == 0) {
        reply.ok(control::Message{round->text, round->all_passed});
      }
    });
  }
}

void Steering::reload(const control::Reply& reply) {
  daemon_.reload([this, reply](const std::string& problem) {
    server_.set_status_public(daemon_.config().status_public);
    server_.changed();
    if (problem.empty()) {
      reply.ok(control::Message{"reloaded\n", true});
    } else {
      reply.refuse("the configuration has errors, nothing was changed:\n" + problem);
    }
  });
}

// "begin" gives the descriptors away, and we stand still; "commit" says that the successor holds the gates. A
// connection that ends in between lets us go on.
void Steering::hand_over(const control::Request& request, const control::Peer& peer,
                         const control::Reply& reply) {
  const bool begun = successor_ == peer.connection;
  if (request.step == "commit" && begun) {
    successor_.reset();
    daemon_.leave();
    return; // the end of the process is the answer
  }
  if (request.step != "begin") {
    reply.refuse("a takeover begins with step \"begin\"", Refusal::usage);
    return;
  }
  if (successor_) {
    reply.refuse("another successor is taking over already");
    return;
  }
  auto descriptors = daemon_.hand_over();
  if (!descriptors) {
    reply.refuse(descriptors.error());
    return;
  }
  successor_ = peer.connection;
  reply.hand_over("{}", std::move(descriptors).value());
}

void Steering::successor_left(const control::Peer& peer) {
  if (successor_ == peer.connection) {
    successor_.reset();
    daemon_.take_back();
  }
}

} // namespace healthgate::app
