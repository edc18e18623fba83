// The kernel's words, in one place: <linux/netfilter.h> does not compile in C++ before <netinet/in.h>, and
// older headers lack what newer kernels speak.
#pragma once

#include <netinet/in.h>

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <cstdint>
#include <string_view>

namespace healthgate::nft {

inline constexpr std::string_view table_name = "healthgate";
inline constexpr std::uint8_t table_family = NFPROTO_INET;

// enum nft_table_flags; persist is of Linux 6.9 and missing in headers before.
inline constexpr std::uint32_t flag_dormant = 0x1;
inline constexpr std::uint32_t flag_owner = 0x2;
inline constexpr std::uint32_t flag_persist = 0x4;

// enum nft_set_elem_flags; the catch-all element is of Linux 5.13.
inline constexpr std::uint32_t flag_catch_all = 0x2;

// nft's own data type ids (nftables, include/datatype.h): informational to the kernel, needed by `nft list`.
inline constexpr std::uint32_t type_ipv4_addr = 7;
inline constexpr std::uint32_t type_ipv6_addr = 8;
inline constexpr std::uint32_t type_inet_service = 13;

} // namespace healthgate::nft
