// The answer that a handler owes to a request. It may be given at once or later (a probe has to come back
// first), and the client may have gone meanwhile: then it goes nowhere.
#pragma once

#include "control/protocol.hpp"
#include "loop/notify.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace healthgate::control {

struct Answer {
  bool ok = false;
  std::string result;                     // JSON text
  std::vector<loop::NamedFd> descriptors; // go to the client with the result (SCM_RIGHTS), and close here
  Refusal kind = Refusal::failed;
  std::string error;
};

// A handle: copies answer the same request, the first answer counts. When the last copy goes without an
// answer the client is told so, so that it never waits in vain. For the loop's thread alone.
class Reply {
public:
  using Deliver = std::function<void(Answer)>;

  // `deliver` is called once, and only while `client` is alive.
  Reply(std::weak_ptr<void> client, Deliver deliver);

  void ok(std::string result) const; // JSON text
  void ok(const Message& message) const;
  void hand_over(std::string result, std::vector<loop::NamedFd> descriptors) const;
  // `sentence` without a dot at its end, as all our sentences in answers.
  void refuse(std::string sentence, Refusal kind = Refusal::refused) const;

  // False when nobody waits any more: an expensive answer may be left out.
  [[nodiscard]] bool wanted() const;

private:
  struct State;
  std::shared_ptr<State> state_;
};

} // namespace healthgate::control
