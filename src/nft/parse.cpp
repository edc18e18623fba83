#include "nft/parse.hpp"

#include "nft/kernel_abi.hpp"

#include <libnftnl/udata.h>

#include <limits>
#include <span>

namespace healthgate::nft {
namespace {

using std::chrono::milliseconds;

bool is(const nlmsghdr& message, std::uint16_t type) {
  return message.nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | type);
}

milliseconds to_milliseconds(std::uint64_t value) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  return milliseconds(static_cast<std::int64_t>(value > most ? most : value));
}

// User data is rows of type, length, value in a byte each; the comment is a string that ends in NUL.
std::string comment_of(std::string_view user_data, std::uint8_t type) {
  while (user_data.size() >= 2) {
    const auto length = static_cast<std::uint8_t>(user_data[1]);
    const std::string_view value = user_data.substr(2, length);
    if (static_cast<std::uint8_t>(user_data[0]) == type) {
      return std::string(value.substr(0, value.find('\0')));
    }
    user_data.remove_prefix(2 + value.size());
  }
  return {};
}

expr::Verdict parse_verdict(const nlattr* nest) {
  const Attributes verdict(nest);
  return {static_cast<std::int32_t>(verdict.u32(NFTA_VERDICT_CODE)),
          std::string(verdict.text(NFTA_VERDICT_CHAIN))};
}

Bytes data_value(const nlattr* nest) {
  return Bytes(Attributes(nest).bytes(NFTA_DATA_VALUE));
}

} // namespace

std::optional<Table> parse_table(const nlmsghdr& message, std::string_view table) {
  const Attributes all(message);
  if (!is(message, NFT_MSG_NEWTABLE) || all.text(NFTA_TABLE_NAME) != table) {
    return {};
  }
  Table parsed;
  parsed.flags = all.u32(NFTA_TABLE_FLAGS);
  parsed.owner = all.u32(NFTA_TABLE_OWNER);
  parsed.use = all.u32(NFTA_TABLE_USE);
  parsed.comment = comment_of(all.bytes(NFTA_TABLE_USERDATA), NFTNL_UDATA_TABLE_COMMENT);
  return parsed;
}

std::optional<Chain> parse_chain(const nlmsghdr& message, std::string_view table) {
  const Attributes all(message);
  if (!is(message, NFT_MSG_NEWCHAIN) || all.text(NFTA_CHAIN_TABLE) != table) {
    return {};
  }
  Chain chain;
  chain.name = all.text(NFTA_CHAIN_NAME);
  if (all.has(NFTA_CHAIN_HOOK)) {
    const Attributes hook(all.get(NFTA_CHAIN_HOOK));
    chain.hook = Hook{std::string(all.text(NFTA_CHAIN_TYPE)), hook.u32(NFTA_HOOK_HOOKNUM),
                      static_cast<std::int32_t>(hook.u32(NFTA_HOOK_PRIORITY)), all.u32(NFTA_CHAIN_POLICY)};
  }
  return chain;
}

std::optional<RuleRow> parse_rule(const nlmsghdr& message, std::string_view table) {
  const Attributes all(message);
  if (!is(message, NFT_MSG_NEWRULE) || all.text(NFTA_RULE_TABLE) != table) {
    return {};
  }
  RuleRow row;
  row.table = all.text(NFTA_RULE_TABLE);
  row.chain = all.text(NFTA_RULE_CHAIN);
  row.rule.comment = comment_of(all.bytes(NFTA_RULE_USERDATA), NFTNL_UDATA_RULE_COMMENT);
  const bool ours = table == table_name;
  for_each_nested(all.get(NFTA_RULE_EXPRESSIONS), NFTA_LIST_ELEM, [&row, ours](const nlattr* element) {
    row.rule.exprs.push_back(parse_expr(element, ours));
  });
  return row;
}

std::optional<Set> parse_set(const nlmsghdr& message, std::string_view table) {
  const Attributes all(message);
  if (!is(message, NFT_MSG_NEWSET) || all.text(NFTA_SET_TABLE) != table) {
    return {};
  }
  Set set;
  set.name = all.text(NFTA_SET_NAME);
  set.flags = all.u32(NFTA_SET_FLAGS);
  set.key_type = all.u32(NFTA_SET_KEY_TYPE);
  set.key_len = all.u32(NFTA_SET_KEY_LEN);
  set.data_type = all.u32(NFTA_SET_DATA_TYPE);
  set.data_len = all.u32(NFTA_SET_DATA_LEN);
  set.size = Attributes(all.get(NFTA_SET_DESC)).u32(NFTA_SET_DESC_SIZE);
  set.gc_interval_ms = all.u32(NFTA_SET_GC_INTERVAL);
  set.timeout = to_milliseconds(all.u64(NFTA_SET_TIMEOUT));
  return set;
}

std::optional<CounterRow> parse_object(const nlmsghdr& message, std::string_view table) {
  const Attributes all(message);
  if (!is(message, NFT_MSG_NEWOBJ) || all.text(NFTA_OBJ_TABLE) != table) {
    return {};
  }
  CounterRow row{{std::string(all.text(NFTA_OBJ_NAME)), all.u32(NFTA_OBJ_TYPE)}};
  if (row.object.type == NFT_OBJECT_COUNTER) {
    const Attributes data(all.get(NFTA_OBJ_DATA));
    row.packets = data.u64(NFTA_COUNTER_PACKETS);
    row.bytes = data.u64(NFTA_COUNTER_BYTES);
  }
  return row;
}

std::optional<std::string> parse_flowtable(const nlmsghdr& message, std::string_view table) {
  const Attributes all(message);
  if (!is(message, NFT_MSG_NEWFLOWTABLE) || all.text(NFTA_FLOWTABLE_TABLE) != table) {
    return {};
  }
  return std::string(all.text(NFTA_FLOWTABLE_NAME));
}

std::optional<GenerationRow> parse_generation(const nlmsghdr& message) {
  if (!is(message, NFT_MSG_NEWGEN)) {
    return {};
  }
  const Attributes all(message);
  return GenerationRow{all.u32(NFTA_GEN_ID), all.u32(NFTA_GEN_PROC_PID),
                       std::string(all.text(NFTA_GEN_PROC_NAME))};
}

ElementRow parse_element(const nlattr* element) {
  const Attributes all(element);
  ElementRow row;
  row.element.key = data_value(all.get(NFTA_SET_ELEM_KEY));
  row.interval_end = (all.u32(NFTA_SET_ELEM_FLAGS) & NFT_SET_ELEM_INTERVAL_END) != 0;
  if (const Attributes data(all.get(NFTA_SET_ELEM_DATA)); data.has(NFTA_DATA_VERDICT)) {
    row.element.verdict = parse_verdict(data.get(NFTA_DATA_VERDICT));
  }
  row.element.timeout = to_milliseconds(all.u64(NFTA_SET_ELEM_TIMEOUT));
  if (all.has(NFTA_SET_ELEM_EXPIRATION)) {
    row.element.expiration = to_milliseconds(all.u64(NFTA_SET_ELEM_EXPIRATION));
  }
  return row;
}

namespace {

constexpr std::uint32_t bit(std::uint32_t type) {
  return 1u << type;
}

// True when nothing but `allowed` is there, of the types up to `known`.
bool only(const Attributes& all, std::uint32_t known, std::uint32_t allowed) {
  const std::uint32_t known_types = known >= 31 ? ~0u : bit(known + 1) - 1;
  return (all.present() & known_types & ~allowed) == 0;
}

std::optional<Expr> meta(const Attributes& all) {
  if (!only(all, NFTA_META_MAX, bit(NFTA_META_KEY) | bit(NFTA_META_DREG)) || !all.has(NFTA_META_DREG)) {
    return {};
  }
  return expr::Meta{all.u32(NFTA_META_KEY), all.u32(NFTA_META_DREG)};
}

std::optional<Expr> payload(const Attributes& all) {
  if (!only(all, NFTA_PAYLOAD_MAX,
            bit(NFTA_PAYLOAD_DREG) | bit(NFTA_PAYLOAD_BASE) | bit(NFTA_PAYLOAD_OFFSET) |
                bit(NFTA_PAYLOAD_LEN)) ||
      !all.has(NFTA_PAYLOAD_DREG)) {
    return {};
  }
  return expr::Payload{all.u32(NFTA_PAYLOAD_BASE), all.u32(NFTA_PAYLOAD_OFFSET), all.u32(NFTA_PAYLOAD_LEN),
                       all.u32(NFTA_PAYLOAD_DREG)};
}

std::optional<Expr> bitwise(const Attributes& all) {
  if (!only(all, NFTA_BITWISE_MAX,
            bit(NFTA_BITWISE_SREG) | bit(NFTA_BITWISE_DREG) | bit(NFTA_BITWISE_LEN) | bit(NFTA_BITWISE_MASK) |
                bit(NFTA_BITWISE_XOR) | bit(NFTA_BITWISE_OP)) ||
      all.u32(NFTA_BITWISE_OP) != NFT_BITWISE_BOOL) {
    return {};
  }
  return expr::Bitwise{all.u32(NFTA_BITWISE_SREG), all.u32(NFTA_BITWISE_DREG),
                       data_value(all.get(NFTA_BITWISE_MASK)), data_value(all.get(NFTA_BITWISE_XOR))};
}

std::optional<Expr> cmp(const Attributes& all) {
  return expr::Cmp{all.u32(NFTA_CMP_SREG), all.u32(NFTA_CMP_OP), data_value(all.get(NFTA_CMP_DATA))};
}

std::optional<Expr> lookup(const Attributes& all) {
  const std::uint32_t flags = all.u32(NFTA_LOOKUP_FLAGS);
  if ((flags & ~std::uint32_t{NFT_LOOKUP_F_INV}) != 0) {
    return {};
  }
  expr::Lookup parsed{
      std::string(all.text(NFTA_LOOKUP_SET)), all.u32(NFTA_LOOKUP_SREG), {}, (flags & NFT_LOOKUP_F_INV) != 0};
  if (all.has(NFTA_LOOKUP_DREG)) {
    parsed.dreg = all.u32(NFTA_LOOKUP_DREG);
  }
  return parsed;
}

std::optional<Expr> dynset(const Attributes& all) {
  if (!only(all, NFTA_DYNSET_MAX,
            bit(NFTA_DYNSET_SET_NAME) | bit(NFTA_DYNSET_OP) | bit(NFTA_DYNSET_SREG_KEY) |
                bit(NFTA_DYNSET_TIMEOUT) | bit(NFTA_DYNSET_PAD) | bit(NFTA_DYNSET_FLAGS)) ||
      all.u32(NFTA_DYNSET_FLAGS) != 0) {
    return {};
  }
  return expr::Dynset{all.u32(NFTA_DYNSET_OP), std::string(all.text(NFTA_DYNSET_SET_NAME)),
                      all.u32(NFTA_DYNSET_SREG_KEY), to_milliseconds(all.u64(NFTA_DYNSET_TIMEOUT))};
}

std::optional<Expr> immediate(const Attributes& all) {
  const Attributes data(all.get(NFTA_IMMEDIATE_DATA));
  if (all.u32(NFTA_IMMEDIATE_DREG) != NFT_REG_VERDICT || !data.has(NFTA_DATA_VERDICT)) {
    return {};
  }
  return parse_verdict(data.get(NFTA_DATA_VERDICT));
}

std::optional<Expr> objref(const Attributes& all) {
  if (!all.has(NFTA_OBJREF_IMM_NAME)) {
    return {};
  }
  return expr::ObjectRef{all.u32(NFTA_OBJREF_IMM_TYPE), std::string(all.text(NFTA_OBJREF_IMM_NAME))};
}

std::optional<Expr> reject(const Attributes& all) {
  return expr::Reject{all.u32(NFTA_REJECT_TYPE), all.u8(NFTA_REJECT_ICMP_CODE)};
}

// Alone in our own table: see expr.hpp.
std::optional<Expr> ct(const Attributes& all) {
  if (!only(all, NFTA_CT_MAX, bit(NFTA_CT_DREG) | bit(NFTA_CT_KEY))) {
    return {};
  }
  return expr::Ct{all.u32(NFTA_CT_KEY), all.u32(NFTA_CT_DREG)};
}

std::optional<Expr> fib(const Attributes& all) {
  return expr::Fib{all.u32(NFTA_FIB_FLAGS), all.u32(NFTA_FIB_RESULT), all.u32(NFTA_FIB_DREG)};
}

std::optional<Expr> hash(const Attributes& all) {
  if (all.u32(NFTA_HASH_TYPE) != NFT_HASH_JENKINS || all.u32(NFTA_HASH_OFFSET) != 0) {
    return {};
  }
  return expr::Hash{all.u32(NFTA_HASH_SREG), all.u32(NFTA_HASH_DREG), all.u32(NFTA_HASH_LEN),
                    all.u32(NFTA_HASH_MODULUS), all.u32(NFTA_HASH_SEED)};
}

std::optional<Expr> value(const Attributes& all) {
  const Attributes data(all.get(NFTA_IMMEDIATE_DATA));
  if (all.u32(NFTA_IMMEDIATE_DREG) == NFT_REG_VERDICT || !data.has(NFTA_DATA_VALUE)) {
    return {};
  }
  return expr::Value{all.u32(NFTA_IMMEDIATE_DREG), Bytes(data.bytes(NFTA_DATA_VALUE))};
}

// The kernel fills in what a rule leaves out: the address' upper end, and that it maps addresses.
std::optional<Expr> dnat(const Attributes& all) {
  constexpr std::uint32_t map_addresses = 1; // NF_NAT_RANGE_MAP_IPS, which no header for C++ has
  const std::uint32_t address = all.u32(NFTA_NAT_REG_ADDR_MIN);
  if (all.u32(NFTA_NAT_TYPE) != NFT_NAT_DNAT || all.has(NFTA_NAT_REG_PROTO_MIN) ||
      (all.has(NFTA_NAT_REG_ADDR_MAX) && all.u32(NFTA_NAT_REG_ADDR_MAX) != address) ||
      (all.u32(NFTA_NAT_FLAGS) & ~map_addresses) != 0) {
    return {};
  }
  return expr::Dnat{all.u32(NFTA_NAT_FAMILY), address};
}

std::optional<Expr> masquerade(const Attributes& all) {
  if (all.u32(NFTA_MASQ_FLAGS) != 0 || all.has(NFTA_MASQ_REG_PROTO_MIN)) {
    return {};
  }
  return expr::Masquerade{};
}

struct Parser {
  std::string_view name;
  std::optional<Expr> (*parse)(const Attributes&);
};

constexpr Parser parsers[] = {
    {"meta", meta},     {"payload", payload}, {"bitwise", bitwise},     {"cmp", cmp},
    {"lookup", lookup}, {"dynset", dynset},   {"immediate", immediate}, {"objref", objref},
    {"reject", reject},
};

constexpr Parser own_parsers[] = {{"ct", ct},           {"fib", fib},  {"hash", hash},
                                  {"immediate", value}, {"nat", dnat}, {"masq", masquerade}};

std::optional<Expr> parse_by(std::span<const Parser> table, std::string_view name, const nlattr* data) {
  for (const Parser& parser : table) {
    if (parser.name == name) {
      if (std::optional<Expr> parsed = parser.parse(Attributes(data))) {
        return parsed;
      }
    }
  }
  return {};
}

} // namespace

Expr parse_expr(const nlattr* element, bool ours) {
  const Attributes outer(element);
  const std::string_view name = outer.text(NFTA_EXPR_NAME);
  const nlattr* const data = outer.get(NFTA_EXPR_DATA);
  if (auto parsed = parse_by(parsers, name, data)) {
    return *std::move(parsed);
  }
  if (auto parsed = ours ? parse_by(own_parsers, name, data) : std::nullopt) {
    return *std::move(parsed);
  }
  return expr::Raw{std::string(name), Bytes(outer.bytes(NFTA_EXPR_DATA))};
}

} // namespace healthgate::nft
