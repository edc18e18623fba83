// Values as nft writes them.
#pragma once

#include "nft/expr.hpp"

#include <chrono>
#include <string>

namespace healthgate::nft {

enum class ValueKind {
  hexadecimal,      // 0x1122
  host_integer,     // 0x68670001, kept in host order by the kernel
  port,             // 18898
  protocol,         // tcp
  family,           // ipv4
  address,          // 10.0.0.1, 2001:db8::1
  interface,        // "lo"
  tcp_flags,        // fin,syn
  ethertype,        // ip, ip6
  connection_state, // new, established
  connection_nat,   // snat, dnat: of ct status
  address_type,     // local
  decimal,          // 7, kept in host order by the kernel
};

std::string value_text(const Bytes& value, ValueKind kind);
std::string verdict_text(const expr::Verdict& verdict);
std::string duration_text(std::chrono::milliseconds duration); // 1h, 10m, 2s904ms

} // namespace healthgate::nft
