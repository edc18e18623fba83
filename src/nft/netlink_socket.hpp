// One netlink socket to nf_tables: transactions and dumps. The kernel answers inside the send call, so
// whatever it has to say is readable when send returns; what is not there then will not come.
//
// A transaction blocks while somebody else holds the namespace's commit lock (nft-findings, 1.6); a dump
// never does. Not thread-safe: one owner, one conversation at a time.
#pragma once

#include "base/c_ptr.hpp"
#include "nft/error.hpp"

#include <libmnl/libmnl.h>

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace healthgate::nft {

class Batch;

class NetlinkSocket {
public:
  // Called for each message of a dump. Returning false ends the conversation (the rest is read and dropped).
  using OnMessage = std::function<bool(const nlmsghdr&)>;

  // `purpose` names the socket in errors. Throws std::system_error.
  explicit NetlinkSocket(std::string_view purpose);

  [[nodiscard]] int fd() const;
  [[nodiscard]] std::uint32_t portid() const;
  // Largest transaction that the kernel takes from this socket in one piece, in bytes.
  [[nodiscard]] std::size_t batch_limit_bytes() const { return batch_limit_bytes_; }

  // Sends the batch and reads to the end of the answer. Atomic for each part of the batch (Batch::cut()).
  // `unknown` in the error means: no answer, or it was lost, so the transaction may be in force.
  Result<void> commit(Batch& batch);

  // Runs a request, plain or NLM_F_DUMP, built by `build` into an empty message of `type`; repeats a dump
  // that the kernel reports as interrupted by a commit. `begin` is called before each try, for the caller to
  // forget the last.
  Result<void> request(std::uint16_t type, std::uint16_t flags, const std::function<void(nlmsghdr&)>& build,
                       const std::function<void()>& begin, const OnMessage& on_message);

private:
  Result<bool> request_once(std::uint16_t type, std::uint16_t flags,
                            const std::function<void(nlmsghdr&)>& build, const OnMessage& on_message);
  Result<void> send_part(Batch& batch, std::size_t part);
  Result<void> read_verdict(std::uint32_t first, std::uint32_t last);
  void drop_leftovers();

  base::CPtr<mnl_socket, mnl_socket_close> socket_;
  std::size_t batch_limit_bytes_ = 0;
  std::uint32_t sequence_ = 0;
  bool leftovers_ = false; // a conversation was not read to its end
  std::vector<char> buffer_;
};

// "Operation not permitted: message": what a NLMSG_ERROR says, with the kernel's extended ACK text where
// there is one. `header` must hold a whole nlmsgerr.
NetlinkError error_of(const nlmsghdr& header, std::string_view tried);

} // namespace healthgate::nft
