// What the sections refer to: probe sections by name, allow-files by path.
#pragma once

#include "config/assembly.hpp"
#include "config/files.hpp"
#include "config/ledger.hpp"

namespace healthgate::config {

// Fills GateConfig::probes from probe_lines. Notes sections that no gate uses.
void resolve_probes(Assembly& assembly, Ledger& ledger);

// Reads every allow-file once, and fills GateConfig::allow and Config::metrics_allow.
void resolve_allowlists(Assembly& assembly, const Files& files, Ledger& ledger);

} // namespace healthgate::config
