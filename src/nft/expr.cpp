#include "nft/expr.hpp"

namespace healthgate::nft {

bool same_timeout(std::chrono::milliseconds a, std::chrono::milliseconds b) {
  if ((a.count() == 0) != (b.count() == 0)) {
    return false; // 0 means "never" or "as the set says", whatever the rounding
  }
  const auto difference = a > b ? a - b : b - a;
  return difference <= longest_jiffy;
}

namespace expr {

bool operator==(const Dynset& a, const Dynset& b) {
  return a.op == b.op && a.set == b.set && a.sreg_key == b.sreg_key && same_timeout(a.timeout, b.timeout);
}

} // namespace expr
} // namespace healthgate::nft
