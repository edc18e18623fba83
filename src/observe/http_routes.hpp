// What metrics-listen answers, as a function of a request: routing, permission, liveness. Knows no socket.
#pragma once

#include "core/snapshot.hpp"
#include "observe/process_stats.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace healthgate::observe {

// A deciding thread that made no progress for longer is stuck: /livez turns red.
inline constexpr core::Duration longest_stall = std::chrono::seconds(5);

struct HttpRequest {
  std::string_view method;
  std::string_view path;          // without the query
  std::string_view authorization; // the header's value, "" when there is none
};

struct HttpReply {
  int status = 200;
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers; // beside Content-Type
};

// Where answers come from. Called on the server's thread.
struct HttpSource {
  // The daemon as it is, or as it last was when the deciding thread does not answer; null before the first.
  std::function<std::shared_ptr<const core::Snapshot>()> snapshot;
  // For how long the deciding thread has made no progress.
  std::function<core::Duration()> stalled_for;
  std::function<ProcessStats()> process;
};

// The answer to `request`. With a `token`, every path but /livez and /readyz wants it: as a bearer token
// (RFC 6750), or as the password of whatever user (RFC 7617), which is how a person's browser can send it. A
// HEAD gets GET's answer; the server leaves the body out.
[[nodiscard]] HttpReply answer(const HttpRequest& request, const HttpSource& source, std::string_view token);

// `snapshot` as it must be told when nothing has been heard for `stalled`: a gate whose lease has run out
// meanwhile is not claimed to be open.
[[nodiscard]] core::Snapshot as_of_a_stall(core::Snapshot snapshot, core::Duration stalled);

} // namespace healthgate::observe
