// A saved ruleset that holds our table: at boot it stands there before the daemon, and while the daemon owns
// the table, loading the file fails as a whole (nft-findings, 3).
#include "app/doctor/saved_rulesets.hpp"
#include "app/doctor/checks.hpp"

#include <glob.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string_view>

namespace healthgate::app::doctor {
namespace {

std::vector<std::filesystem::path> expand(const std::string& pattern) {
  std::vector<std::filesystem::path> paths;
  glob_t found{};
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    paths.assign(found.gl_pathv, found.gl_pathv + found.gl_pathc);
  }
  ::globfree(&found);
  return paths;
}

// The line's next word: nft's own braces and quotes end one as a blank does.
std::string_view next_word(std::string_view& line) {
  constexpr std::string_view kBetween = " \t{\"";
  line.remove_prefix(std::min(line.find_first_not_of(kBetween), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBetween));
  line.remove_prefix(word.size());
  return word;
}

bool begins_our_table(std::string_view line) {
  std::string_view word = next_word(line);
  if (word == "add" || word == "create") {
    word = next_word(line);
  }
  return word == "table" && next_word(line) == "inet" && next_word(line) == "healthgate";
}

// The quoted file of an include statement; empty for any other line.
std::string_view included(std::string_view line) {
  if (next_word(line) != "include") {
    return {};
  }
  const auto quote = line.find('"');
  const std::string_view rest = line.substr(quote == std::string_view::npos ? line.size() : quote + 1);
  return rest.substr(0, rest.find('"'));
}

void search(const std::filesystem::path& file, std::set<std::filesystem::path>& seen,
            std::vector<SavedTable>& tables) {
  if (!seen.insert(file).second) {
    return;
  }
  std::ifstream in(file);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    if (begins_our_table(line)) {
      tables.push_back({file, number, line});
    } else if (const std::filesystem::path named = included(line); !named.empty()) {
      // a relative one is looked for beside the file
      for (const auto& path : expand(named.is_absolute() ? named : file.parent_path() / named)) {
        search(path, seen, tables);
      }
    }
  }
}

} // namespace

std::vector<SavedTable> find_saved_table(const std::filesystem::path& file) {
  std::set<std::filesystem::path> seen;
  std::vector<SavedTable> tables;
  search(file, seen, tables);
  return tables;
}

void check_saved_rulesets(const Subject& /*subject*/, Findings& findings) {
  for (const char* file : {"/etc/nftables.conf", "/etc/sysconfig/nftables.conf"}) { // Debian's, Red Hat's
    for (const SavedTable& table : find_saved_table(file)) {
      findings.push_back(
          {Severity::warning, "", "",
           "a saved ruleset holds healthgate's table: loading it fails while the daemon owns the "
           "table, and leaves an old one at boot",
           table.file.string() + ":" + std::to_string(table.line) + ": " + table.text,
           "delete that table from " + table.file.string() + "; the daemon makes its own", ""});
    }
  }
}

} // namespace healthgate::app::doctor
