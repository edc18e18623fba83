#include "app/predecessor.hpp"

#include <chrono>
#include <utility>

namespace healthgate::app {
namespace {

using Kind = control::ClientError::Kind;

constexpr std::chrono::milliseconds begin_limit{5000};
constexpr std::chrono::milliseconds end_limit{2000};

control::Request step(const char* name) {
  control::Request request;
  request.command = control::Command::takeover;
  request.step = name;
  return request;
}

} // namespace

base::Result<std::optional<Predecessor>, std::string>
Predecessor::begin(const std::filesystem::path& control_socket) {
  auto client = control::Client::connect(control_socket, begin_limit);
  if (!client) {
    const auto kind = client.error().kind;
    if (kind == Kind::missing || kind == Kind::refused) {
      return std::optional<Predecessor>();
    }
    return base::Failure{client.error().sentence};
  }
  const auto answer = client.value().ask(step("begin"), begin_limit);
  if (!answer) {
    return base::Failure{answer.error().sentence};
  }
  if (!answer.value().ok) {
    return base::Failure{answer.value().error};
  }
  return std::optional<Predecessor>(Predecessor(std::move(client).value()));
}

std::string Predecessor::finish() {
  const auto answer = client_.ask(step("commit"), end_limit);
  if (answer) {
    return answer.value().ok ? "" : answer.value().error;
  }
  return answer.error().kind == Kind::closed ? "" : answer.error().sentence;
}

} // namespace healthgate::app
