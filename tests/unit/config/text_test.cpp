#include "config/text.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace healthgate::config {
namespace {

using namespace std::string_literals;
using testing::ElementsAre;

std::vector<std::string> words(std::string_view text) {
  const auto result = split_words(text);
  return result ? result.value() : std::vector<std::string>{"refused: " + result.error()};
}

std::string bytes(std::string_view text) {
  const auto result = unescape(text);
  return result ? result.value() : "refused: " + result.error();
}

TEST(SplitWords, SeparatesAtBlanks) {
  EXPECT_THAT(words("  /bin/check\t-H  host "), ElementsAre("/bin/check", "-H", "host"));
  EXPECT_THAT(words(""), ElementsAre());
}

TEST(SplitWords, QuotesKeepBlanksAndMayStandWithinAWord) {
  EXPECT_THAT(words(R"(a "b c" 'd e' --x="f g"'h')"), ElementsAre("a", "b c", "d e", "--x=f gh"));
  EXPECT_THAT(words(R"("" '')"), ElementsAre("", ""));
}

TEST(SplitWords, ABackslashKeepsTheNextCharacterButNotWithinSingleQuotes) {
  EXPECT_THAT(words(R"(a\ b "c\"d\\e\f" 'g\h')"), ElementsAre("a b", R"(c"d\e\f)", R"(g\h)"));
}

TEST(SplitWords, NothingIsExpanded) {
  EXPECT_THAT(words("$HOME * ~ `id`"), ElementsAre("$HOME", "*", "~", "`id`"));
}

TEST(SplitWords, WhatIsLeftOpenIsRefused) {
  EXPECT_THAT(words("a \"b"), ElementsAre("refused: the double quote is not closed"));
  EXPECT_THAT(words("a 'b"), ElementsAre("refused: the single quote is not closed"));
  EXPECT_THAT(words("a \\"), ElementsAre("refused: it ends in a backslash; write two for a literal one"));
}

TEST(Unescape, KnowsTheEscapesOfTheManual) {
  EXPECT_EQ(bytes(R"(PING\r\n\t\0\\\"\x7f\xA0)"), "PING\r\n\t\0\\\"\x7f\xA0"s);
}

TEST(Unescape, QuotesAroundTheWholeKeepBlanksAtTheEnds) {
  EXPECT_EQ(bytes("\" a \""), " a ");
  EXPECT_EQ(bytes("say \"a\""), "say \"a\"");
  EXPECT_EQ(bytes("\""), "\"");
}

TEST(Unescape, ALoneBackslashOrAnUnknownEscapeIsRefused) {
  const std::string allowed =
      R"( is no escape sequence; allowed: \r \n \t \0 \\ \" and \xHH with two hex digits)";
  EXPECT_EQ(bytes("a\\"), "refused: '\\'" + allowed);
  EXPECT_EQ(bytes("a\\q"), "refused: '\\q'" + allowed);
  EXPECT_EQ(bytes("a\\x4"), "refused: '\\x'" + allowed);
  EXPECT_EQ(bytes("a\\xg0"), "refused: '\\x'" + allowed);
}

TEST(Escape, IsUndoneByUnescape) {
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    all += static_cast<char>(byte);
  }
  EXPECT_EQ(bytes(escape(all)), all);
}

TEST(IsUtf8, TellsWhatRfc3629Allows) {
  for (const auto* good :
       {"", "a", "\xC3\xA4", "\xE2\x82\xAC", "\xF0\x9F\x9A\xAA", "\xED\x9F\xBF", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_TRUE(is_utf8(good)) << shown(good);
  }
  for (const auto* bad :
       {"\x80", "\xC3", "\xC0\xAF", "\xE0\x80\xAF", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\xFF", "\xE2\x82"}) {
    EXPECT_FALSE(is_utf8(bad)) << shown(bad);
  }
}

TEST(Shown, MakesControlCharactersVisibleAndCutsLongText) {
  EXPECT_EQ(shown("a\x1b[31m\n\xff\xC3\xA4"), "a\\x1b[31m\\x0a\\xff\xC3\xA4");
  EXPECT_EQ(shown(std::string(100, 'x')), std::string(100, 'x'));
  EXPECT_EQ(shown(std::string(101, 'x')), std::string(100, 'x') + "...");
}

TEST(Join, ReadsAsASentence) {
  EXPECT_EQ(join({}, " or "), "");
  EXPECT_EQ(join({"a"}, " or "), "a");
  EXPECT_EQ(join({"a", "b"}, " or "), "a or b");
  EXPECT_EQ(join({"a", "b", "c"}, " or "), "a, b or c");
}

} // namespace
} // namespace healthgate::config
