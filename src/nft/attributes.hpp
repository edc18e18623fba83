// Reading netlink attributes from bytes that are not trusted: every length is checked, every absence has a
// value.
#pragma once

#include "nft/expr.hpp"
#include "nft/kernel_abi.hpp"

#include <libmnl/libmnl.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace healthgate::nft {

// The attributes of one level, by type; a type above `highest` is remembered by nothing: newer kernels may
// send it.
class Attributes {
public:
  static constexpr std::uint16_t highest = 31;

  Attributes() = default;
  // The attributes of a message of nf_tables, behind its nfgenmsg.
  explicit Attributes(const nlmsghdr& message) {
    if (mnl_nlmsg_get_payload_len(&message) >= sizeof(nfgenmsg)) {
      const auto* first =
          static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(&message, sizeof(nfgenmsg)));
      collect(first, reinterpret_cast<const char*>(&message) + message.nlmsg_len);
    }
  }
  // The attributes nested in one; none in nullptr.
  explicit Attributes(const nlattr* nest) {
    if (nest != nullptr) {
      const auto* first = static_cast<const nlattr*>(mnl_attr_get_payload(nest));
      collect(first, static_cast<const char*>(mnl_attr_get_payload(nest)) + mnl_attr_get_payload_len(nest));
    }
  }
  // The attributes that a kept payload holds, such as expr::Raw's.
  static Attributes of(std::string_view payload) {
    Attributes all;
    all.collect(reinterpret_cast<const nlattr*>(payload.data()), payload.data() + payload.size());
    return all;
  }

  [[nodiscard]] const nlattr* get(std::uint16_t type) const {
    return type <= highest ? by_type_[type] : nullptr;
  }
  [[nodiscard]] bool has(std::uint16_t type) const { return get(type) != nullptr; }
  // A bit for each type that was there.
  [[nodiscard]] std::uint32_t present() const { return present_; }

  [[nodiscard]] std::uint32_t u32(std::uint16_t type) const {
    std::uint32_t value = 0;
    return copy(type, &value, sizeof value) ? ntohl(value) : 0;
  }
  [[nodiscard]] std::uint8_t u8(std::uint16_t type) const {
    std::uint8_t value = 0;
    return copy(type, &value, sizeof value) ? value : std::uint8_t{0};
  }
  [[nodiscard]] std::uint64_t u64(std::uint16_t type) const {
    std::array<std::uint32_t, 2> halves{};
    return copy(type, halves.data(), sizeof halves) ? std::uint64_t{ntohl(halves[0])} << 32 | ntohl(halves[1])
                                                    : 0;
  }
  [[nodiscard]] std::string_view bytes(std::uint16_t type) const {
    const nlattr* attribute = get(type);
    return attribute == nullptr ? std::string_view{}
                                : std::string_view(static_cast<const char*>(mnl_attr_get_payload(attribute)),
                                                   mnl_attr_get_payload_len(attribute));
  }
  // Up to the first NUL, which the kernel puts at the end.
  [[nodiscard]] std::string_view text(std::uint16_t type) const {
    const std::string_view all = bytes(type);
    return all.substr(0, all.find('\0'));
  }

private:
  void collect(const nlattr* attribute, const char* end) {
    while (mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)))) {
      const std::uint16_t type = mnl_attr_get_type(attribute);
      if (type <= highest) {
        by_type_[type] = attribute;
        present_ |= 1u << type;
      }
      attribute = mnl_attr_next(attribute);
    }
  }
  bool copy(std::uint16_t type, void* to, std::size_t size) const {
    const std::string_view all = bytes(type);
    if (all.size() != size) {
      return false;
    }
    std::memcpy(to, all.data(), size);
    return true;
  }

  std::array<const nlattr*, highest + 1> by_type_{};
  std::uint32_t present_ = 0;
};

// Calls `each` for the attributes of `type` nested in `list`.
template <typename Each> void for_each_nested(const nlattr* list, std::uint16_t type, const Each& each) {
  if (list == nullptr) {
    return;
  }
  const char* end = static_cast<const char*>(mnl_attr_get_payload(list)) + mnl_attr_get_payload_len(list);
  const auto* attribute = static_cast<const nlattr*>(mnl_attr_get_payload(list));
  while (mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)))) {
    if (mnl_attr_get_type(attribute) == type) {
      each(attribute);
    }
    attribute = mnl_attr_next(attribute);
  }
}

} // namespace healthgate::nft
