// Values as people write them, one reader and one writer a kind. A failure is a sentence that says what is
// allowed.
#pragma once

#include "base/result.hpp"
#include "config/config.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace healthgate::config {

template <typename T> using Read = base::Result<T, std::string>;

// 250ms, 2s, 5m, 1h; 0 without a unit. At most 1,000,000 hours.
[[nodiscard]] Read<milliseconds> parse_duration(std::string_view text);
[[nodiscard]] std::string
format_duration(milliseconds duration); // in the largest unit that needs no fraction

// 512, 64k, 1M, 1G; k is 1024.
[[nodiscard]] Read<std::size_t> parse_size(std::string_view text);
[[nodiscard]] std::string format_size(std::size_t bytes);

[[nodiscard]] Read<int> parse_integer(std::string_view text, int least, int most);
[[nodiscard]] Read<std::uint16_t> parse_port(std::string_view text);
[[nodiscard]] Read<bool> parse_yes_no(std::string_view text);
[[nodiscard]] Read<std::filesystem::path> parse_absolute_path(std::string_view text);
// A socket's path: absolute, and short enough for the kernel (sun_path, unix(7)).
[[nodiscard]] Read<std::filesystem::path> parse_socket_path(std::string_view text);

// Letters, digits, '-', '_' and '.', as a name in DNS.
[[nodiscard]] bool is_host_name(std::string_view text);
[[nodiscard]] Read<std::string> parse_host_name(std::string_view text);
// A numeric address of either family; "fe80::1%eth0" too.
[[nodiscard]] bool is_numeric_address(std::string_view text);
[[nodiscard]] bool is_loopback(std::string_view host); // 127.0.0.0/8, ::1, localhost

// 127.0.0.1:18899, [::1]:18899, or `off` for none. Numeric, because a name may not resolve when the daemon
// starts.
[[nodiscard]] Read<std::optional<HostPort>> parse_listen(std::string_view text);
[[nodiscard]] std::string format_listen(const std::optional<HostPort>& listen);

// 200,204,300-399
[[nodiscard]] Read<std::vector<StatusRange>> parse_status_list(std::string_view text);
[[nodiscard]] std::string format_status_list(const std::vector<StatusRange>& ranges);

using Header = std::pair<std::string, std::string>;
[[nodiscard]] Read<Header> parse_header(std::string_view text);          // Name: value
[[nodiscard]] Read<Header> parse_expected_header(std::string_view text); // Name, or Name: value
[[nodiscard]] bool is_token(std::string_view text);                      // RFC 9110, 5.6.2

// /pointer OP value; `/pointer exists`.
[[nodiscard]] Read<JsonExpectation> parse_json_expectation(std::string_view text);

} // namespace healthgate::config
