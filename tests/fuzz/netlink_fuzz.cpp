// What the kernel says of nf_tables, against any bytes: a datagram as recvmsg(2) gives it, walked as libmnl
// walks it, each message through every parser, and what came out through everything that reads it.
//
// Beside not crashing: text of a rule is printable, since names and comments are anybody's; and the same
// message gives the same value twice.
#include "nft/dump.hpp"
#include "nft/parse.hpp"
#include "nft/text.hpp"

#include <libmnl/libmnl.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace healthgate::nft;

void require_printable(const std::string& text) {
  const bool control = std::any_of(text.begin(), text.end(), [](unsigned char c) {
    return (c < 0x20 && c != '\t' && c != '\n') || c >= 0x7F;
  });
  if (control) {
    std::fprintf(stderr, "not printable: %s\n", text.c_str());
    std::abort();
  }
}

void look_at(const nlmsghdr& message) {
  constexpr std::string_view name = "healthgate";
  if (const auto table = parse_table(message, name)) {
    require_printable(to_text(*table, Nonce::hidden));
  }
  if (const auto chain = parse_chain(message, name)) {
    require_printable(to_text(*chain, Nonce::shown));
  }
  if (const auto row = parse_rule(message, name)) {
    require_printable(to_text(row->rule, Nonce::shown));
    if (!(parse_rule(message, name)->rule == row->rule)) {
      std::abort();
    }
  }
  if (const auto object = parse_object(message, name)) {
    require_printable(to_text(object->object));
  }
  (void)parse_flowtable(message, name);
  (void)parse_generation(message);
  const auto set = parse_set(message, name);
  if (set) {
    require_printable(to_text(*set));
  }
  for (const std::size_t key_len : {2U, 4U, 16U}) {
    IntervalCollector intervals(key_len);
    parse_elements(message, [&](const ElementRow& row) {
      require_printable(to_text(row.element, set.value_or(Set{})));
      intervals.add(row.element.key, row.interval_end);
    });
    bool malformed = false;
    for (const Interval& interval : intervals.take(malformed)) {
      require_printable(to_text(interval, key_len));
    }
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::vector<std::uint8_t> datagram(data, data + size); // aligned, and no longer than it is
  const auto* message = reinterpret_cast<const nlmsghdr*>(datagram.data()); // what recvmsg(2) gives
  int left = static_cast<int>(std::min<std::size_t>(datagram.size(), 1U << 20));
  // libmnl takes a length above INT_MAX for a small one; the kernel sends none.
  while (mnl_nlmsg_ok(message, left) && message->nlmsg_len <= static_cast<std::uint32_t>(left)) {
    look_at(*message);
    message = mnl_nlmsg_next(message, &left);
  }
  return 0;
}
