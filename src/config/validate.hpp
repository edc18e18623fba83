// What one key alone cannot show: keys that contradict each other, ports taken twice, names that clash. Each
// finding is an error with a sentence of its own, or a note.
#pragma once

#include "config/assembly.hpp"
#include "config/ledger.hpp"

namespace healthgate::config {

void validate(const Assembly& assembly, Ledger& ledger);

// Parts of validate(), one file each.
void validate_gates(const Assembly& assembly, Ledger& ledger);
void validate_probes(const Assembly& assembly, Ledger& ledger);
void validate_ports(const Assembly& assembly, Ledger& ledger);
void validate_globals(const Assembly& assembly, Ledger& ledger);

} // namespace healthgate::config
