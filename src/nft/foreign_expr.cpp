#include "nft/foreign_expr.hpp"

#include "nft/attributes.hpp"
#include "nft/kernel_abi.hpp"
#include "nft/raw_text.hpp"

#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>

namespace healthgate::nft {
namespace {

// Values in the byte order of the host, as the kernel keeps them in registers.
template <typename T> Bytes host_bytes(T value) {
  Bytes bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}
Bytes network_bytes(std::uint16_t value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}
Bytes name_bytes(const std::string& name) {
  Bytes bytes = name;
  bytes.resize(16, '\0'); // IFNAMSIZ
  return bytes;
}
Bytes data_of(const Attributes& all, std::uint16_t type) {
  return Bytes(Attributes(all.get(type)).bytes(NFTA_DATA_VALUE));
}

Match doubt(Context& context, std::string why) {
  context.step.doubt = std::move(why);
  return Match::maybe;
}
Match act(Context& context, Action::Kind kind) {
  context.step.actions.push_back({kind, {}});
  return Match::yes;
}
Match hand_over(Context& context, std::string to) {
  context.step.doubt = std::move(to);
  return act(context, Action::Kind::handed);
}
Match go_on(Context& /*context*/, const Attributes& /*all*/) {
  return Match::yes;
}

// A mark, from the register that it is set from.
void set_mark(Context& context, std::optional<std::uint32_t>& mark, std::uint32_t sreg) {
  std::string why;
  const auto value = context.registers.get(sreg, sizeof(std::uint32_t), why);
  mark.reset();
  if (value && context.firm) {
    std::uint32_t number = 0;
    std::memcpy(&number, value->data(), sizeof number);
    mark = number;
  }
}
void load_mark(Context& context, const std::optional<std::uint32_t>& mark, std::uint32_t dreg,
               std::string_view name) {
  if (mark) {
    context.registers.set(dreg, host_bytes(*mark));
  } else {
    context.registers.set_unknown(dreg, sizeof *mark, std::string(name) + ", set by an earlier rule");
  }
}

Match meta_set(Context& context, const Attributes& all) {
  if (all.u32(NFTA_META_KEY) == NFT_META_MARK) {
    set_mark(context, context.traces.mark, all.u32(NFTA_META_SREG));
  }
  return Match::yes;
}

Match immediate(Context& context, const Attributes& all) {
  context.registers.set(all.u32(NFTA_IMMEDIATE_DREG), data_of(all, NFTA_IMMEDIATE_DATA));
  return Match::yes;
}

Match range(Context& context, const Attributes& all) {
  const Bytes from = data_of(all, NFTA_RANGE_FROM_DATA);
  const Bytes to = data_of(all, NFTA_RANGE_TO_DATA);
  const auto value = context.registers.get(all.u32(NFTA_RANGE_SREG), from.size(), context.step.doubt);
  if (!value || from.size() != to.size()) {
    return Match::maybe;
  }
  const bool inside = from <= *value && *value <= to; // std::string compares octets as unsigned
  return inside == (all.u32(NFTA_RANGE_OP) == NFT_RANGE_EQ) ? Match::yes : Match::no;
}

Match byteorder(Context& context, const Attributes& all) {
  const std::uint32_t length = all.u32(NFTA_BYTEORDER_LEN);
  const std::uint32_t size = all.u32(NFTA_BYTEORDER_SIZE);
  auto value = context.registers.get(all.u32(NFTA_BYTEORDER_SREG), length, context.step.doubt);
  if (!value || size == 0 || length % size != 0) {
    context.registers.set_unknown(all.u32(NFTA_BYTEORDER_DREG), length, context.step.doubt);
    return Match::yes;
  }
  if (htons(1) != 1) { // both directions swap, or neither does
    for (std::size_t at = 0; at < length; at += size) {
      std::reverse(value->begin() + static_cast<std::ptrdiff_t>(at),
                   value->begin() + static_cast<std::ptrdiff_t>(at + size));
    }
  }
  context.registers.set(all.u32(NFTA_BYTEORDER_DREG), *value);
  return Match::yes;
}

// What conntrack knows of a new connection, or of one that is being answered; nothing: cannot be told.
std::optional<Bytes> connection_field(const Context& context, std::uint32_t key, bool original) {
  const Segment& segment = context.segment;
  const Segment first = segment.answer == original ? segment.reply() : segment;
  switch (key) {
  case NFT_CT_DIRECTION:
    return Bytes(1, segment.answer ? '\1' : '\0');
  case NFT_CT_STATUS: // a connection that is answered: seen reply, confirmed
    return host_bytes(std::uint32_t{segment.answer ? 0xaU : 0U});
  case NFT_CT_L3PROTOCOL:
    return Bytes(1, static_cast<char>(segment.is_ipv4() ? NFPROTO_IPV4 : NFPROTO_IPV6));
  case NFT_CT_PROTOCOL:
    return Bytes(1, static_cast<char>(IPPROTO_TCP));
  case NFT_CT_SRC:
  case NFT_CT_SRC_IP:
  case NFT_CT_SRC_IP6:
    return address_bytes(first.source);
  case NFT_CT_DST:
  case NFT_CT_DST_IP:
  case NFT_CT_DST_IP6:
    return address_bytes(first.destination);
  case NFT_CT_PROTO_SRC:
    return network_bytes(first.source_port);
  case NFT_CT_PROTO_DST:
    return network_bytes(first.destination_port);
  case NFT_CT_ZONE:
    return host_bytes(std::uint16_t{0});
  case NFT_CT_LABELS:
    return Bytes(16, '\0');
  case NFT_CT_SECMARK:
    return host_bytes(std::uint32_t{0});
  default:
    return {};
  }
}

Match connection(Context& context, const Attributes& all) {
  const std::uint32_t key = all.u32(NFTA_CT_KEY);
  if (all.has(NFTA_CT_SREG)) {
    if (key == NFT_CT_MARK) {
      set_mark(context, context.traces.connection_mark, all.u32(NFTA_CT_SREG));
    }
    return Match::yes;
  }
  const std::uint32_t dreg = all.u32(NFTA_CT_DREG);
  if (!context.traces.untracked) {
    context.registers.set_unknown(dreg, 16, "whether the connection is tracked");
    return Match::yes;
  }
  const bool tracked =
      !*context.traces.untracked && connection_state(context.segment, context.place, false) != 1;
  if (key == NFT_CT_STATE) {
    context.registers.set(
        dreg, host_bytes(connection_state(context.segment, context.place, *context.traces.untracked)));
    return Match::yes;
  }
  if (!tracked) {
    return Match::no; // NFT_BREAK (nft_ct_get_eval)
  }
  if (key == NFT_CT_MARK) {
    load_mark(context, context.traces.connection_mark, dreg, "ct mark");
  } else if (const auto value = connection_field(context, key, all.u8(NFTA_CT_DIRECTION) == 0)) {
    context.registers.set(dreg, *value);
  } else {
    context.registers.set_unknown(dreg, 16, "ct key " + std::to_string(key));
  }
  return Match::yes;
}

// The route back decided by which link the SYN comes in, so a look-up of its source gives that link.
Match fib(Context& context, const Attributes& all) {
  const std::uint32_t flags = all.u32(NFTA_FIB_FLAGS);
  const std::uint32_t dreg = all.u32(NFTA_FIB_DREG);
  const bool far_side = ((flags & NFTA_FIB_F_SADDR) != 0) != context.segment.answer;
  const std::uint32_t result = all.u32(NFTA_FIB_RESULT);
  if (result == NFT_FIB_RESULT_ADDRTYPE) {
    context.registers.set(dreg, host_bytes(std::uint32_t{far_side ? RTN_UNICAST : RTN_LOCAL}));
  } else if (!far_side) {
    context.registers.set_unknown(dreg, 16, "fib daddr oif");
  } else if ((flags & NFTA_FIB_F_PRESENT) != 0) {
    context.registers.set(dreg, host_bytes(std::uint32_t{1}));
  } else if (result == NFT_FIB_RESULT_OIF) {
    context.registers.set(dreg, host_bytes(context.segment.link.index));
  } else {
    context.registers.set(dreg, name_bytes(context.segment.link.name));
  }
  return Match::yes;
}

// Below every limit: `limit rate over` does not match.
Match limit(Context& /*context*/, const Attributes& all) {
  return (all.u32(NFTA_LIMIT_FLAGS) & NFT_LIMIT_F_INV) != 0 ? Match::no : Match::yes;
}
Match connection_limit(Context& /*context*/, const Attributes& all) {
  return (all.u32(NFTA_CONNLIMIT_FLAGS) & NFT_CONNLIMIT_F_INV) != 0 ? Match::no : Match::yes;
}

// `add @set { ip saddr limit rate over 10/second }`: the condition decides, and a limit is not reached.
Match dynset(Context& context, const Attributes& all) {
  Match match = Match::yes;
  const auto judge = [&](const nlattr* element) {
    const Attributes inner(element);
    const std::string_view name = inner.text(NFTA_EXPR_NAME);
    const Attributes data(inner.get(NFTA_EXPR_DATA));
    if (name != "counter" && name != "limit" && name != "connlimit") {
      match = match == Match::no ? match : doubt(context, std::string(name) + " of a dynamic set");
    } else if ((name == "limit" && limit(context, data) == Match::no) ||
               (name == "connlimit" && connection_limit(context, data) == Match::no)) {
      match = Match::no;
    }
  };
  if (all.has(NFTA_DYNSET_EXPR)) {
    judge(all.get(NFTA_DYNSET_EXPR));
  }
  for_each_nested(all.get(NFTA_DYNSET_EXPRESSIONS), NFTA_LIST_ELEM, judge);
  return match;
}

Match no_track(Context& context, const Attributes& /*all*/) {
  context.traces.untracked = context.firm ? std::optional(true) : std::nullopt;
  return Match::yes;
}

Match nat(Context& context, const Attributes& all) {
  return act(context, all.u32(NFTA_NAT_TYPE) == NFT_NAT_DNAT ? Action::Kind::divert : Action::Kind::accept);
}
Match divert(Context& context, const Attributes& /*all*/) {
  return act(context, Action::Kind::divert);
}
Match masquerade(Context& context, const Attributes& /*all*/) {
  return act(context, Action::Kind::accept); // a nat chain ends here; the packet goes on
}
Match queue(Context& context, const Attributes& /*all*/) {
  return hand_over(context, "a program that it is queued to");
}
Match synproxy(Context& context, const Attributes& /*all*/) {
  return hand_over(context, "synproxy");
}

Match xt_match(Context& context, const Attributes& all) {
  Compat judged = run_xt_match(all.text(NFTA_MATCH_NAME), all.u32(NFTA_MATCH_REV), all.bytes(NFTA_MATCH_INFO),
                               context.segment, context.place, context.traces);
  return judged.match == Match::maybe ? doubt(context, std::move(judged.doubt)) : judged.match;
}

Match xt_target(Context& context, const Attributes& all) {
  std::optional<Action> action;
  Compat judged = run_xt_target(all.text(NFTA_TARGET_NAME), all.u32(NFTA_TARGET_REV),
                                all.bytes(NFTA_TARGET_INFO), context.firm, context.traces, action);
  if (action) {
    context.step.actions.push_back(*std::move(action));
  }
  if (!judged.doubt.empty()) {
    context.step.doubt = std::move(judged.doubt);
  }
  return judged.match;
}

struct Runner {
  std::string_view name;
  Match (*run)(Context&, const Attributes&);
};

constexpr Runner runners[] = {
    {"meta", meta_set},     {"immediate", immediate},
    {"range", range},       {"byteorder", byteorder},
    {"ct", connection},     {"fib", fib},
    {"limit", limit},       {"connlimit", connection_limit},
    {"dynset", dynset},     {"notrack", no_track},
    {"nat", nat},           {"redir", divert},
    {"tproxy", divert},     {"fwd", divert},
    {"masq", masquerade},   {"queue", queue},
    {"synproxy", synproxy}, {"match", xt_match},
    {"target", xt_target},  {"counter", go_on},
    {"last", go_on},        {"log", go_on},
    {"dup", go_on},         {"flow_offload", go_on},
    {"payload", go_on}, // writes into the packet
    {"objref", go_on},  // by a map
};

} // namespace

Match load_meta(Context& context, const expr::Meta& part) {
  const Segment& segment = context.segment;
  Registers& registers = context.registers;
  const Link none{{}, 0, 0};
  const Link& in = segment.answer ? none : segment.link;
  const Link& out = segment.answer ? segment.link : none;
  switch (part.key) {
  case NFT_META_LEN:
    registers.set(part.dreg, host_bytes(static_cast<std::uint32_t>(segment.network_header().size() +
                                                                   segment.transport_header().size())));
    break;
  case NFT_META_PROTOCOL:
    registers.set(part.dreg, network_bytes(segment.is_ipv4() ? ETH_P_IP : ETH_P_IPV6));
    break;
  case NFT_META_NFPROTO:
    registers.set(part.dreg, Bytes(1, static_cast<char>(segment.is_ipv4() ? NFPROTO_IPV4 : NFPROTO_IPV6)));
    break;
  case NFT_META_L4PROTO:
    registers.set(part.dreg, Bytes(1, static_cast<char>(IPPROTO_TCP)));
    break;
  case NFT_META_MARK:
    load_mark(context, context.traces.mark, part.dreg, "meta mark");
    break;
  case NFT_META_IIF:
  case NFT_META_OIF:
    registers.set(part.dreg, host_bytes((part.key == NFT_META_IIF ? in : out).index));
    break;
  case NFT_META_IIFNAME:
  case NFT_META_OIFNAME:
    registers.set(part.dreg, name_bytes((part.key == NFT_META_IIFNAME ? in : out).name));
    break;
  case NFT_META_IIFTYPE:
  case NFT_META_OIFTYPE: {
    const Link& link = part.key == NFT_META_IIFTYPE ? in : out;
    if (link.index == 0) {
      return Match::no; // NFT_BREAK (nft_meta_get_eval)
    }
    registers.set(part.dreg, host_bytes(link.type));
    break;
  }
  case NFT_META_PKTTYPE:
    registers.set(part.dreg, Bytes(1, PACKET_HOST));
    break;
  case NFT_META_PRIORITY:
  case NFT_META_RTCLASSID:
  case NFT_META_SECMARK:
  case NFT_META_SDIF:
    registers.set(part.dreg, host_bytes(std::uint32_t{0}));
    break;
  case NFT_META_SDIFNAME:
    registers.set(part.dreg, name_bytes({}));
    break;
  case NFT_META_SECPATH:
    registers.set(part.dreg, Bytes(1, '\0')); // not through IPsec
    break;
  case NFT_META_SKUID:
  case NFT_META_SKGID:
  case NFT_META_CGROUP:
    if (!segment.answer) {
      return Match::no; // a SYN has no socket yet: NFT_BREAK
    }
    registers.set_unknown(part.dreg, sizeof(std::uint32_t), "the socket's owner");
    break;
  default:
    registers.set_unknown(part.dreg, 16, "meta " + meta_name(part.key));
  }
  return Match::yes;
}

Match run_foreign(Context& context, const expr::Raw& part) {
  const auto* runner = std::find_if(std::begin(runners), std::end(runners),
                                    [&part](const Runner& one) { return one.name == part.name; });
  if (runner == std::end(runners)) {
    // It may load a register, match or not: nothing after it is certain.
    context.registers.forget_all("the instruction " + part.name);
    return doubt(context, "the instruction " + part.name);
  }
  return runner->run(context, Attributes::of(part.attributes));
}

} // namespace healthgate::nft
