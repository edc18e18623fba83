// A Ruleset as nft text, made from nft-templates/: what `healthgate render` prints and `nft -f` loads.
#pragma once

#include "core/ruleset.hpp"

#include <string>

namespace healthgate::nft {

// Whoever may send marked packets and knows the nonce can renew a lease, so text for people hides it.
enum class Nonce {
  hidden, // printed as 0x0: loads all the same
  shown,
};

// Loading the text twice adds nothing, and an empty allowlist has no `elements` line. Gate and port names
// must have passed config's checks: they become nft identifiers.
std::string render(const core::Ruleset& ruleset, Nonce nonce = Nonce::hidden);

} // namespace healthgate::nft
