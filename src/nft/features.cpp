#include "nft/features.hpp"

#include "nft/batch.hpp"
#include "nft/kernel_abi.hpp"
#include "nft/netlink_socket.hpp"
#include "nft/parse.hpp"
#include "nft/table_flags.hpp"

#include <cerrno>
#include <optional>
#include <string>

namespace healthgate::nft {
namespace {

constexpr std::string_view scratch_table = "healthgate_scratch";

Result<void> add_scratch(NetlinkSocket& socket, std::uint32_t flags) {
  Batch batch(socket.batch_limit_bytes());
  batch.add_table(scratch_table, flags, {});
  return socket.commit(batch);
}

void delete_scratch(NetlinkSocket& socket) {
  Batch batch(socket.batch_limit_bytes());
  batch.delete_table(scratch_table);
  // It may not be there; and an empty table that stays does no harm.
  (void)socket.commit(batch);
}

std::optional<std::uint32_t> read_scratch_flags(NetlinkSocket& socket) {
  std::optional<std::uint32_t> flags;
  auto done = socket.request(
      NFT_MSG_GETTABLE, 0,
      [](nlmsghdr& message) { mnl_attr_put_strz(&message, NFTA_TABLE_NAME, scratch_table.data()); }, [] {},
      [&flags](const nlmsghdr& message) {
        if (const auto table = parse_table(message, scratch_table)) {
          flags = table->flags;
        }
      });
  return done ? flags : std::nullopt;
}

} // namespace

std::string_view to_string(TableMode mode) {
  switch (mode) {
  case TableMode::plain:
    return "plain";
  case TableMode::owner:
    return "owner";
  case TableMode::owner_persist:
    return "owner+persist";
  }
  return "";
}

TableMode mode_of(std::uint32_t flags) {
  if ((flags & flag_owner) == 0) {
    return TableMode::plain;
  }
  return (flags & flag_persist) != 0 ? TableMode::owner_persist : TableMode::owner;
}

Result<std::uint32_t> granted_flags(NetlinkSocket& socket, OwnerPolicy policy) {
  if (policy == OwnerPolicy::never) {
    return std::uint32_t{0};
  }
  std::string tried;
  for (const std::uint32_t flags : {flag_owner | flag_persist, flag_owner}) {
    delete_scratch(socket);
    if (auto added = add_scratch(socket, flags); !added) {
      if (added.error().error == EPERM) {
        return base::Failure{added.error()};
      }
      tried += std::string(tried.empty() ? "" : "; ") + std::string(to_string(mode_of(flags))) + ": " +
               added.error().what;
      continue;
    }
    const std::optional<std::uint32_t> there = read_scratch_flags(socket);
    delete_scratch(socket);
    if (there == flags) {
      return flags;
    }
  }
  if (policy == OwnerPolicy::required) {
    return base::Failure{
        NetlinkError{EOPNOTSUPP, false, "this kernel grants no owned table (" + tried + ")"}};
  }
  return std::uint32_t{0};
}

} // namespace healthgate::nft
