#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace healthgate::app::doctor {

// Where a saved ruleset defines or names our table.
struct SavedTable {
  std::filesystem::path file;
  int line = 0;
  std::string text; // the line
};

// Looks through a file for nft(8) and what it includes, wildcards too. Comments are passed over; a file that
// cannot be read holds nothing.
[[nodiscard]] std::vector<SavedTable> find_saved_table(const std::filesystem::path& file);

} // namespace healthgate::app::doctor
