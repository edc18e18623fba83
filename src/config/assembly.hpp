// Entries of files, environment and command line, put together into the sections that they describe. Each
// value is read by its key's row; what one value cannot show is judged afterwards (validate.hpp).
#pragma once

#include "config/config.hpp"
#include "config/key_table.hpp"
#include "config/ledger.hpp"
#include "config/lexer.hpp"

#include <set>
#include <string>
#include <utility>
#include <vector>

namespace healthgate::config {

class Assembly {
public:
  explicit Assembly(Ledger& ledger) : ledger_(ledger) {}

  // What an entry does to a multi-valued key that an earlier source has set.
  enum class Layer {
    file,     // adds to it
    override, // replaces it
  };
  // Takes all entries of one source. A single-valued key may stand in it once.
  void take(const std::vector<Entry>& entries, Layer layer);

  Config config;                   // without what follows
  std::vector<GateConfig> gates;   // in the order in which their sections began
  std::vector<ProbeConfig> probes; // of the [probe.NAME] sections

  [[nodiscard]] std::vector<std::string> gate_names() const;
  [[nodiscard]] std::vector<std::string> probe_names() const;

private:
  void open_section(const Entry& head);
  void take_setting(const Entry& entry, Layer layer);
  template <typename T> void set(const std::vector<Row<T>>& rows, const Entry& entry, Layer layer, T& target);
  template <typename T> void read(const Row<T>& row, const Entry& entry, T& target);
  void refuse_unknown_key(const Entry& entry, Scope scope);

  Ledger& ledger_;
  std::set<std::pair<std::string, std::string>> seen_; // section and key, in this source
  std::set<std::string> opened_;                       // sections, in this source
  std::set<std::string> ignored_;                      // sections whose head was refused
};

} // namespace healthgate::config
