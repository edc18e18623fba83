#include "observe/page.hpp"

#include "observe/html.hpp"
#include "support/canned_snapshots.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace healthgate::observe {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using tests::canned_snapshots;

std::string page(const std::string& name) {
  return to_page(canned_snapshots().at(name), "0123");
}

std::size_t count(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

TEST(Html, EscapesWhatCouldBeMarkup) {
  EXPECT_EQ(escaped("<a href='x'>&\"\n"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot; ");
  EXPECT_EQ(element("p", "why", "<b>"), "<p class=\"why\">&lt;b&gt;</p>");
}

TEST(Page, SaysInWordsWhichStateAGateIsIn) {
  EXPECT_THAT(page("open"), HasSubstr("<span class=\"badge open\">OPEN</span>"));
  EXPECT_THAT(page("open"), HasSubstr("<title>1 of 1 gate open"));
  EXPECT_THAT(page("closed"), HasSubstr("<span class=\"badge closed\">CLOSED</span>"));
  EXPECT_THAT(page("closed"), HasSubstr("failed 2 times: HTTP 503"));
}

TEST(Page, NamesWhoOverridesAndUntilWhen) {
  const auto text = to_page(tests::snapshot_of({tests::drained_gate()}), "0123");
  EXPECT_THAT(text, HasSubstr("<strong>Drained</strong> by"));
}

TEST(Page, TellsOfAGuardThatStands) {
  auto gate = tests::closed_gate();
  gate.guard =
      core::GuardSnapshot{"relay", {80, 443}, "dead", true, gate.since, 1, 2, {{"192.0.2.24", true, ""}}};
  const auto text = to_page(tests::snapshot_of({gate}), "0123");
  EXPECT_THAT(text, HasSubstr("<strong>Guard stands</strong> at 80, 443"));
  EXPECT_THAT(text, HasSubstr("192.0.2.24"));
}

TEST(Page, HasASectionForEachGate) {
  EXPECT_EQ(count(to_page(tests::snapshot_of(tests::sixteen_gates()), "0123"), "<section "), 16U);
}

TEST(Page, LetsNobodyPutMarkupIntoIt) {
  const auto hostile = to_page(tests::snapshot_of({tests::hostile_gate()}), "0123");
  EXPECT_EQ(count(hostile, "<script"), 1U); // ours
  EXPECT_THAT(hostile, Not(HasSubstr("<img")));
  EXPECT_THAT(hostile, HasSubstr("&lt;script&gt;"));
}

TEST(Page, AllowsNothingButItsOwnStyleAndScript) {
  EXPECT_EQ(count(page("open"), "nonce=\"0123\""), 2U);
  EXPECT_THAT(policy_of_page("0123"),
              HasSubstr("default-src 'none'; style-src 'nonce-0123'; script-src 'nonce-0123'"));
  EXPECT_THAT(page("open"), Not(HasSubstr("http-equiv=\"Content")));
}

} // namespace
} // namespace healthgate::observe
