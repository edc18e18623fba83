#include "core/ruleset.hpp"

#include <algorithm>

namespace healthgate::core {

std::shared_ptr<const Allowlist> with_addresses(const Allowlist& allow, const std::vector<Address>& more) {
  std::vector<Cidr> cidrs = allow.v4();
  cidrs.insert(cidrs.end(), allow.v6().begin(), allow.v6().end());
  std::transform(more.begin(), more.end(), std::back_inserter(cidrs), [](const Address& address) {
    return Cidr{address, static_cast<std::uint8_t>(address.bits())};
  });
  return std::make_shared<const Allowlist>(std::move(cidrs));
}

std::string sanitize_comment(std::string_view text) {
  std::string out(text.substr(0, comment_limit_bytes));
  for (auto& c : out) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && std::string_view(" .,:/_=+-").find(c) == std::string_view::npos) {
      c = '_';
    }
  }
  return out;
}

} // namespace healthgate::core
