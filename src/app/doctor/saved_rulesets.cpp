// A saved ruleset that holds our table: at boot it stands there before the daemon, and while the daemon owns
// the table, loading the file fails as a whole (nft-findings, 3).
#include "app/doctor/saved_rulesets.hpp"
#include "app/doctor/checks.hpp"

#include <glob.h>

#include <fstream>
#include <regex>
#include <set>

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

void search(const std::filesystem::path& file, std::set<std::filesystem::path>& seen,
            std::vector<SavedTable>& tables) {
  static const std::regex table(R"(^\s*(?:add\s+|create\s+)?table\s+inet\s+healthgate\b.*)");
  static const std::regex include(R"re(^\s*include\s+"([^"]+)".*)re");
  if (!seen.insert(file).second) {
    return;
  }
  std::ifstream in(file);
  std::string line;
  for (int number = 1; std::getline(in, line); ++number) {
    std::smatch match;
    if (std::regex_match(line, table)) {
      tables.push_back({file, number, line});
    } else if (std::regex_match(line, match, include)) {
      const std::filesystem::path named = match[1].str(); // a relative one is looked for beside the file
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
