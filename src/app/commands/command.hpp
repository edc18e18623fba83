// The subcommands: one table drives parsing, --help, the usage errors, the man page's test and the
// completion. Each command is one file beside this one, with one function that returns the process's exit
// code.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace healthgate::app {

// Exit codes of all commands; the daemon's are sysexits.h's.
inline constexpr int exit_done = 0;
inline constexpr int exit_no = 1;         // the answer is no: errors found, a probe failed, drift
inline constexpr int exit_unknown = 2;    // wrong usage, or it cannot be told
inline constexpr int exit_privilege = 77; // EX_NOPERM
inline constexpr int exit_config = 78;    // EX_CONFIG
inline constexpr int exit_os = 71;        // EX_OSERR

struct OptionSpec {
  std::string name;     // long, without dashes
  char letter = 0;      // short form, or 0
  std::string argument; // "FILE", or "" for a flag
  std::string help;     // one line
};

// What the user typed after the command's name, checked against its table row.
class Arguments {
public:
  std::vector<std::string> operands;
  std::map<std::string, std::string> options; // long name -> value, "" for a flag
  std::vector<std::pair<std::string, std::string>>
      config_overrides; // --log-level=debug, --gate.router.port=1

  [[nodiscard]] bool has(const std::string& name) const { return options.count(name) != 0; }
  [[nodiscard]] std::string value(const std::string& name, const std::string& otherwise = "") const {
    const auto found = options.find(name);
    return found == options.end() ? otherwise : found->second;
  }
  [[nodiscard]] std::string operand(std::size_t index) const {
    return index < operands.size() ? operands[index] : std::string();
  }
};

struct CommandSpec {
  std::string name;
  std::string operands; // "[GATE]", "GATE|--all", ""
  std::string summary;  // one line
  std::size_t least_operands = 0;
  std::size_t most_operands = 0;
  bool takes_config_keys = false; // --KEY=VALUE and --gate.NAME.KEY=VALUE
  std::vector<OptionSpec> options;
  std::string exit_codes; // for --help
  int (*execute)(const Arguments&) = nullptr;
};

// In the order of --help.
[[nodiscard]] const std::vector<CommandSpec>& all_commands();

// Parses the words after the command's name. On wrong usage returns false with one sentence in `error`.
[[nodiscard]] bool parse_arguments(const CommandSpec& spec, const std::vector<std::string>& words,
                                   Arguments& arguments, std::string& error);

[[nodiscard]] std::string help_text(const CommandSpec& spec);
[[nodiscard]] std::string overview_text();

// argv to exit code; throws what `run` throws when the daemon cannot start.
[[nodiscard]] int dispatch(const std::vector<std::string>& words);

int run_command(const Arguments& arguments);
int check_command(const Arguments& arguments);
int probe_command(const Arguments& arguments);
int render_command(const Arguments& arguments);
int status_command(const Arguments& arguments);
int history_command(const Arguments& arguments);
int drain_command(const Arguments& arguments);
int force_open_command(const Arguments& arguments);
int auto_command(const Arguments& arguments);
int probe_now_command(const Arguments& arguments);
int reload_command(const Arguments& arguments);
int audit_command(const Arguments& arguments);
int doctor_command(const Arguments& arguments);
int version_command(const Arguments& arguments);

} // namespace healthgate::app
