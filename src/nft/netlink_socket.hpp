// One netlink socket to nf_tables: transactions and dumps. The kernel answers inside the send call, so
// whatever it has to say is readable when send returns; what is not there then will not come.
//
// A transaction blocks while somebody else holds the namespace's commit lock (nft-findings, 1.6); a dump
// never does. Not thread-safe: one owner, one conversation at a time.
#pragma once

#include "base/c_ptr.hpp"
#include "base/unique_fd.hpp"
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
  using Build = std::function<void(nlmsghdr&)>;
  using OnMessage = std::function<void(const nlmsghdr&)>;

  // How far the answer to a request has been read.
  enum class Progress {
    more,        // read_piece() again
    whole,       // that was all
    interrupted, // a commit came in between, or the kernel asks to be asked again: begin anew
  };

  // `purpose` names the socket in errors. Throws std::system_error.
  explicit NetlinkSocket(std::string_view purpose);
  // Goes on with the socket of a predecessor, and so as the owner of its table. Throws std::system_error
  // where `inherited` is not a netlink socket to nf_tables.
  NetlinkSocket(std::string_view purpose, base::UniqueFd inherited);

  [[nodiscard]] int fd() const;
  [[nodiscard]] std::uint32_t portid() const;
  // Largest transaction that the kernel takes from this socket in one piece, in bytes.
  [[nodiscard]] std::size_t batch_limit_bytes() const { return batch_limit_bytes_; }

  // Sends the batch and reads to the end of the answer. Atomic for each part of the batch (Batch::cut()).
  // `unknown` in the error means: no answer, or it was lost, so the transaction may be in force.
  Result<void> commit(Batch& batch);

  // Runs a request, plain or NLM_F_DUMP, built by `build` into an empty message of `type`; repeats a dump
  // that the kernel reports as interrupted. `begin` is called before each try, for the caller to forget the
  // last.
  Result<void> request(std::uint16_t type, std::uint16_t flags, const Build& build,
                       const std::function<void()>& begin, const OnMessage& on_message);

  // The same in pieces, for dumps so long that something else must get its turn: at most 32 KiB of answer a
  // call.
  Result<void> begin_request(std::uint16_t type, std::uint16_t flags, const Build& build);
  Result<Progress> read_piece(const OnMessage& on_message);

private:
  void prepare();
  Result<void> send_part(Batch& batch, std::size_t part);
  Result<void> read_verdict(std::uint32_t first, std::uint32_t last);
  void drop_leftovers();

  base::CPtr<mnl_socket, mnl_socket_close> socket_;
  std::size_t batch_limit_bytes_ = 0;
  std::uint32_t sequence_ = 0;
  bool leftovers_ = false;   // a conversation was not read to its end
  bool dump_ = false;        // the request begun last is a dump,
  bool interrupted_ = false; // during which somebody committed
  std::vector<char> buffer_;
};

// "Operation not permitted: message": what a NLMSG_ERROR says, with the kernel's extended ACK text where
// there is one. `header` must hold a whole nlmsgerr.
NetlinkError error_of(const nlmsghdr& header, std::string_view tried);

} // namespace healthgate::nft
