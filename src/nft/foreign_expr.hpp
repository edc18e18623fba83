// The instructions that only others' rules have: ct, fib, range, limit, nat and the rest, read from their
// attributes. For the machine in instruction.cpp.
#pragma once

#include "nft/instruction.hpp"

namespace healthgate::nft {

// What an instruction may look at, and change.
struct Context {
  const HostTable& table;
  const Segment& segment;
  Place place;
  bool firm; // false when it may not even be reached
  Traces& traces;
  Registers& registers;
  Step& step;
};

Match load_meta(Context& context, const expr::Meta& part);
Match run_foreign(Context& context, const expr::Raw& part);

} // namespace healthgate::nft
