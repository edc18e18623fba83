// metrics-listen's answers to any request: method, path and Authorization are lines of the input, and the
// fourth is the token that is asked for. Sockets and the parsing of HTTP are libmicrohttpd's.
//
// Beside not crashing: nothing but /livez and /readyz is told without the token, and no answer carries what
// came with the request.
#include "observe/http_routes.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace {

using namespace healthgate;
using namespace healthgate::observe;

void require(bool condition, const char* what, std::string_view detail) {
  if (!condition) {
    std::fprintf(stderr, "%s\n%.*s\n", what, static_cast<int>(detail.size()), detail.data());
    std::abort();
  }
}

std::string_view take_line(std::string_view& rest) {
  const std::string_view line = rest.substr(0, rest.find('\n'));
  rest.remove_prefix(std::min(rest.size(), line.size() + 1));
  return line;
}

// A gate whose every text is the input's rest: whatever a service may say.
HttpSource source_saying(std::string_view text) {
  auto snapshot = std::make_shared<core::Snapshot>();
  core::GateSnapshot gate;
  gate.name = "router";
  gate.reason = gate.port_problem = text;
  gate.denied_sources.push_back({std::string(text), 1, 1});
  snapshot->gates.push_back(gate);
  snapshot->node = snapshot->last_reload_error = text;
  snapshot->last_reload_ok = false;
  HttpSource source;
  source.snapshot = [snapshot] { return snapshot; };
  source.stalled_for = [] { return core::Duration{}; };
  source.process = [] { return ProcessStats{}; };
  return source;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view rest(reinterpret_cast<const char*>(data), size); // bytes are what char is
  HttpRequest request;
  request.method = take_line(rest);
  request.path = take_line(rest);
  request.authorization = take_line(rest);
  const std::string_view token = take_line(rest);
  const HttpReply reply = answer(request, source_saying(rest), token);
  const bool open_to_all = request.path == "/livez" || request.path == "/readyz";
  const bool carries = request.authorization.find(token) != std::string_view::npos ||
                       request.authorization.substr(0, 5).size() == 5; // perhaps as base64
  require(reply.status != 200 || open_to_all || token.empty() || carries, "told without the token",
          request.path);
  if (reply.content_type == "text/html; charset=utf-8") {
    const auto first = reply.body.find("<script");
    require(first != std::string::npos && reply.body.find("<script", first + 1) == std::string::npos,
            "a script that is not ours", rest);
    require(reply.body.find("<img") == std::string::npos, "markup that is not ours", rest);
  }
  return 0;
}
