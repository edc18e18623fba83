// The page for people, `/` of metrics-listen: what the daemon knows, for somebody who is called at night.
// Rendered here, whole; its script only asks for it again. It needs no script, no other file and no colour to
// be read.
#pragma once

#include "core/snapshot.hpp"

#include <string>
#include <string_view>

namespace healthgate::observe {

// `nonce` marks style and script as ours: see policy_of_page().
[[nodiscard]] std::string to_page(const core::Snapshot& snapshot, std::string_view nonce);

// The Content-Security-Policy that the page is to be sent with.
[[nodiscard]] std::string policy_of_page(std::string_view nonce);

} // namespace healthgate::observe
