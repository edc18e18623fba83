#include "app/kernel_readings.hpp"

#include <map>
#include <string>

namespace healthgate::app {

void add_kernel_readings(core::Snapshot& snapshot, nft::Reader& reader) {
  const auto counters = reader.counters();
  std::map<std::string, std::uint64_t> packets;
  if (counters) {
    for (const auto& counter : counters.value()) {
      packets[counter.name] = counter.packets;
    }
  }
  const auto sources = [](const std::vector<nft::SourceReading>& readings) {
    constexpr std::size_t shown = 64;
    std::vector<core::SourceSnapshot> list;
    for (const auto& reading : readings) {
      if (list.size() == shown) {
        break;
      }
      list.push_back({reading.address.to_string(), std::chrono::duration<double>(reading.ago).count(), 0});
    }
    return list;
  };
  for (auto& gate : snapshot.gates) {
    gate.accepted = packets[gate.name + "_accepted"];
    gate.rejected = packets[gate.name + "_rejected"];
    gate.denied = packets[gate.name + "_denied"];
    if (gate.guard) {
      gate.guard->reset = packets[gate.name + "_guarded"];
      gate.guard->relayed = packets[gate.name + "_relayed"];
    }
    if (const auto seen = reader.seen(gate.name)) {
      gate.sources = sources(seen.value());
    }
    if (const auto strangers = reader.strangers(gate.name)) {
      gate.denied_sources = sources(strangers.value());
    }
  }
}

} // namespace healthgate::app
