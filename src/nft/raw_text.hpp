// The instructions that we never write, in nft's words where they are short, for showing others' rules.
#pragma once

#include "nft/expr.hpp"
#include "nft/text_values.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace healthgate::nft {

// An instruction that loads a field into a register: "ct state", "fib daddr type".
struct LoadText {
  std::uint32_t dreg = 0;
  std::string field;
  ValueKind kind = ValueKind::hexadecimal;
};
std::optional<LoadText> load_text(const expr::Raw& part);

// A test of a register against two ends.
struct RangeText {
  std::uint32_t sreg = 0;
  bool inverted = false;
  Bytes from, to;
};
std::optional<RangeText> range_text(const expr::Raw& part);

// A statement. `whole` is false when something of it is left out.
struct StatementText {
  std::string words;
  bool whole = true;
};
std::optional<StatementText> statement_text(const expr::Raw& part);

// "cpu" for NFT_META_CPU; "key 99" for one of a later kernel.
std::string meta_name(std::uint32_t key);

} // namespace healthgate::nft
