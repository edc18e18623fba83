// What curl tells about the server's certificate after a handshake (CURLINFO_CERTINFO), read. Pure.
#pragma once

#include "core/time.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace healthgate::probe {

struct Certificate {
  std::string subject;                     // "CN = router.example", made printable
  std::vector<std::string> names;          // DNS names and addresses of the subject alternative name
  std::optional<core::WallTime> not_after; // none when it could not be read

  // Whether `name` is among the names; "*.example" stands for one label (RFC 6125, 6.4.3).
  [[nodiscard]] bool is_for(std::string_view name) const;
  // "CN = router.example, 42 days left", "..., expired 3 days ago".
  [[nodiscard]] std::string describe(core::WallTime now) const;
};

// From the "Label:value" lines of the chain's first certificate.
[[nodiscard]] Certificate read_certificate(const std::vector<std::string>& lines);

} // namespace healthgate::probe
