#include "nft/raw_text.hpp"

#include "nft/attributes.hpp"
#include "nft/kernel_abi.hpp"
#include "nft/text.hpp"

#include <linux/netfilter/nf_tables_compat.h>

#include <array>

namespace healthgate::nft {
namespace {

constexpr std::array<std::string_view, 24> ct_names = {
    "state",  "direction", "status",   "mark",      "secmark",   "expiration", "helper",    "l3proto",
    "saddr",  "daddr",     "protocol", "proto-src", "proto-dst", "label",      "packets",   "bytes",
    "avgpkt", "zone",      "event",    "ip saddr",  "ip daddr",  "ip6 saddr",  "ip6 daddr", "id"};

// In the order of enum nft_meta_keys.
constexpr std::array<std::string_view, 35> meta_names = {
    "length",  "protocol", "priority",  "mark",     "iif",       "oif",     "iifname", "oifname", "iiftype",
    "oiftype", "skuid",    "skgid",     "nftrace",  "rtclassid", "secmark", "nfproto", "l4proto", "ibrname",
    "obrname", "pkttype",  "cpu",       "iifgroup", "oifgroup",  "cgroup",  "random",  "ipsec",   "iifkind",
    "oifkind", "ibrpvid",  "ibrvproto", "time",     "day",       "hour",    "sdif",    "sdifname"};

std::string fib_words(const Attributes& all) {
  constexpr std::string_view inputs[] = {"saddr", "daddr", "mark", "iif", "oif"};
  constexpr std::string_view results[] = {"", "oif", "oifname", "type"};
  const std::uint32_t flags = all.u32(NFTA_FIB_FLAGS);
  std::string words = "fib";
  for (std::size_t i = 0; i < std::size(inputs); ++i) {
    if ((flags >> i & 1) != 0) {
      words += (words.size() > 3 ? " . " : " ") + std::string(inputs[i]);
    }
  }
  const std::uint32_t result = all.u32(NFTA_FIB_RESULT);
  return words + " " + std::string(result < std::size(results) ? results[result] : "unknown");
}

StatementText limit_words(const Attributes& all) {
  const std::uint64_t unit = all.u64(NFTA_LIMIT_UNIT);
  const std::string_view per = unit == 1       ? "second"
                               : unit == 60    ? "minute"
                               : unit == 3600  ? "hour"
                               : unit == 86400 ? "day"
                                               : "week";
  const bool over = (all.u32(NFTA_LIMIT_FLAGS) & NFT_LIMIT_F_INV) != 0;
  const bool bytes = all.u32(NFTA_LIMIT_TYPE) == NFT_LIMIT_PKT_BYTES;
  return {std::string("limit rate ") + (over ? "over " : "") + std::to_string(all.u64(NFTA_LIMIT_RATE)) +
              (bytes ? " bytes/" : "/") + std::string(per),
          true};
}

StatementText connlimit_words(const Attributes& all) {
  const bool over = (all.u32(NFTA_CONNLIMIT_FLAGS) & NFT_CONNLIMIT_F_INV) != 0;
  return {std::string("ct count ") + (over ? "over " : "") + std::to_string(all.u32(NFTA_CONNLIMIT_COUNT)),
          true};
}

StatementText log_words(const Attributes& all) {
  const std::string prefix = printable(all.text(NFTA_LOG_PREFIX));
  return {prefix.empty() ? "log" : "log prefix \"" + prefix + "\"", true};
}

StatementText nat_words(const Attributes& all) {
  return {all.u32(NFTA_NAT_TYPE) == NFT_NAT_DNAT ? "dnat" : "snat", false};
}

} // namespace

std::string meta_name(std::uint32_t key) {
  return key < meta_names.size() ? std::string(meta_names[key]) : "key " + std::to_string(key);
}

std::optional<LoadText> load_text(const expr::Raw& part) {
  const Attributes all = Attributes::of(part.attributes);
  if (part.name == "ct" && all.has(NFTA_CT_DREG)) {
    const std::uint32_t key = all.u32(NFTA_CT_KEY);
    const std::string name =
        key < ct_names.size() ? std::string(ct_names[key]) : "key " + std::to_string(key);
    return LoadText{all.u32(NFTA_CT_DREG), "ct " + name,
                    key == NFT_CT_STATE ? ValueKind::connection_state : ValueKind::hexadecimal};
  }
  if (part.name == "fib" && all.has(NFTA_FIB_DREG)) {
    return LoadText{all.u32(NFTA_FIB_DREG), fib_words(all), ValueKind::host_integer};
  }
  return {};
}

std::optional<RangeText> range_text(const expr::Raw& part) {
  const Attributes all = Attributes::of(part.attributes);
  if (part.name != "range" || !all.has(NFTA_RANGE_SREG)) {
    return {};
  }
  return RangeText{all.u32(NFTA_RANGE_SREG), all.u32(NFTA_RANGE_OP) == NFT_RANGE_NEQ,
                   Bytes(Attributes(all.get(NFTA_RANGE_FROM_DATA)).bytes(NFTA_DATA_VALUE)),
                   Bytes(Attributes(all.get(NFTA_RANGE_TO_DATA)).bytes(NFTA_DATA_VALUE))};
}

std::optional<StatementText> statement_text(const expr::Raw& part) {
  const Attributes all = Attributes::of(part.attributes);
  if (part.name == "counter") { // anonymous, the one thing that people add everywhere
    return StatementText{"counter", true};
  }
  if (part.name == "limit" && all.has(NFTA_LIMIT_RATE)) {
    return limit_words(all);
  }
  if (part.name == "connlimit" && all.has(NFTA_CONNLIMIT_COUNT)) {
    return connlimit_words(all);
  }
  if (part.name == "log") {
    return log_words(all);
  }
  if (part.name == "notrack") {
    return StatementText{"notrack", true};
  }
  if (part.name == "nat") {
    return nat_words(all);
  }
  if (part.name == "redir" || part.name == "masq") {
    return StatementText{part.name == "redir" ? "redirect" : "masquerade", false};
  }
  if (part.name == "meta" && all.has(NFTA_META_SREG)) {
    return StatementText{"meta " + meta_name(all.u32(NFTA_META_KEY)) + " set", false};
  }
  if (part.name == "immediate") { // a value for a later instruction
    return StatementText{"", false};
  }
  if (part.name == "queue" || part.name == "tproxy" || part.name == "synproxy") {
    return StatementText{part.name, false};
  }
  if (part.name == "match" && all.has(NFTA_MATCH_NAME)) {
    return StatementText{"xt match \"" + printable(all.text(NFTA_MATCH_NAME)) + "\"", false};
  }
  if (part.name == "target" && all.has(NFTA_TARGET_NAME)) {
    return StatementText{"xt target \"" + printable(all.text(NFTA_TARGET_NAME)) + "\"", false};
  }
  return {};
}

} // namespace healthgate::nft
