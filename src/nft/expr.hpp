// A rule as nf_tables runs it: a row of instructions over registers, as values. One representation serves the
// three uses of a rule: built from a Ruleset (rules.hpp), parsed from a dump (parse.hpp), printed in nft
// syntax (text.hpp).
//
// Raw holds what we neither write nor understand, so that two foreign instructions still compare by their
// bytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace healthgate::nft {

using Bytes = std::string; // raw octets, mostly few enough to stay inside the object

namespace expr {

struct Meta { // meta load KEY => DREG
  std::uint32_t key = 0;
  std::uint32_t dreg = 0;
  friend bool operator==(const Meta&, const Meta&) = default;
};

struct Payload { // payload load LEN @ BASE + OFFSET => DREG
  std::uint32_t base = 0;
  std::uint32_t offset = 0;
  std::uint32_t len = 0;
  std::uint32_t dreg = 0;
  friend bool operator==(const Payload&, const Payload&) = default;
};

struct Bitwise { // DREG = (SREG & MASK) ^ FLIP
  std::uint32_t sreg = 0;
  std::uint32_t dreg = 0;
  Bytes mask;
  Bytes flip;
  friend bool operator==(const Bitwise&, const Bitwise&) = default;
};

struct Cmp { // go on only if SREG OP DATA
  std::uint32_t sreg = 0;
  std::uint32_t op = 0;
  Bytes data;
  friend bool operator==(const Cmp&, const Cmp&) = default;
};

struct Lookup { // go on only if SREG is in SET; with DREG load what the map holds
  std::string set;
  std::uint32_t sreg = 0;
  std::optional<std::uint32_t> dreg;
  bool inverted = false;
  friend bool operator==(const Lookup&, const Lookup&) = default;
};

struct Dynset { // OP the element SREG_KEY of SET; go on only if that worked
  std::uint32_t op = 0;
  std::string set;
  std::uint32_t sreg_key = 0;
  std::chrono::milliseconds timeout{}; // 0: the set's own
  friend bool operator==(const Dynset&, const Dynset&);
};

struct Verdict { // accept, drop, jump, goto, ...
  std::int32_t code = 0;
  std::string chain;
  friend bool operator==(const Verdict&, const Verdict&) = default;
};

struct ObjectRef { // counter name "NAME"
  std::uint32_t type = 0;
  std::string name;
  friend bool operator==(const ObjectRef&, const ObjectRef&) = default;
};

struct Reject {
  std::uint32_t type = 0;
  std::uint8_t code = 0;
  friend bool operator==(const Reject&, const Reject&) = default;
};

// What guards need. Read only from our own table: in others' these stay Raw, which shows more of them.

struct Ct { // ct load KEY => DREG
  std::uint32_t key = 0;
  std::uint32_t dreg = 0;
  friend bool operator==(const Ct&, const Ct&) = default;
};

struct Fib { // fib FLAGS RESULT => DREG
  std::uint32_t flags = 0;
  std::uint32_t result = 0;
  std::uint32_t dreg = 0;
  friend bool operator==(const Fib&, const Fib&) = default;
};

struct Hash { // DREG = jhash(LEN octets from SREG on, SEED) mod MODULUS
  std::uint32_t sreg = 0;
  std::uint32_t dreg = 0;
  std::uint32_t len = 0;
  std::uint32_t modulus = 0;
  std::uint32_t seed = 0;
  friend bool operator==(const Hash&, const Hash&) = default;
};

struct Value { // DREG = DATA
  std::uint32_t dreg = 0;
  Bytes data;
  friend bool operator==(const Value&, const Value&) = default;
};

struct Dnat { // dnat ip to the address in SREG
  std::uint32_t family = 0;
  std::uint32_t sreg = 0;
  friend bool operator==(const Dnat&, const Dnat&) = default;
};

struct Masquerade {
  friend bool operator==(const Masquerade&, const Masquerade&) = default;
};

struct Raw {
  std::string name;
  Bytes attributes; // NFTA_EXPR_DATA as the kernel sent it
  friend bool operator==(const Raw&, const Raw&) = default;
};

} // namespace expr

using Expr = std::variant<expr::Meta, expr::Payload, expr::Bitwise, expr::Cmp, expr::Lookup, expr::Dynset,
                          expr::Verdict, expr::ObjectRef, expr::Reject, expr::Ct, expr::Fib, expr::Hash,
                          expr::Value, expr::Dnat, expr::Masquerade, expr::Raw>;

struct Rule {
  std::vector<Expr> exprs;
  std::string comment;
  friend bool operator==(const Rule&, const Rule&) = default;
};

// The kernel keeps times in jiffies and lists them rounded up: 1 ms comes back as 4 ms at HZ=250, as 10 ms at
// HZ=100.
inline constexpr std::chrono::milliseconds longest_jiffy{10};
bool same_timeout(std::chrono::milliseconds a, std::chrono::milliseconds b);

} // namespace healthgate::nft
