#include "config/keys.hpp"

#include "config/key_table.hpp"
#include "config/names.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace healthgate::config {
namespace {

const std::vector<std::string> words = {"interval", "fast-interval", "timeout", "rise",
                                        "fall",     "lease",         "allow"};

TEST(NearMatch, ForgivesASlipInThreeLetters) {
  EXPECT_EQ(near_match("intervall", words), "interval");
  EXPECT_EQ(near_match("intrval", words), "interval");
  EXPECT_EQ(near_match("itnerval", words), "interval");
  EXPECT_EQ(near_match("fast_interval", words), "fast-interval");
  EXPECT_EQ(near_match("raise", words), "rise");
  EXPECT_EQ(near_match("inter", words), "interval");
}

TEST(NearMatch, GuessesNothingFarFetched) {
  EXPECT_EQ(near_match("colour", words), "");
  EXPECT_EQ(near_match("", words), "");
  EXPECT_EQ(near_match(std::string(100000, 'i'), words), "");
}

TEST(NearMatch, TakesTheNearest) {
  EXPECT_EQ(near_match("fal", {"fail", "fall", "fa"}), "fail");
}

template <typename T> void expect_sound(const std::vector<Row<T>>& rows, Scope scope) {
  std::set<std::string> names;
  for (const Row<T>& row : rows) {
    EXPECT_TRUE(names.insert(row.key.name).second) << row.key.name << " stands twice";
    EXPECT_EQ(row.key.scope, scope) << row.key.name;
    EXPECT_FALSE(row.key.kind.empty()) << row.key.name;
    EXPECT_FALSE(row.key.help.empty()) << row.key.name;
    EXPECT_EQ(row.key.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz-"), std::string::npos)
        << row.key.name;
  }
}

TEST(KeyTable, EachKeyStandsOnceAndIsExplained) {
  expect_sound(global_rows(), Scope::global);
  expect_sound(gate_rows(), Scope::gate);
  expect_sound(probe_rows(), Scope::probe);
}

// What a key writes, it reads back to the same; so does the default.
template <typename T> void expect_defaults_read_back(const std::vector<Row<T>>& rows) {
  for (const Row<T>& row : rows) {
    for (const std::string& text : row.write(T{})) {
      T value{};
      const Problem problem = row.read(text, value);
      EXPECT_FALSE(problem && !text.empty()) << row.key.name << " = " << text << ": " << problem.value_or("");
    }
  }
}

TEST(KeyTable, EachDefaultIsAllowed) {
  expect_defaults_read_back(global_rows());
  expect_defaults_read_back(gate_rows());
  expect_defaults_read_back(probe_rows());
}

TEST(KeyTable, DefaultsAreThoseOfTheValues) {
  EXPECT_EQ(find_row(gate_rows(), "interval")->key.default_text, "1s");
  EXPECT_EQ(find_row(gate_rows(), "require")->key.default_text, "all");
  EXPECT_EQ(find_row(gate_rows(), "down-interval")->key.default_text, "");
  EXPECT_EQ(find_row(global_rows(), "metrics-listen")->key.default_text, "127.0.0.1:18899");
  EXPECT_EQ(find_row(probe_rows(), "body-limit")->key.default_text, "64k");
  EXPECT_EQ(find_row(probe_rows(), "expect-status")->key.default_text, "200");
}

TEST(EnvironmentName, IsInCapitals) {
  EXPECT_EQ(environment_name("log-level"), "HEALTHGATE_LOG_LEVEL");
  EXPECT_EQ(environment_name("gate.router.port"), "HEALTHGATE_GATE_ROUTER_PORT");
}

std::string gate_name(std::string_view name) {
  return judge_gate_name(name).value_or("good");
}

TEST(GateName, HasUpTo32SmallLettersDigitsAndUnderscores) {
  EXPECT_EQ(gate_name("r"), "good");
  EXPECT_EQ(gate_name("router_2"), "good");
  EXPECT_EQ(gate_name("a" + std::string(31, '1')), "good");
  const std::string formed =
      "a gate's name begins with a letter and has up to 32 small letters, digits and '_', because "
      "it names objects of nftables";
  for (const std::string& bad :
       {std::string(), std::string("Router"), std::string("2router"), std::string("_r"), std::string("a-b"),
        std::string("a.b"), "a" + std::string(32, '1')}) {
    EXPECT_EQ(gate_name(bad), formed) << bad;
  }
}

TEST(GateName, IsNeitherAnObjectOfTheTableNorAWordOfNft) {
  EXPECT_EQ(gate_name("pulse"), "'pulse' names something else in the nftables table; choose another name");
  for (const char* name : {"input", "ports", "lease", "gates", "metrics", "guard"}) {
    EXPECT_THAT(gate_name(name), testing::HasSubstr("names something else")) << name;
  }
  EXPECT_EQ(
      gate_name("tcp"),
      "'tcp' is a word of the nft language, which could not read the table any more; choose another name");
  for (const char* name : {"accept", "set", "log", "queue", "destroy", "xt"}) {
    EXPECT_THAT(gate_name(name), testing::HasSubstr("word of the nft language")) << name;
  }
}

TEST(ProbeName, HasUpTo64LettersDigitsAndAFewMarks) {
  EXPECT_FALSE(judge_probe_name("Ready_2.http-x"));
  EXPECT_FALSE(judge_probe_name(std::string(64, 'a')));
  EXPECT_TRUE(judge_probe_name(std::string(65, 'a')));
  EXPECT_TRUE(judge_probe_name(""));
  EXPECT_TRUE(judge_probe_name("-a"));
  EXPECT_TRUE(judge_probe_name("a b"));
}

} // namespace
} // namespace healthgate::config
