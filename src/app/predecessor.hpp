// The daemon whose place we take: `healthgate run --takeover`, for hosts without a service manager that keeps
// descriptors. It stands still from begin() until finish(), or until this is destroyed: then it goes on.
#pragma once

#include "base/result.hpp"
#include "control/client.hpp"
#include "loop/notify.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace healthgate::app {

class Predecessor {
public:
  // Asks the daemon on `control_socket` for its listeners and its table; blocks for 5 s at most. None where
  // no daemon runs. The failure is a sentence.
  static base::Result<std::optional<Predecessor>, std::string>
  begin(const std::filesystem::path& control_socket);

  [[nodiscard]] std::vector<loop::NamedFd> take_descriptors() { return client_.take_descriptors(); }
  // Our gates stand: lets it end, and waits for that, 2 s at most. "" or a sentence; it moves nothing any
  // more in either case, as long as this lives.
  [[nodiscard]] std::string finish();

private:
  explicit Predecessor(control::Client client) : client_(std::move(client)) {}

  control::Client client_;
};

} // namespace healthgate::app
