// Environment and command line as entries, as if they stood in a file.
#pragma once

#include "config/ledger.hpp"
#include "config/lexer.hpp"

#include <string>
#include <utility>
#include <vector>

namespace healthgate::config {

using Pairs = std::vector<std::pair<std::string, std::string>>;

// HEALTHGATE_KEY and HEALTHGATE_GATE_NAME_KEY, for the gates that there are. An empty value counts as not
// set. A name that is none of ours is passed over, with a note when it is a near miss.
[[nodiscard]] std::vector<Entry> environment_entries(const Pairs& environment,
                                                     const std::vector<std::string>& gates, Ledger& ledger);

// KEY, gate.NAME.KEY and probe.NAME.KEY, for the gates and probes that there are; errors go to the ledger.
[[nodiscard]] std::vector<Entry> command_line_entries(const Pairs& command_line,
                                                      const std::vector<std::string>& gates,
                                                      const std::vector<std::string>& probes, Ledger& ledger);

} // namespace healthgate::config
