#include "observe/text.hpp"

#include <gtest/gtest.h>

namespace healthgate::observe {
namespace {

const std::string bad = "\xef\xbf\xbd";

TEST(Text, KeepsWhatIsUtf8) {
  for (const std::string text : {"", "plain", "K\xc3\xb6ln", "\xe2\x82\xac", "\xf0\x9f\x90\xb8"}) {
    EXPECT_EQ(valid_utf8(text), text);
  }
}

TEST(Text, ReplacesEachByteThatIsNot) {
  EXPECT_EQ(valid_utf8("a\xff"
                       "b"),
            "a" + bad + "b");
  EXPECT_EQ(valid_utf8("\xc0\xaf"), bad + bad) << "overlong";
  EXPECT_EQ(valid_utf8("\xe0\x80\xaf"), bad + bad + bad) << "overlong";
  EXPECT_EQ(valid_utf8("\xed\xa0\x80"), bad + bad + bad) << "surrogate";
  EXPECT_EQ(valid_utf8("\xf4\x90\x80\x80"), bad + bad + bad + bad) << "above U+10FFFF";
  EXPECT_EQ(valid_utf8("\xe2\x82"), bad + bad) << "cut short";
}

TEST(Text, LeavesNothingThatMovesACursor) {
  EXPECT_EQ(one_line("a\x1b[31mb\nc\rd\te\x7f"), "a [31mb c d e ");
  EXPECT_EQ(one_line("\xc2\x9b"
                     "31m"),
            " 31m")
      << "C1 control sequence introducer";
  EXPECT_EQ(one_line("\xe2\x80\xae"
                     "gpj"),
            " gpj")
      << "right-to-left override";
  EXPECT_EQ(one_line("\xe2\x81\xa6x"), " x") << "isolate";
  EXPECT_EQ(one_line("\xe2\x80\x94 \xe2\x96\x81"), "\xe2\x80\x94 \xe2\x96\x81") << "dash and block stay";
}

} // namespace
} // namespace healthgate::observe
