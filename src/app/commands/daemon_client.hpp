// How a command talks to the daemon: finds its socket, asks, and turns what comes into an exit code.
#pragma once

#include "app/commands/command.hpp"
#include "base/result.hpp"
#include "control/client.hpp"

#include <chrono>
#include <filesystem>
#include <string>

namespace healthgate::app {

inline constexpr std::chrono::milliseconds answer_limit{5000};
// A reload reads allow-files of a million lines, a probe waits for its timeout.
inline constexpr std::chrono::milliseconds long_answer_limit{60000};

// --control, HEALTHGATE_CONTROL_SOCKET, `control-socket` of the configuration's files, the default. Nothing
// else of the configuration is judged: one with errors, or one that this user may not read, must not hide a
// daemon that runs. The failure is one sentence.
[[nodiscard]] base::Result<std::filesystem::path, std::string> control_socket(const Arguments& arguments);

// HEALTHGATE_STATE_DIR, `state-dir` of the configuration's files, the default; as above.
[[nodiscard]] base::Result<std::filesystem::path, std::string> state_directory(const Arguments& arguments);

// A request with what all have in common: who called sudo(8).
[[nodiscard]] control::Request make_request(control::Command command);

// Asks the daemon that `arguments` name. The failure says why there is no answer.
[[nodiscard]] base::Result<control::Response, std::string>
try_daemon(const Arguments& arguments, const control::Request& request,
           std::chrono::milliseconds longest = answer_limit);

// The same with a refusal as a failure too; the result as JSON text. Otherwise the sentence is on stderr, and
// the failure is the exit code.
[[nodiscard]] base::Result<std::string, int> ask_daemon(const Arguments& arguments,
                                                        const control::Request& request,
                                                        std::chrono::milliseconds longest = answer_limit);

// The same for drain, force-open, auto, probe-now and reload: prints the message; returns the exit code.
[[nodiscard]] int carry_out(const Arguments& arguments, const control::Request& request,
                            std::chrono::milliseconds longest = answer_limit);

// Takes GATE|--all, --for and --reason over into `request`. On wrong usage prints one sentence and returns
// false.
[[nodiscard]] bool take_gate_or_all(const Arguments& arguments, control::Request& request);
[[nodiscard]] bool take_duration_and_reason(const Arguments& arguments, control::Request& request);

// Prints "healthgate COMMAND: sentence" on stderr; returns `exit_code`.
int complain(control::Command command, const std::string& sentence, int exit_code);
// 1 when the daemon's answer is no, 2 when it cannot be told.
[[nodiscard]] int exit_code_of(control::Refusal kind);

} // namespace healthgate::app
