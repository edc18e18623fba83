#include "control/reply.hpp"

#include <utility>

namespace healthgate::control {

struct Reply::State {
  std::weak_ptr<void> client;
  Deliver deliver; // empty once it has been called

  State(std::weak_ptr<void> client_, Deliver deliver_)
      : client(std::move(client_)), deliver(std::move(deliver_)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    Answer answer;
    answer.error = "the daemon gave this request no answer";
    give(std::move(answer));
  }

  void give(Answer answer) {
    const auto call = std::exchange(deliver, nullptr);
    // The lock keeps the client while it is being told.
    if (const auto alive = client.lock(); alive && call) {
      call(std::move(answer));
    }
  }
};

Reply::Reply(std::weak_ptr<void> client, Deliver deliver)
    : state_(std::make_shared<State>(std::move(client), std::move(deliver))) {}

void Reply::ok(std::string result) const {
  hand_over(std::move(result), {});
}

void Reply::ok(const Message& message) const {
  hand_over(to_json(message), {});
}

void Reply::hand_over(std::string result, std::vector<loop::NamedFd> descriptors) const {
  Answer answer;
  answer.ok = true;
  answer.result = std::move(result);
  answer.descriptors = std::move(descriptors);
  state_->give(std::move(answer));
}

void Reply::refuse(std::string sentence, Refusal kind) const {
  Answer answer;
  answer.kind = kind;
  answer.error = std::move(sentence);
  state_->give(std::move(answer));
}

bool Reply::wanted() const {
  return state_->deliver && !state_->client.expired();
}

} // namespace healthgate::control
