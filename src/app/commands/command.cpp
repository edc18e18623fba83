#include "app/commands/command.hpp"

#include "config/keys.hpp"
#include "healthgate_version.hpp"

#include <boost/program_options.hpp>

#include <algorithm>
#include <iostream>

namespace healthgate::app {
namespace {

namespace po = boost::program_options;

const OptionSpec config_option{"config", 'c', "FILE",
                               "configuration (default /etc/healthgate/healthgate.conf)"};
const OptionSpec control_option{"control", 0, "PATH", "control socket (default: the configuration's)"};
const OptionSpec json_option{"json", 0, "", "print JSON"};
const OptionSpec all_option{"all", 0, "", "every gate"};
const OptionSpec for_option{"for", 0, "DURATION",
                            "end it after, e.g. 30m; without it, it stays until `auto`"};
const OptionSpec reason_option{"reason", 0, "TEXT", "remembered and shown with it"};

const char* const told_or_not = "0 told, 2 usage or the daemon cannot be reached";
const char* const yes_no_unknown = "0 done, 1 refused, 2 usage or the daemon cannot be reached";

std::vector<CommandSpec> make_table() {
  return {
      {"run",
       "",
       "the daemon",
       0,
       0,
       true,
       {config_option,
        control_option,
        {"takeover", 0, "", "take listeners, table and leases over from the daemon on the control socket"}},
       "0 stopped, 2 usage, 71 system, 77 privilege, 78 configuration",
       run_command},
      {"check",
       "",
       "validate the configuration",
       0,
       0,
       true,
       {config_option, json_option},
       "0 good, 1 errors, 2 usage",
       check_command},
      {"probe",
       "[GATE]",
       "run each probe once and show its steps; needs no privilege",
       0,
       1,
       true,
       {config_option, json_option},
       "0 all passed, 1 one failed, 2 usage or configuration",
       probe_command},
      {"render",
       "",
       "print the ruleset as nft text, loadable by nft -f",
       0,
       0,
       true,
       {config_option, {"state", 0, "open|closed", "form of the gates' chains (default closed)"}},
       "0 printed, 2 usage or configuration",
       render_command},
      {"status",
       "[GATE]",
       "what each gate does, since when, and why",
       0,
       1,
       false,
       {config_option, control_option, json_option, {"watch", 0, "", "go on until interrupted"}},
       "0 all open, 1 one is not, 2 usage or the daemon cannot be reached",
       status_command},
      {"history",
       "[GATE]",
       "the last transitions with their reasons",
       0,
       1,
       false,
       {config_option, control_option, json_option},
       told_or_not,
       history_command},
      {"drain",
       "GATE|--all",
       "close, whatever the probes say",
       0,
       1,
       false,
       {config_option, control_option, all_option, for_option, reason_option},
       yes_no_unknown,
       drain_command},
      {"force-open",
       "GATE",
       "open, whatever the probes say",
       1,
       1,
       false,
       {config_option, control_option, for_option, reason_option},
       yes_no_unknown,
       force_open_command},
      {"auto",
       "GATE|--all",
       "end an override: the probes decide again",
       0,
       1,
       false,
       {config_option, control_option, all_option},
       yes_no_unknown,
       auto_command},
      {"probe-now",
       "[GATE]",
       "probe at once instead of at the next interval",
       0,
       1,
       false,
       {config_option, control_option},
       "0 all passed, 1 one failed, 2 usage or the daemon cannot be reached",
       probe_now_command},
      {"reload",
       "",
       "read the configuration again; one with errors changes nothing",
       0,
       0,
       false,
       {config_option, control_option},
       "0 reloaded, 1 refused, 2 usage or the daemon cannot be reached",
       reload_command},
      {"audit",
       "",
       "the live ruleset against the configuration, as a diff",
       0,
       0,
       true,
       {config_option, control_option, json_option},
       "0 same, 1 drift, 2 cannot tell",
       audit_command},
      {"doctor",
       "",
       "what on this host would still stop the load balancer, and what to do about it",
       0,
       0,
       true,
       {config_option, control_option, json_option},
       "0 nothing, 1 something to mend, 2 usage, configuration or cannot tell",
       doctor_command},
      {"version", "", "print the version", 0, 0, false, {}, "0", version_command},
  };
}

bool is_flag(const OptionSpec& option) {
  return option.argument.empty();
}

po::options_description describe(const CommandSpec& spec) {
  po::options_description description;
  for (const auto& option : spec.options) {
    const auto names = option.letter != 0 ? option.name + "," + option.letter : option.name;
    if (is_flag(option)) {
      description.add_options()(names.c_str(), option.help.c_str());
    } else {
      description.add_options()(names.c_str(), po::value<std::string>(), option.help.c_str());
    }
  }
  return description;
}

// Takes --KEY=VALUE of the configuration out of `words`; the configuration's own loader judges them.
std::vector<std::string> take_config_keys(const CommandSpec& spec, const std::vector<std::string>& words,
                                          Arguments& arguments) {
  const auto keys = config::global_keys();
  std::vector<std::string> rest;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    const auto name = word.rfind("--", 0) == 0
                          ? word.substr(2, equals == std::string::npos ? equals : equals - 2)
                          : std::string();
    const bool known =
        std::any_of(keys.begin(), keys.end(), [&](const auto& key) { return key.name == name; });
    const bool of_section = name.rfind("gate.", 0) == 0 || name.rfind("probe.", 0) == 0;
    if (spec.takes_config_keys && equals != std::string::npos && (known || of_section)) {
      arguments.config_overrides.emplace_back(name, word.substr(equals + 1));
    } else {
      rest.push_back(word);
    }
  }
  return rest;
}

std::string unknown_option_sentence(const CommandSpec& spec, const std::string& given) {
  const auto name = given.substr(0, given.find('='));
  std::vector<std::string> candidates;
  for (const auto& option : spec.options) {
    candidates.push_back("--" + option.name);
  }
  if (spec.takes_config_keys) {
    for (const auto& key : config::global_keys()) {
      candidates.push_back("--" + key.name);
    }
  }
  const auto match = config::near_match(name, candidates);
  return "unknown option '" + name + "'" + (match.empty() ? "" : "; did you mean '" + match + "'?");
}

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(text.size(), width), ' ');
  return text;
}

} // namespace

const std::vector<CommandSpec>& all_commands() {
  static const auto table = make_table();
  return table;
}

bool parse_arguments(const CommandSpec& spec, const std::vector<std::string>& words, Arguments& arguments,
                     std::string& error) {
  const auto rest = take_config_keys(spec, words, arguments);
  try {
    const auto description = describe(spec);
    // Options may not be abbreviated: a script's `--js` would change its meaning with the next release.
    const auto style = po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    const auto parsed =
        po::command_line_parser(rest).options(description).style(style).allow_unregistered().run();
    for (const auto& option : parsed.options) {
      if (option.position_key >= 0) {
        arguments.operands.insert(arguments.operands.end(), option.value.begin(), option.value.end());
      } else if (option.unregistered) {
        error = unknown_option_sentence(spec, option.original_tokens.front());
        return false;
      } else if (!arguments.options.emplace(option.string_key, option.value.empty() ? "" : option.value[0])
                      .second) {
        error = "option '--" + option.string_key + "' is given twice";
        return false;
      }
    }
  } catch (const po::error& problem) {
    error = problem.what();
    return false;
  }
  if (arguments.operands.size() < spec.least_operands) {
    error = "'" + spec.name + "' needs " + spec.operands;
    return false;
  }
  if (arguments.operands.size() > spec.most_operands) {
    error = "'" + arguments.operands[spec.most_operands] + "' is one word too many; usage: healthgate " +
            spec.name + (spec.operands.empty() ? "" : " " + spec.operands);
    return false;
  }
  return true;
}

std::string help_text(const CommandSpec& spec) {
  std::string text = "usage: healthgate " + spec.name + (spec.operands.empty() ? "" : " " + spec.operands) +
                     (spec.options.empty() ? "" : " [options]") + "\n\n" + spec.summary + "\n";
  if (!spec.options.empty()) {
    text += "\n";
  }
  for (const auto& option : spec.options) {
    const auto letter = option.letter != 0 ? std::string("-") + option.letter + ", " : std::string("    ");
    text += "  " + padded(letter + "--" + option.name + (is_flag(option) ? "" : " " + option.argument), 26) +
            option.help + "\n";
  }
  if (spec.takes_config_keys) {
    text += "  " + padded("    --KEY=VALUE", 26) +
            "any global key of healthgate.conf(5), e.g. --log-level=debug\n";
    text += "  " + padded("    --gate.NAME.KEY=VALUE", 26) +
            "any key of a gate, e.g. --gate.router.interval=2s\n";
  }
  text += "\nexit: " + spec.exit_codes + "\n";
  return text;
}

std::string overview_text() {
  std::string text = "healthgate " HEALTHGATE_VERSION ": an L7 opinion for an L4 switch\n\n"
                     "usage: healthgate COMMAND [options]\n\n";
  for (const auto& spec : all_commands()) {
    text += "  " + padded(spec.name + (spec.operands.empty() ? "" : " " + spec.operands), 24) + spec.summary +
            "\n";
  }
  return text +
         "\n`healthgate COMMAND --help` tells a command's options; see healthgate(8), healthgate.conf(5).\n";
}

int dispatch(const std::vector<std::string>& words) {
  if (words.empty() || words[0] == "help" || words[0] == "--help" || words[0] == "-h") {
    (words.empty() ? std::cerr : std::cout) << overview_text();
    return words.empty() ? exit_unknown : exit_done;
  }
  const auto name = words[0] == "--version" ? std::string("version") : words[0];
  const auto& table = all_commands();
  const auto spec =
      std::find_if(table.begin(), table.end(), [&](const auto& row) { return row.name == name; });
  if (spec == table.end()) {
    std::vector<std::string> names;
    for (const auto& row : table) {
      names.push_back(row.name);
    }
    const auto match = config::near_match(name, names);
    std::cerr << "healthgate: unknown command '" << name << "'"
              << (match.empty() ? "; `healthgate --help` lists them" : "; did you mean '" + match + "'?")
              << "\n";
    return exit_unknown;
  }
  const std::vector<std::string> rest(words.begin() + 1, words.end());
  if (std::find_if(rest.begin(), rest.end(), [](const auto& w) { return w == "--help" || w == "-h"; }) !=
      rest.end()) {
    std::cout << help_text(*spec);
    return exit_done;
  }
  Arguments arguments;
  std::string error;
  if (!parse_arguments(*spec, rest, arguments, error)) {
    std::cerr << "healthgate " << name << ": " << error << "\n";
    return exit_unknown;
  }
  return spec->execute(arguments);
}

} // namespace healthgate::app
