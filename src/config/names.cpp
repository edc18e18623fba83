#include "config/names.hpp"

#include "config/text.hpp"

#include <algorithm>

namespace healthgate::config {
namespace {

constexpr std::string_view lower_letters = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view upper_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view digits = "0123456789";

bool consists_of(std::string_view text, std::initializer_list<std::string_view> alphabets) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return std::any_of(alphabets.begin(), alphabets.end(),
                       [c](std::string_view letters) { return letters.find(c) != std::string_view::npos; });
  });
}

// Objects of the table that are no gate's, and names kept for those to come.
const std::vector<std::string_view>& table_words() {
  static const std::vector<std::string_view> words = {"forward",    "gates",  "guard", "input", "lease",
                                                      "metrics",    "output", "peers", "ports", "postrouting",
                                                      "prerouting", "pulse",  "relay"};
  return words;
}

bool contains(const std::vector<std::string_view>& words, std::string_view word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

} // namespace

std::optional<std::string> judge_gate_name(std::string_view name) {
  const bool formed = !name.empty() && name.size() <= 32 && consists_of(name.substr(0, 1), {lower_letters}) &&
                      consists_of(name, {lower_letters, digits, "_"});
  if (!formed) {
    return "a gate's name begins with a letter and has up to 32 small letters, digits and '_', because it "
           "names "
           "objects of nftables";
  }
  if (contains(table_words(), name)) {
    return "'" + std::string(name) + "' names something else in the nftables table; choose another name";
  }
  if (contains(nft_words(), name)) {
    return "'" + std::string(name) +
           "' is a word of the nft language, which could not read the table any more; "
           "choose another name";
  }
  return std::nullopt;
}

std::optional<std::string> judge_probe_name(std::string_view name) {
  const bool formed = !name.empty() && name.size() <= 64 &&
                      consists_of(name.substr(0, 1), {lower_letters, upper_letters, digits}) &&
                      consists_of(name, {lower_letters, upper_letters, digits, "_.-"});
  if (!formed) {
    return "a probe's name begins with a letter or digit and has up to 64 letters, digits, '_', '-' and '.'";
  }
  return std::nullopt;
}

const std::vector<std::string_view>& nft_words() {
  // nft 1.0.6 to 1.1.5: each tried as the name of a chain, or a keyword of the scanner in every state.
  static const std::vector<std::string_view> words = {
      "accept",  "add",     "ah",       "all",      "and",      "arp",        "bridge",     "cgroup",
      "chain",   "chains",  "comment",  "comp",     "constant", "continue",   "counter",    "counters",
      "cpu",     "create",  "ct",       "day",      "dccp",     "define",     "delete",     "describe",
      "destroy", "device",  "devices",  "dnat",     "drop",     "dst",        "dup",        "dynamic",
      "ecn",     "element", "elements", "eq",       "esp",      "ether",      "exists",     "expires",
      "export",  "exthdr",  "fib",      "flags",    "flow",     "flowtable",  "flowtables", "flush",
      "frag",    "fwd",     "ge",       "geneve",   "get",      "goto",       "gre",        "gretap",
      "gt",      "handle",  "hbh",      "hook",     "hooks",    "hour",       "ibriport",   "ibrname",
      "icmp",    "icmpv6",  "igmp",     "iif",      "iifgroup", "iifname",    "iiftype",    "import",
      "include", "index",   "inet",     "insert",   "interval", "ip",         "ip6",        "ipsec",
      "jhash",   "jump",    "last",     "le",       "limit",    "limits",     "list",       "log",
      "lshift",  "lt",      "map",      "maps",     "mark",     "masquerade", "meta",       "meter",
      "meters",  "mh",      "missing",  "monitor",  "ne",       "netdev",     "nftrace",    "not",
      "notrack", "numgen",  "obriport", "obrname",  "offload",  "oif",        "oifgroup",   "oifname",
      "oiftype", "or",      "osf",      "pkttype",  "policy",   "position",   "priority",   "queue",
      "quota",   "quotas",  "random",   "redefine", "redirect", "reject",     "rename",     "replace",
      "reset",   "return",  "rshift",   "rt",       "rt0",      "rt2",        "rtclassid",  "rule",
      "ruleset", "sctp",    "secmark",  "secmarks", "set",      "sets",       "size",       "skgid",
      "skuid",   "snat",    "socket",   "srh",      "symhash",  "synproxy",   "synproxys",  "table",
      "tables",  "tcp",     "th",       "time",     "timeout",  "tproxy",     "tunnel",     "type",
      "typeof",  "udp",     "udplite",  "undefine", "update",   "vlan",       "vmap",       "vni",
      "vxlan",   "xor",     "xt",
  };
  return words;
}

} // namespace healthgate::config
