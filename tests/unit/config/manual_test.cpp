// healthgate.conf(5) and the example against the table of keys: each key is documented, with what it allows
// and its default, and no other.
#include "config/diff.hpp"
#include "unit/config/support.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

namespace healthgate::config {
namespace {

using testing::ElementsAreArray;
using testing::IsEmpty;

std::string packaged(const std::string& name) {
  const auto path = Files::Path(HEALTHGATE_SOURCE_DIR) / "packaging" / name;
  std::ifstream file(path);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string replaced(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + with.size())) {
    text.replace(at, what.size(), with);
  }
  return text;
}

// As man(7) has it written, so that a hyphen can be copied from the page.
std::string in_roff(const std::string& text) {
  return replaced(replaced(text, "\\", "\\e"), "-", "\\-");
}

// "interval | duration: 10ms to 1h; default 1s"
std::string expected_row(const Key& key) {
  return in_roff(key.name + " | " + key.kind + (key.allowed.empty() ? "" : ": " + key.allowed) +
                 (key.default_text.empty() ? "" : "; default " + key.default_text) +
                 (key.multi ? "; several lines" : ""));
}

std::vector<std::string> expected_rows(const std::vector<Key>& keys) {
  std::vector<std::string> rows;
  for (const Key& key : keys) {
    rows.push_back(expected_row(key));
  }
  return rows;
}

// The entries below `.SH HEADING`: the term and the line after it, where there is more text.
std::vector<std::string> documented_rows(const std::string& heading) {
  std::istringstream page(packaged("man/healthgate.conf.5"));
  std::vector<std::string> rows;
  bool within = false;
  for (std::string line; std::getline(page, line);) {
    if (line.rfind(".SH ", 0) == 0) {
      within = line == ".SH " + heading;
    } else if (within && line.rfind(".B ", 0) == 0) {
      std::string facts;
      std::string after;
      std::string prose;
      std::getline(page, facts);
      std::getline(page, after);
      std::getline(page, prose);
      rows.push_back(line.substr(3) + " | " + facts);
      EXPECT_EQ(after, ".br") << line;
      EXPECT_GT(prose.size(), 15U) << line << " is not explained";
    }
  }
  return rows;
}

TEST(ManualPage, DocumentsEachGlobalKeyAndNoOther) {
  EXPECT_THAT(documented_rows("GLOBAL KEYS"), ElementsAreArray(expected_rows(global_keys())));
}

TEST(ManualPage, DocumentsEachKeyOfAGateAndNoOther) {
  EXPECT_THAT(documented_rows("KEYS OF [gate.NAME]"), ElementsAreArray(expected_rows(gate_keys())));
}

TEST(ManualPage, DocumentsEachKeyOfAProbeAndNoOther) {
  EXPECT_THAT(documented_rows("KEYS OF [probe.NAME]"), ElementsAreArray(expected_rows(probe_keys())));
}

// The text between .nf and .fi, below EXAMPLES.
std::vector<std::string> examples_of_the_page() {
  std::istringstream page(packaged("man/healthgate.conf.5"));
  std::vector<std::string> examples;
  bool below = false;
  bool within = false;
  for (std::string line; std::getline(page, line);) {
    below = below || line == ".SH EXAMPLES";
    if (below && line == ".nf") {
      examples.emplace_back();
    } else if (within && line != ".fi") {
      examples.back() += replaced(line, "\\-", "-") + "\n";
    }
    within = below && (within ? line != ".fi" : line == ".nf");
  }
  return examples;
}

TEST(ManualPage, ItsExamplesLoadWithoutANote) {
  const auto examples = examples_of_the_page();
  EXPECT_EQ(examples.size(), 2U);
  for (const std::string& example : examples) {
    const Tree tree = {{main_file, example}, {"/etc/healthgate/balancers.txt", "192.0.2.10\n"}};
    const Config config = loaded(sources_of(tree));
    EXPECT_EQ(config.gates.size(), 1U) << example;
    EXPECT_THAT(config.notes, IsEmpty());
  }
}

TEST(PackagedExample, IsWhatRunsWithoutAnyFile) {
  const Config example = loaded(packaged("healthgate.conf"));
  ASSERT_EQ(example.gates.size(), 1U) << testing::PrintToString(example.notes);
  EXPECT_TRUE(diff(loaded(sources_of(Tree{})), example).empty());
}

// With every commented setting in force, each of the keys it shows must be right as well.
TEST(PackagedExample, LoadsWithItsCommentsTakenOff) {
  std::istringstream file(packaged("healthgate.conf"));
  std::string text;
  for (std::string line; std::getline(file, line);) {
    const bool setting = line.rfind("# ", 0) == 0 && line.find(" = ") != std::string::npos;
    text += (setting ? line.substr(2) : line) + "\n";
  }
  const Config config = loaded(sources_of(Tree{{main_file, text}, {"/etc/healthgate/balancers.txt", ""}}));
  ASSERT_EQ(config.gates.size(), 1U) << testing::PrintToString(config.notes);
  EXPECT_EQ(config.gates[0].guard, Guard::relay);
  EXPECT_EQ(config.gates[0].interval, GateConfig().interval);
}

} // namespace
} // namespace healthgate::config
