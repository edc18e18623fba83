#include "config/lexer.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace healthgate::config {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;

// "LINE section|key=value" for each entry, "LINE!sentence" for each error.
std::vector<std::string> rows(std::string_view text) {
  std::vector<std::string> out;
  const Lexed lexed = lex("f", text);
  for (const Entry& entry : lexed.entries) {
    out.push_back(std::to_string(entry.line) + " " + entry.section +
                  (entry.kind == Entry::Kind::section ? "" : "|" + entry.key + "=" + entry.value));
  }
  for (const ConfigError& error : lexed.errors) {
    out.push_back(error.to_string());
  }
  return out;
}

TEST(Lexer, GivesEachSettingItsSectionAndLine) {
  EXPECT_THAT(rows("a = 1\n\n[gate.x]\n  b=2 3  \nc =\n"),
              ElementsAre("1 |a=1", "3 gate.x", "4 gate.x|b=2 3", "5 gate.x|c="));
}

TEST(Lexer, ACommentBeginsAtAHashAfterABlank) {
  EXPECT_THAT(rows("# all\n \t# all\na = 1 # c\nb = 2\t# c\n#c\n"), ElementsAre("3 |a=1", "4 |b=2"));
}

TEST(Lexer, AHashWithinAWordOrQuotesIsNoComment) {
  EXPECT_THAT(rows("a = x#y\nb = \"p # q\" # c\nc = it's \"5 # c\n"),
              ElementsAre("1 |a=x#y", "2 |b=\"p # q\"", "3 |c=it's \"5"));
}

TEST(Lexer, AValueMayHoldEqualsSignsAndBrackets) {
  EXPECT_THAT(rows("a = b = c\nd = [x]\n"), ElementsAre("1 |a=b = c", "2 |d=[x]"));
}

TEST(Lexer, CrlfAndAByteOrderMarkAreTakenAsTheyCome) {
  EXPECT_THAT(rows("\xEF\xBB\xBF[gate.x]\r\na = 1\r\n"), ElementsAre("1 gate.x", "2 gate.x|a=1"));
}

TEST(Lexer, TheLastLineNeedsNoEnd) {
  EXPECT_THAT(rows("a = 1"), ElementsAre("1 |a=1"));
}

TEST(Lexer, EveryBadLineIsReportedAndTheOthersAreRead) {
  EXPECT_THAT(rows("a\nb = 1\n= 2\n[gate.x\nc = 3\n"),
              ElementsAre("2 |b=1", "4 gate.x", "5 gate.x|c=3",
                          "f:1: a: neither `key = value` nor [section] nor a comment (#)",
                          "f:3: = 2: neither `key = value` nor [section] nor a comment (#)",
                          "f:4: [gate.x: a section's head ends with ']': [gate.NAME] or [probe.NAME]"));
}

TEST(Lexer, NulBytesAndOtherControlCharactersAreRefused) {
  EXPECT_THAT(rows("a\0b = 1\n"s),
              ElementsAre("f:1: the line has a NUL byte in it: this is no text file, or it is UTF-16"));
  EXPECT_THAT(
      rows("a = \x1b[31m\n"),
      ElementsAre(
          "f:1: the line has the control character \\x1b in it; in send and expect it is written so"));
  EXPECT_THAT(
      rows("a = 1\rb = 2\n"),
      ElementsAre(
          "f:1: the line has the control character \\x0d in it; in send and expect it is written so"));
}

TEST(Lexer, WhatIsNotUtf8IsRefused) {
  EXPECT_THAT(rows("a = \xE4\n"), ElementsAre("f:1: the line is not UTF-8"));
}

TEST(Lexer, ALineMayHave64KiBAndNotOneByteMore) {
  const std::string longest = "a = " + std::string(line_limit_bytes - 4, 'x');
  EXPECT_TRUE(lex("f", longest).errors.empty());
  EXPECT_THAT(rows(longest + "x"), ElementsAre("f:1: the line has 65537 bytes; at most 65536 are allowed"));
}

TEST(ConfigError, IsPrintedAsFileLineKeyValueSentence) {
  EXPECT_EQ((ConfigError{"/etc/h.conf", 12, "interval", "2", "it needs a unit"}).to_string(),
            "/etc/h.conf:12: interval = 2: it needs a unit");
}

TEST(ConfigError, LeavesOutWhatThereIsNot) {
  EXPECT_EQ((ConfigError{"environment", 0, "HEALTHGATE_LOG_LEVEL", "loud", "no"}).to_string(),
            "environment: HEALTHGATE_LOG_LEVEL = loud: no");
  EXPECT_EQ((ConfigError{"/etc/h.conf", 3, "[gate.x]", "", "no port"}).to_string(),
            "/etc/h.conf:3: [gate.x]: no port");
  EXPECT_EQ((ConfigError{"/etc/lb.txt", 3, "", "10.0.0.1/8", "host bits"}).to_string(),
            "/etc/lb.txt:3: 10.0.0.1/8: host bits");
  EXPECT_EQ((ConfigError{"/etc/h.conf", 0, "", "", "it cannot be read"}).to_string(),
            "/etc/h.conf: it cannot be read");
}

TEST(ConfigError, DoesNotPassTerminalControlOn) {
  EXPECT_EQ((ConfigError{"f", 1, "a\x1b", "b\n", "no"}).to_string(), "f:1: a\\x1b = b\\x0a: no");
}

} // namespace
} // namespace healthgate::config
