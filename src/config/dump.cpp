#include "config/dump.hpp"

#include "config/key_table.hpp"

#include <set>

namespace healthgate::config {
namespace {

// The keys that differ from their default, a line each.
template <typename T> std::string lines_of(const std::vector<Row<T>>& rows, const T& section) {
  const T defaults{};
  std::string out;
  for (const Row<T>& row : rows) {
    const auto values = row.write(section);
    if (values == row.write(defaults)) {
      continue;
    }
    for (const std::string& value : values) {
      out += row.key.name + " = " + value + "\n";
    }
  }
  return out;
}

} // namespace

std::string to_ini(const Config& config) {
  std::string out = lines_of(global_rows(), config);
  std::set<std::string> written; // probe sections that more than one gate uses
  for (const GateConfig& gate : config.gates) {
    out += "\n[gate." + gate.name + "]\n" + lines_of(gate_rows(), gate);
    for (const ProbeConfig& probe : gate.probes) {
      const bool of_section = probe.name != probe.url;
      if (of_section && written.insert(probe.name).second) {
        out += "\n[probe." + probe.name + "]\n" + lines_of(probe_rows(), probe);
      }
    }
  }
  return out;
}

} // namespace healthgate::config
