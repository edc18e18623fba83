// What only the kernel knows, for the snapshot: how many SYNs each gate let in, and who asked when.
#pragma once

#include "core/snapshot.hpp"
#include "nft/readers.hpp"

namespace healthgate::app {

// Fills it into `snapshot`; what cannot be read stays as it is. Some microseconds a gate.
void add_kernel_readings(core::Snapshot& snapshot, nft::Reader& reader);

} // namespace healthgate::app
