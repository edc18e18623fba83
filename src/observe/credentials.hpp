// The token of metrics-token-file, and whether a request carries it.
#pragma once

#include <string>
#include <string_view>

namespace healthgate::observe {

// The first line of `content`, without the blanks around it; "" when there is none.
[[nodiscard]] std::string token_of_file(std::string_view content);

// Whether an Authorization header holds `token`: "Bearer TOKEN", or "Basic" with TOKEN as the password.
// Always true for an empty token. Takes as long for a wrong token as for the right one.
[[nodiscard]] bool is_permitted(std::string_view authorization, std::string_view token);

} // namespace healthgate::observe
