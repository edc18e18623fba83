// How every command comes by its configuration: -c FILE, the environment, --KEY=VALUE.
#pragma once

#include "app/commands/command.hpp"
#include "base/result.hpp"
#include "config/load.hpp"

#include <vector>

namespace healthgate::app {

// What `arguments` name: files, this process's environment, the command line.
[[nodiscard]] config::Sources config_sources(const Arguments& arguments);

// Loads the configuration and asks the libraries of probe/ about what config/ cannot judge. All errors.
[[nodiscard]] base::Result<config::Config, std::vector<config::ConfigError>>
load_config(const config::Sources& sources);

// The same for a command that needs a good configuration: prints the errors on stderr and returns none.
[[nodiscard]] std::optional<config::Config> load_or_complain(const Arguments& arguments);

} // namespace healthgate::app
