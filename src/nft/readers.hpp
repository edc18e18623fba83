// Reads figures from the live table, on a netlink socket of its own: dumps take no lock and bump no
// generation, so they may run on the loop's thread. Costs are of an idle 2 GHz core.
#pragma once

#include "core/allowlist.hpp"
#include "nft/error.hpp"

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace healthgate::nft {

// A named counter: GATE_accepted, GATE_rejected, GATE_denied, PORT_denied.
struct CounterReading {
  std::string name;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

// Who asked, and how long ago.
struct SourceReading {
  core::Address address;
  std::chrono::milliseconds ago{};
};

struct LeaseReading {
  std::uint16_t port = 0;
  std::chrono::milliseconds remaining{};
};

class Reader {
public:
  // Throws std::system_error without CAP_NET_ADMIN.
  Reader();
  ~Reader();
  Reader(Reader&&) noexcept;
  Reader& operator=(Reader&&) noexcept;

  // Every counter of our table in one dump: 2 µs for one gate, 0.5 ms for a thousand.
  Result<std::vector<CounterReading>> counters();
  // Allowed sources of a gate, at most 1,024 a family, for an hour; the last seen first. 3 µs to 0.5 ms.
  Result<std::vector<SourceReading>> seen(std::string_view gate);
  // Sources that were denied, at most 256 a family, for ten minutes; the last seen first. 3 to 100 µs.
  Result<std::vector<SourceReading>> strangers(std::string_view gate);
  // Running leases. 3 µs for one gate, 0.3 ms for a thousand.
  Result<std::vector<LeaseReading>> leases();

private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

} // namespace healthgate::nft
