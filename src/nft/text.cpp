#include "nft/text.hpp"

#include "nft/expected.hpp"
#include "nft/kernel_abi.hpp"
#include "nft/text_values.hpp"

#include <algorithm>
#include <cstdlib>

namespace healthgate::nft {
namespace {

std::string type_name(std::uint32_t type) {
  switch (type) {
  case type_ipv4_addr:
    return "ipv4_addr";
  case type_ipv6_addr:
    return "ipv6_addr";
  case type_inet_service:
    return "inet_service";
  default:
    return "type_" + std::to_string(type);
  }
}

ValueKind kind_of(std::uint32_t type) {
  switch (type) {
  case type_ipv4_addr:
  case type_ipv6_addr:
    return ValueKind::address;
  case type_inet_service:
    return ValueKind::port;
  default:
    return ValueKind::hexadecimal;
  }
}

std::string set_flags(std::uint32_t flags) {
  struct Flag {
    std::uint32_t bit;
    std::string_view name;
  };
  constexpr Flag known[] = {{NFT_SET_CONSTANT, "constant"},
                            {NFT_SET_INTERVAL, "interval"},
                            {NFT_SET_EVAL, "dynamic"},
                            {NFT_SET_TIMEOUT, "timeout"}};
  std::string text;
  for (const Flag& flag : known) {
    if ((flags & flag.bit) != 0) {
      text += (text.empty() ? "" : ",") + std::string(flag.name);
    }
  }
  return text;
}

std::string table_flags(std::uint32_t flags) {
  std::string text;
  for (const auto& [bit, name] : {std::pair(flag_dormant, "dormant"), std::pair(flag_owner, "owner"),
                                  std::pair(flag_persist, "persist")}) {
    if ((flags & bit) != 0) {
      text += (text.empty() ? "" : ",") + std::string(name);
    }
  }
  return text;
}

// nft names a priority that is within ten of a standard one.
std::string priority_text(std::int32_t priority) {
  struct Standard {
    std::int32_t priority;
    std::string_view name;
  };
  constexpr Standard standards[] = {{-300, "raw"}, {-150, "mangle"}, {-100, "dstnat"},
                                    {0, "filter"}, {50, "security"}, {100, "srcnat"}};
  for (const Standard& standard : standards) {
    const std::int64_t offset = std::int64_t{priority} - standard.priority; // others' may be any
    if (std::abs(offset) <= 10) {
      const std::string sign = offset < 0 ? " - " : " + ";
      return std::string(standard.name) + (offset == 0 ? "" : sign + std::to_string(std::abs(offset)));
    }
  }
  return std::to_string(priority);
}

std::string hook_text(const Hook& hook) {
  constexpr std::string_view hooks[] = {"prerouting", "input", "forward", "output", "postrouting", "ingress"};
  const std::string name = hook.number < std::size(hooks) ? std::string(hooks[hook.number]) : "unknown";
  return "type " + printable(hook.type) + " hook " + name + " priority " + priority_text(hook.priority) +
         "; policy " + (hook.policy == NF_DROP ? "drop" : "accept") + ";";
}

std::vector<std::string> element_texts(const Set& set) {
  std::vector<std::string> texts;
  if ((set.flags & NFT_SET_INTERVAL) != 0) {
    const core::Family family = set.key_len == 4 ? core::Family::ipv4 : core::Family::ipv6;
    for (const Interval& interval : set.allow ? intervals_of(*set.allow, family) : set.intervals) {
      texts.push_back(to_text(interval, set.key_len));
    }
  }
  for (const Element& element : set.elements) {
    texts.push_back(to_text(element, set));
  }
  return texts;
}

Bytes key_of(const std::array<std::uint8_t, 16>& address, std::size_t length) {
  return Bytes(reinterpret_cast<const char*>(address.data()), std::min(length, address.size()));
}

// The prefix length of a block, or -1 when it is not one: both ends differ in a row of low bits, 0 there and
// 1 here.
int prefix_of(const Interval& interval, std::size_t key_len) {
  int prefix = 0;
  bool host = false;
  for (std::size_t bit = 0; bit < 8 * key_len; ++bit) {
    const bool low = (interval.first[bit / 8] >> (7 - bit % 8) & 1) != 0;
    const bool high = (interval.last[bit / 8] >> (7 - bit % 8) & 1) != 0;
    if (low == high && !host) {
      ++prefix;
    } else if (low || !high) {
      return -1;
    } else {
      host = true;
    }
  }
  return prefix;
}

} // namespace

std::string to_text(const Interval& interval, std::size_t key_len) {
  if (key_len != 4 && key_len != 16) {
    return "?";
  }
  const std::string first = value_text(key_of(interval.first, key_len), ValueKind::address);
  const int prefix = prefix_of(interval, key_len);
  if (prefix < 0) {
    return first + "-" + value_text(key_of(interval.last, key_len), ValueKind::address);
  }
  return prefix == static_cast<int>(8 * key_len) ? first : first + "/" + std::to_string(prefix);
}

std::string to_text(const Element& element, const Set& set) {
  std::string text = value_text(element.key, kind_of(set.key_type));
  if (element.timeout.count() != 0) {
    text += " timeout " + duration_text(element.timeout);
  }
  if (element.expiration) {
    text += " expires " + duration_text(*element.expiration);
  } else if ((set.flags & NFT_SET_TIMEOUT) != 0) {
    text += " timeout 0s"; // never expires
  }
  if (element.verdict) {
    text += " : " + verdict_text(*element.verdict);
  }
  return text;
}

std::string to_text(const Object& object) {
  return "\t" +
         (object.type == NFT_OBJECT_COUNTER ? "counter " : "object_" + std::to_string(object.type) + " ") +
         printable(object.name) + " { }\n";
}

std::string to_text(const Set& set) {
  const bool map = (set.flags & NFT_SET_MAP) != 0;
  std::string text = std::string("\t") + (map ? "map " : "set ") + printable(set.name) + " {\n";
  text += "\t\ttype " + type_name(set.key_type);
  if (map) {
    text += set.data_type == NFT_DATA_VERDICT ? " : verdict" : " : " + type_name(set.data_type);
  }
  text += "\n";
  if (set.size != 0) {
    text += "\t\tsize " + std::to_string(set.size) + "\n";
  }
  if (const std::string flags = set_flags(set.flags); !flags.empty()) {
    text += "\t\tflags " + flags + "\n";
  }
  if (set.timeout.count() != 0) {
    text += "\t\ttimeout " + duration_text(set.timeout) + "\n";
  }
  if (set.gc_interval_ms != 0) {
    text += "\t\tgc-interval " + duration_text(std::chrono::milliseconds(set.gc_interval_ms)) + "\n";
  }
  const std::vector<std::string> elements = element_texts(set);
  for (std::size_t i = 0; i < elements.size(); ++i) {
    text += (i == 0 ? "\t\telements = { " : ", ") + elements[i];
  }
  return text + (elements.empty() ? "" : " }\n") + "\t}\n";
}

std::string to_text(const Chain& chain, Nonce nonce) {
  std::string text = "\tchain " + printable(chain.name) + " {\n";
  if (chain.hook) {
    text += "\t\t" + hook_text(*chain.hook) + "\n";
  }
  for (const Rule& rule : chain.rules) {
    text += "\t\t" + to_text(rule, nonce) + "\n";
  }
  return text + "\t}\n";
}

std::string to_text(const Table& table, Nonce nonce) {
  std::string text = "table inet " + std::string(table_name) + " {\n";
  if (!table.comment.empty()) {
    text += "\tcomment \"" + printable(table.comment) + "\"\n";
  }
  if (const std::string flags = table_flags(table.flags); !flags.empty()) {
    text += "\tflags " + flags + "\n";
  }
  for (const Object& object : table.objects) {
    text += "\n" + to_text(object);
  }
  for (const Set& set : table.sets) {
    text += "\n" + to_text(set);
  }
  for (const Chain& chain : table.chains) {
    text += "\n" + to_text(chain, nonce);
  }
  for (const std::string& flowtable : table.flowtables) {
    text += "\n\t# flowtable " + printable(flowtable) + "\n";
  }
  return text + "}\n";
}

} // namespace healthgate::nft
