// A table as nft text, the way `nft list table` writes it: the decompiler. Understands every rule that we
// build and what people add by hand in the same vocabulary; what it does not understand stands in the text as
// a comment. Names and comments may be anybody's: what is not printable ASCII, and the quote, is shown as
// '_'.
#pragma once

#include "nft/kernel_abi.hpp"
#include "nft/model.hpp"
#include "nft/render.hpp"

#include <string>

namespace healthgate::nft {

// What stands before a rule that cannot be said in whole.
inline constexpr std::string_view not_understood = "# not understood: ";

// One rule without its line end: `tcp dport @lease counter name "router_accepted" accept comment "..."`.
// With Nonce::hidden a pulse's nonce is shown as 0x0. `family` is the table's: rules of `ip` and `ip6` do not
// say which addresses they mean.
std::string to_text(const Rule& rule, Nonce nonce, std::uint8_t family = table_family);

// Blocks of lines, indented as inside a table.
std::string to_text(const Chain& chain, Nonce nonce);
std::string to_text(const Set& set);
std::string to_text(const Object& object);

// The whole table, in the order of the kernel.
std::string to_text(const Table& table, Nonce nonce);

// One element of a set or map: "18898 : jump router", "10.0.0.0/8", "10.0.0.5-10.0.0.9".
std::string to_text(const Element& element, const Set& set);
std::string to_text(const Interval& interval, std::size_t key_len);

// Keeps printable ASCII but quotes and backslashes, replaces the rest by '_'.
std::string printable(std::string_view text);

} // namespace healthgate::nft
