// What this kernel grants our table. Tried on a scratch table and read back, never concluded from a version:
// distributions backport (nft-findings, 2.2 and 3).
#pragma once

#include <string_view>

namespace healthgate::nft {

// Whether the table shall belong to the daemon's socket.
enum class OwnerPolicy {
  automatic, // owner, and persist with it, where the kernel grants them
  required,  // without owner the store does not start
  never,     // a plain table, healed when others touch it
};

// How the table is held.
enum class TableMode {
  plain,         // any CAP_NET_ADMIN may write to it; we watch and repair
  owner,         // others' writes are refused; it goes with our socket, however the process ends
  owner_persist, // others' writes are refused; it stays, as a writable orphan, when we end
};

// "plain", "owner", "owner+persist", as in Snapshot::table_mode.
std::string_view to_string(TableMode mode);

} // namespace healthgate::nft
