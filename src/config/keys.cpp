#include "config/keys.hpp"

#include "config/key_table.hpp"

#include <algorithm>
#include <cctype>

namespace healthgate::config {
namespace {

template <typename T> std::vector<Key> keys_of(const std::vector<Row<T>>& rows) {
  std::vector<Key> keys;
  std::transform(rows.begin(), rows.end(), std::back_inserter(keys),
                 [](const Row<T>& row) { return row.key; });
  return keys;
}

// Least number of letters to change, add, leave out or exchange with their neighbour (optimal string
// alignment).
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last(b.size() + 1);
  std::vector<std::size_t> last(b.size() + 1);
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) {
    row[j] = j;
  }
  for (std::size_t i = 1; i <= a.size(); ++i) {
    before_last.swap(last);
    last.swap(row);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
  }
  return row[b.size()];
}

} // namespace

const std::vector<Key>& global_keys() {
  static const std::vector<Key> keys = keys_of(global_rows());
  return keys;
}

const std::vector<Key>& gate_keys() {
  static const std::vector<Key> keys = keys_of(gate_rows());
  return keys;
}

const std::vector<Key>& probe_keys() {
  static const std::vector<Key> keys = keys_of(probe_rows());
  return keys;
}

std::string environment_name(std::string_view key) {
  std::string name = "HEALTHGATE_";
  for (const char c : key) {
    name += c == '-' || c == '.' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

std::string near_match(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t longest = 64; // no key is that long, and the time grows with the square
  if (word.empty() || word.size() > longest) {
    return "";
  }
  std::string best;
  std::size_t best_distance = word.size() / 3 + (word.size() < 3 ? 1 : 0) + 1;
  std::vector<std::string> longer;
  for (const std::string& candidate : candidates) {
    if (const std::size_t slips = distance(word, candidate); slips < best_distance) {
      best_distance = slips;
      best = candidate;
    }
    if (word.size() >= 3 && begins_with(candidate, word)) {
      longer.push_back(candidate);
    }
  }
  return best.empty() && longer.size() == 1 ? longer.front() : best;
}

} // namespace healthgate::config
