// Batches as the kernel gets them, read back by our own parser.
#include "nft/batch.hpp"

#include "nft/expected.hpp"
#include "nft/kernel_abi.hpp"
#include "nft/parse.hpp"
#include "nft/rules.hpp"

#include <gtest/gtest.h>

namespace healthgate::nft {
namespace {

struct Message {
  std::uint16_t type;
  std::uint16_t flags;
  std::uint32_t sequence;
  std::vector<char> bytes;
  [[nodiscard]] const nlmsghdr& header() const { return *reinterpret_cast<const nlmsghdr*>(bytes.data()); }
};

// Every message of a part. The pages may end within none.
std::vector<Message> messages(const Batch& batch, std::size_t part) {
  std::vector<Message> all;
  for (const iovec& page : batch.pages(part)) {
    int left = static_cast<int>(page.iov_len);
    const auto* header = static_cast<const nlmsghdr*>(page.iov_base);
    for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
      const char* first = reinterpret_cast<const char*>(header);
      all.push_back(
          {header->nlmsg_type, header->nlmsg_flags, header->nlmsg_seq, {first, first + header->nlmsg_len}});
    }
    EXPECT_EQ(left, 0);
  }
  return all;
}

core::GateRules gate() {
  core::GateRules made;
  made.name = "router";
  made.port = 18898;
  made.form = core::ChainForm::open;
  made.comment = "open since now";
  made.allow = std::make_shared<core::Allowlist>();
  return made;
}

TEST(Batch, AsksForAnAckOfTheLastMessageOnly) {
  Batch batch(1 << 20);
  batch.flush_chain("router_gate");
  batch.append_rules(verdict_chain(gate()));
  batch.finish();
  ASSERT_EQ(batch.parts(), 1u);
  const std::vector<Message> all = messages(batch, 0);
  ASSERT_EQ(all.size(), 5u); // BEGIN, DELRULE, NEWRULE, NEWRULE, END
  EXPECT_EQ(all.front().type, NFNL_MSG_BATCH_BEGIN);
  EXPECT_EQ(all.back().type, NFNL_MSG_BATCH_END);
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ((all[i].flags & NLM_F_ACK) != 0, i == 3) << "message " << i;
    EXPECT_EQ(all[i].sequence, all[0].sequence + i);
  }
  EXPECT_EQ(batch.first_sequence(0), all.front().sequence);
  EXPECT_EQ(batch.last_sequence(0), all[3].sequence);
}

TEST(Batch, SaysEveryRuleAsItsParserReadsIt) {
  core::Ruleset ruleset;
  ruleset.nonce = 0x0102030405060708;
  ruleset.gates = {gate()};
  const core::Address peer4 = core::Address::parse("192.0.2.24").value();
  const core::Address peer6 = core::Address::parse("2001:db8::24").value();
  ruleset.gates[0].guard = {core::GuardMode::relay, {80, 443}, {peer4, peer6},
                            {peer4, peer6},         false,     "standing"};
  ruleset.ports.push_back({"metrics", 18899, std::make_shared<core::Allowlist>()});
  const Table table = expected_table(ruleset, 0);
  for (const Chain& chain : table.chains) {
    Batch batch(1 << 20);
    batch.append_rules(chain);
    batch.finish();
    std::vector<Rule> read;
    for (const Message& message : messages(batch, 0)) {
      if (auto row = parse_rule(message.header(), table_name)) {
        EXPECT_EQ(row->chain, chain.name);
        read.push_back(std::move(row->rule));
      }
    }
    EXPECT_EQ(read, chain.rules) << chain.name;
  }
}

TEST(Batch, SplitsOnlyAtACutAndOnlyWhenItIsLarge) {
  Batch batch(200'000);
  for (int i = 0; i < 1000; ++i) {
    core::GateRules one = gate();
    one.name = "g" + std::to_string(i);
    batch.append_rules(verdict_chain(one));
    batch.cut();
  }
  batch.finish();
  ASSERT_GT(batch.parts(), 1u);
  std::size_t rules = 0;
  for (std::size_t part = 0; part < batch.parts(); ++part) {
    const std::vector<Message> all = messages(batch, part);
    EXPECT_EQ(all.front().type, NFNL_MSG_BATCH_BEGIN);
    EXPECT_EQ(all.back().type, NFNL_MSG_BATCH_END);
    EXPECT_EQ(all.size() % 2, 0u) << "a gate's two rules stay together";
    rules += all.size() - 2;
    std::size_t bytes = 0;
    for (const iovec& page : batch.pages(part)) {
      bytes += page.iov_len;
    }
    EXPECT_LE(bytes, 200'000u);
  }
  EXPECT_EQ(rules, 2000u);

  Batch whole(200'000);
  for (int i = 0; i < 1000; ++i) {
    whole.append_rules(verdict_chain(gate()));
  }
  whole.finish();
  EXPECT_EQ(whole.parts(), 1u) << "without a cut nothing may be split";
}

TEST(Batch, SpreadsElementsOverMessagesThatFitTheirLengthField) {
  Set set;
  set.name = "router_allow6";
  set.key_len = 16;
  std::vector<Interval> intervals(5000);
  for (std::size_t i = 0; i < intervals.size(); ++i) {
    intervals[i].first = {0x20, 0x01, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i), 0};
    intervals[i].last = intervals[i].first;
  }
  Batch batch(64 << 20);
  batch.add_intervals(set, intervals);
  batch.finish();
  std::size_t elements = 0;
  for (const Message& message : messages(batch, 0)) {
    EXPECT_LE(message.header().nlmsg_len, 16u << 10);
    parse_elements(message.header(), [&elements](const ElementRow& row) {
      EXPECT_EQ(row.element.key.size(), 16u);
      ++elements;
    });
  }
  EXPECT_EQ(elements, 10000u);
}

TEST(Batch, AnEmptyOneHasNoParts) {
  Batch batch(1 << 20);
  batch.cut();
  batch.finish();
  EXPECT_TRUE(batch.empty());
  EXPECT_EQ(batch.parts(), 0u);
}

} // namespace
} // namespace healthgate::nft
