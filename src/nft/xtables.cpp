// The extensions of iptables that iptables-nft cannot say in nf_tables' own instructions, by name and
// revision, with the structures of <linux/netfilter/xt_*.h>. Ports in them are in host order but where said.
#include "nft/instruction.hpp"

#include "nft/kernel_abi.hpp"

#include <linux/netfilter/xt_addrtype.h>
#include <linux/netfilter/xt_connmark.h>
#include <linux/netfilter/xt_conntrack.h>
#include <linux/netfilter/xt_CT.h>
#include <linux/netfilter/xt_iprange.h>
#include <linux/netfilter/xt_mark.h>
#include <linux/netfilter/xt_multiport.h>
#include <linux/netfilter/xt_tcpudp.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstring>

namespace healthgate::nft {
namespace {

struct Question {
  std::uint32_t revision;
  std::string_view info;
  const Segment& segment;
  Place place;
  const Traces& traces;

  // The structure, or nothing when the kernel sent less.
  template <typename T> [[nodiscard]] std::optional<T> as() const {
    T value{};
    if (info.size() < sizeof value) {
      return {};
    }
    std::memcpy(&value, info.data(), sizeof value);
    return value;
  }
};

Match to_match(bool yes) {
  return yes ? Match::yes : Match::no;
}

Match always(const Question& /*question*/) {
  return Match::yes;
}

bool in_range(std::uint16_t port, const std::uint16_t (&range)[2], bool inverted) {
  return (range[0] <= port && port <= range[1]) != inverted;
}

Match tcp(const Question& question) {
  const auto info = question.as<xt_tcp>();
  if (!info || info->option != 0) {
    return Match::maybe;
  }
  const auto flags = static_cast<std::uint8_t>(question.segment.transport_header()[13]);
  const bool flags_match =
      ((flags & info->flg_mask) == info->flg_cmp) != ((info->invflags & XT_TCP_INV_FLAGS) != 0);
  return to_match(
      in_range(question.segment.source_port, info->spts, (info->invflags & XT_TCP_INV_SRCPT) != 0) &&
      in_range(question.segment.destination_port, info->dpts, (info->invflags & XT_TCP_INV_DSTPT) != 0) &&
      flags_match);
}

Match udp(const Question& /*question*/) {
  return Match::no;
}

Match multiport(const Question& question) {
  const auto info = question.as<xt_multiport_v1>();
  if (!info || question.revision != 1) {
    return Match::maybe;
  }
  const auto holds = [&info](std::uint16_t port) {
    for (std::size_t i = 0; i < std::min<std::size_t>(info->count, XT_MULTI_PORTS); ++i) {
      const std::uint16_t low = info->ports[i];
      const bool range = info->pflags[i] != 0 && i + 1 < XT_MULTI_PORTS;
      const std::uint16_t high = range ? info->ports[++i] : low;
      if (low <= port && port <= high) {
        return true;
      }
    }
    return false;
  };
  const bool source = info->flags != XT_MULTIPORT_DESTINATION && holds(question.segment.source_port);
  const bool destination = info->flags != XT_MULTIPORT_SOURCE && holds(question.segment.destination_port);
  return to_match((source || destination) != (info->invert != 0));
}

std::optional<std::uint32_t> state_of(const Question& question) {
  if (!question.traces.untracked) {
    return {};
  }
  const std::uint32_t state = connection_state(question.segment, question.place, *question.traces.untracked);
  return state == 64 ? XT_CONNTRACK_STATE_UNTRACKED : state; // the other bits are the same
}

Match conntrack(const Question& question) {
  const auto info = question.as<xt_conntrack_mtinfo3>();
  const auto state = state_of(question);
  constexpr unsigned judged = XT_CONNTRACK_STATE | XT_CONNTRACK_STATE_ALIAS;
  if (!info || !state || question.revision < 2 || (info->match_flags & ~judged) != 0) {
    return Match::maybe; // revisions 2 and 3 agree up to the masks
  }
  return to_match(((info->state_mask & *state) != 0) != ((info->invert_flags & XT_CONNTRACK_STATE) != 0));
}

Match state(const Question& question) {
  const auto mask = question.as<std::uint32_t>();
  const auto state = state_of(question);
  return !mask || !state ? Match::maybe : to_match((*mask & *state) != 0);
}

Match mark_matches(const Question& question, const std::optional<std::uint32_t>& mark) {
  const auto info = question.as<xt_mark_mtinfo1>(); // xt_connmark_mtinfo1 is the same
  return !info || !mark ? Match::maybe
                        : to_match(((*mark & info->mask) == info->mark) != (info->invert != 0));
}
Match mark(const Question& question) {
  return mark_matches(question, question.traces.mark);
}
Match connmark(const Question& question) {
  return mark_matches(question, question.traces.connection_mark);
}

Match address_type(const Question& question) {
  const auto info = question.as<xt_addrtype_info_v1>();
  if (!info || question.revision != 1 || (info->flags & ~3U) != 0) {
    return Match::maybe;
  }
  const unsigned here = 1U << RTN_LOCAL;
  const unsigned there = 1U << RTN_UNICAST;
  const unsigned source = question.segment.answer ? here : there;
  const unsigned destination = question.segment.answer ? there : here;
  const bool source_fits =
      info->source == 0 || ((info->source & source) != 0) != ((info->flags & XT_ADDRTYPE_INVERT_SOURCE) != 0);
  const bool destination_fits =
      info->dest == 0 || ((info->dest & destination) != 0) != ((info->flags & XT_ADDRTYPE_INVERT_DEST) != 0);
  return to_match(source_fits && destination_fits);
}

Match address_range(const Question& question) {
  const auto info = question.as<xt_iprange_mtinfo>();
  if (!info || question.revision != 1) {
    return Match::maybe;
  }
  const auto between = [](const core::Address& address, const nf_inet_addr& low, const nf_inet_addr& high) {
    const auto length = static_cast<std::size_t>(address.bits()) / 8;
    return std::memcmp(address.bytes.data(), &low, length) >= 0 &&
           std::memcmp(address.bytes.data(), &high, length) <= 0;
  };
  const bool source =
      (info->flags & IPRANGE_SRC) == 0 || between(question.segment.source, info->src_min, info->src_max) !=
                                              ((info->flags & IPRANGE_SRC_INV) != 0);
  const bool destination = (info->flags & IPRANGE_DST) == 0 ||
                           between(question.segment.destination, info->dst_min, info->dst_max) !=
                               ((info->flags & IPRANGE_DST_INV) != 0);
  return to_match(source && destination);
}

struct Extension {
  std::string_view name;
  Match (*judge)(const Question&);
};

constexpr Extension matches[] = {
    {"tcp", tcp},
    {"udp", udp},
    {"multiport", multiport},
    {"conntrack", conntrack},
    {"state", state},
    {"mark", mark},
    {"connmark", connmark},
    {"addrtype", address_type},
    {"iprange", address_range},
    {"comment", always},
    {"limit", always}, // the segment is below it
};

// Targets after which the packet goes on as it was.
constexpr std::string_view harmless[] = {"LOG",         "NFLOG",   "AUDIT",     "TRACE",    "CLASSIFY",
                                         "SET",         "LED",     "TCPMSS",    "CHECKSUM", "SECMARK",
                                         "CONNSECMARK", "DSCP",    "TOS",       "TTL",      "HL",
                                         "TEE",         "RATEEST", "IDLETIMER", "HMARK"};

Compat mark_target(std::uint32_t revision, std::string_view info, bool firm, Traces& traces) {
  xt_mark_tginfo2 change{};
  if (revision == 2 && info.size() >= sizeof change && firm && traces.mark) {
    std::memcpy(&change, info.data(), sizeof change);
    traces.mark = (*traces.mark & ~change.mask) ^ change.mark;
  } else {
    traces.mark.reset();
  }
  return {};
}

// All revisions of xt_ct_target_info begin with its flags.
bool skips_tracking(std::string_view info) {
  std::uint16_t flags = 0;
  if (info.size() < sizeof flags) {
    return false;
  }
  std::memcpy(&flags, info.data(), sizeof flags);
  return (flags & XT_CT_NOTRACK) != 0;
}

} // namespace

Compat run_xt_match(std::string_view name, std::uint32_t revision, std::string_view info,
                    const Segment& segment, Place place, const Traces& traces) {
  for (const Extension& extension : matches) {
    if (extension.name == name) {
      const Match match = extension.judge({revision, info, segment, place, traces});
      return {match, match == Match::maybe ? "iptables -m " + std::string(name) + " with these options" : ""};
    }
  }
  return {Match::maybe, "iptables -m " + std::string(name)};
}

Compat run_xt_target(std::string_view name, std::uint32_t revision, std::string_view info, bool firm,
                     Traces& traces, std::optional<Action>& action) {
  if (std::find(std::begin(harmless), std::end(harmless), name) != std::end(harmless)) {
    return {};
  }
  if (name == "MARK") {
    return mark_target(revision, info, firm, traces);
  }
  if (name == "CONNMARK") { // saves or restores
    traces.mark.reset();
    traces.connection_mark.reset();
    return {};
  }
  if (name == "CT" || name == "NOTRACK") {
    if (name == "NOTRACK" || skips_tracking(info)) {
      traces.untracked = firm ? std::optional(true) : std::nullopt;
    }
    return {};
  }
  if (name == "REJECT") {
    action = Action{Action::Kind::reject, {}};
    return {};
  }
  if (name == "DNAT" || name == "REDIRECT" || name == "TPROXY" || name == "NETMAP") {
    action = Action{Action::Kind::divert, {}};
    return {};
  }
  if (name == "MASQUERADE" || name == "SNAT") {
    action = Action{Action::Kind::accept, {}};
    return {};
  }
  action = Action{Action::Kind::handed, {}};
  return {Match::yes, "iptables -j " + std::string(name)};
}

} // namespace healthgate::nft
