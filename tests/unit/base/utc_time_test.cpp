#include "base/utc_time.hpp"

#include <gtest/gtest.h>

namespace healthgate::base {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr WallTime moment(seconds(1763777142) + milliseconds(7));

TEST(UtcTimeTest, IsWrittenInSecondsAndInMilliseconds) {
  EXPECT_EQ(utc_seconds(moment), "2025-11-22T02:05:42Z");
  EXPECT_EQ(utc_milliseconds(moment), "2025-11-22T02:05:42.007Z");
}

TEST(UtcTimeTest, IsReadBackInBothForms) {
  EXPECT_EQ(read_utc(utc_milliseconds(moment)), moment);
  EXPECT_EQ(read_utc(utc_seconds(moment)), WallTime(seconds(1763777142)));
}

TEST(UtcTimeTest, NothingElseIsATime) {
  for (const char* text :
       {"", "yesterday", "2025-11-22T02:05:42", "2025-11-22T02:05:42.7Z", "2025-11-22T02:05:42.-07Z",
        "2025-11-22T02:05:42Z and more", "2025-13-22T02:05:42Z"}) {
    EXPECT_FALSE(read_utc(text)) << text;
  }
}

} // namespace
} // namespace healthgate::base
