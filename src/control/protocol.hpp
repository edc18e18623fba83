// What goes over the control socket: one JSON object a line, both ways.
//
//   {"v":1,"id":7,"command":"drain","gate":"router","for_ms":1800000,"reason":"kernel update"}
//   {"v":1,"id":7,"ok":true,"result":{"message":"router is drained for 30m"}}
//   {"v":1,"id":7,"ok":false,"kind":"usage","error":"no gate is called 'ruter'"}
//
// Requests may be sent one behind the other without waiting; answers carry the request's id and may come in
// another order. `watch` is answered many times, each with "more":true, until the client closes.
//
// Reading is strict: an unknown command or field, a field twice, a wrong type, bad UTF-8 or another version
// is refused with one sentence, because a field that is passed over in silence (`for_ms`) changes what is
// done.
#pragma once

#include "base/result.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace healthgate::control {

inline constexpr std::uint64_t protocol_version = 1;
inline constexpr std::size_t request_limit_bytes = 64 * 1024; // of a line, without its newline
inline constexpr std::size_t reason_limit_bytes = 256;
inline constexpr std::chrono::hours longest_override{
    1'000'000}; // 114 years; the config's limit of a duration

enum class Command {
  status,     // the snapshot, of one gate or of all
  watch,      // the same, again and again
  history,    // the snapshot for its transitions
  drain,      // close a gate
  force_open, // open a gate
  automatic,  // "auto": end an override
  probe_now,  // probe at once and tell what came of it
  reload,     // read the configuration again
  takeover,   // hand listeners and state to a successor: step "begin", then "commit"
};

struct Request {
  std::uint64_t id = 0; // the client's; comes back with the answer
  Command command = Command::status;
  std::string gate;                                  // "": all gates, where the command allows it
  bool all = false;                                  // said explicitly, as drain and auto want it
  std::optional<std::chrono::milliseconds> duration; // "for_ms": end the override by itself
  std::string reason;
  std::string step;      // of takeover
  std::string sudo_user; // a claim of the client: who called sudo(8)
};

// Which kind of no an answer is; the client makes its exit code of it.
enum class Refusal {
  refused, // understood, and the answer is no: a config with errors, a force-open of a drained gate
  usage,   // the request makes no sense here: no such gate, an unknown field
  denied,  // the peer may not
  failed,  // it cannot be told, or something broke
};

struct Response {
  std::uint64_t id = 0;
  bool ok = false;
  bool more = false;                    // others of the same id follow
  std::string result;                   // JSON text; with ok
  std::vector<std::string> descriptors; // names of the descriptors that came along, in their order
  Refusal kind = Refusal::failed;       // without ok
  std::string error;                    // one sentence; without ok
};

// Why a line is no request, and the id to answer to: 0 when the line has none that can be read.
struct BadRequest {
  std::uint64_t id = 0;
  std::string sentence;
};

// `line` is without its newline.
[[nodiscard]] base::Result<Request, BadRequest> parse_request(std::string_view line);
// The failure is one sentence. Fields that a later daemon may add are passed over.
[[nodiscard]] base::Result<Response, std::string> parse_response(std::string_view line);

// With the newline. What is no UTF-8 is replaced. `result` must be JSON text; its line ends, which JSON
// allows between tokens alone, become blanks.
[[nodiscard]] std::string to_line(const Request& request);
[[nodiscard]] std::string to_line(const Response& response);

// "drain", "force-open", "auto", ...
[[nodiscard]] const char* to_string(Command command);
// Whether it only tells; everything else needs the right to steer.
[[nodiscard]] bool only_reads(Command command);

// What drain, force-open, auto, probe-now and reload give as result: lines for a person. `good` is false when
// the command was done and what it found is bad: a probe that failed.
struct Message {
  std::string text;
  bool good = true;
};
[[nodiscard]] std::string to_json(const Message& message);
[[nodiscard]] base::Result<Message, std::string> message_from_json(std::string_view json);

} // namespace healthgate::control
