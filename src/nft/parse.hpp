// Messages of nf_tables to values. Total: any bytes give some value or nothing, never an exception, never a
// read beyond the message. Attributes that these headers do not know are passed over, so that a newer
// kernel's additions do not look like somebody's tampering; known ones that we do not use turn an instruction
// into expr::Raw.
//
// libnftnl's parsers are not used: they end the process when an attribute is not as they expect
// (src/common.c,
// __abi_breakage), and refuse a whole rule for one instruction that they do not know.
#pragma once

#include "nft/attributes.hpp"
#include "nft/model.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace healthgate::nft {

struct RuleRow {
  std::string table;
  std::string chain;
  Rule rule;
};

struct CounterRow {
  Object object;
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

struct GenerationRow {
  std::uint32_t id = 0;
  std::uint32_t writer_pid = 0;
  std::string writer_name;
};

// One element of an interval set is one of its ends.
struct ElementRow {
  Element element;
  bool interval_end = false;
};

// Each of these returns nothing when the message is of another type, or of another table.
std::optional<Table> parse_table(const nlmsghdr& message, std::string_view table);
std::optional<Chain> parse_chain(const nlmsghdr& message, std::string_view table);
std::optional<RuleRow> parse_rule(const nlmsghdr& message, std::string_view table);
std::optional<Set> parse_set(const nlmsghdr& message, std::string_view table);
std::optional<CounterRow> parse_object(const nlmsghdr& message, std::string_view table);
std::optional<std::string> parse_flowtable(const nlmsghdr& message, std::string_view table); // its name
std::optional<GenerationRow> parse_generation(const nlmsghdr& message);

ElementRow parse_element(const nlattr* element);

// Calls `each` with an ElementRow for every element in a message of NEWSETELEM.
template <typename Each> void parse_elements(const nlmsghdr& message, const Each& each) {
  if (message.nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWSETELEM)) {
    return;
  }
  for_each_nested(Attributes(message).get(NFTA_SET_ELEM_LIST_ELEMENTS), NFTA_LIST_ELEM,
                  [&each](const nlattr* element) { each(parse_element(element)); });
}

// One instruction, from a NFTA_LIST_ELEM of NFTA_RULE_EXPRESSIONS; `ours`: of our own table.
Expr parse_expr(const nlattr* element, bool ours);

} // namespace healthgate::nft
