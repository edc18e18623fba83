// A transaction in the making: messages between BATCH_BEGIN and BATCH_END, an ACK asked for by the last one
// only (an ACK for each overflowed our own receive buffer, nft-findings 1.6), without a generation id.
//
// One part is atomic. Where the socket cannot take a transaction in one piece, it is split, but only at a
// cut(): a point at which the table is safe to be left.
#pragma once

#include "base/c_ptr.hpp"
#include "nft/model.hpp"

#include <libmnl/libmnl.h>
#include <libnftnl/batch.h>

#include <sys/uio.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace healthgate::nft {

class Batch {
public:
  // `limit_bytes`: how large a part may grow before cut() begins another
  // (NetlinkSocket::batch_limit_bytes()).
  explicit Batch(std::size_t limit_bytes);
  Batch(Batch&&) noexcept = default;
  Batch& operator=(Batch&&) noexcept = default;
  ~Batch() = default;

  void add_table(std::string_view name, std::uint32_t flags, std::string_view comment);
  void delete_table(std::string_view name);
  void add_chain(const Chain& chain); // without its rules
  void delete_chain(std::string_view name);
  void add_set(const Set& set); // without its elements
  void delete_set(std::string_view name);
  void add_object(const Object& object);
  void delete_object(const Object& object);
  void delete_flowtable(std::string_view name);
  void append_rule(std::string_view chain, const Rule& rule);
  void append_rules(const Chain& chain);
  void flush_chain(std::string_view chain); // "" flushes every chain of the table
  void add_elements(std::string_view set, std::span<const Element> elements);
  void delete_elements(std::string_view set, std::span<const Element> elements);
  void flush_set(std::string_view set);
  void add_intervals(const Set& set, std::span<const Interval> intervals);
  void delete_intervals(const Set& set, std::span<const Interval> intervals);

  // Says that the table is safe to be left here.
  void cut();

  [[nodiscard]] bool empty() const { return messages_ == 0; }
  [[nodiscard]] std::size_t messages() const { return messages_; }

  // Closes the batch and asks for the ACK of each part. Nothing may be added afterwards; twice is once.
  void finish();
  [[nodiscard]] std::size_t parts() const { return parts_.size(); }
  [[nodiscard]] std::vector<iovec> pages(std::size_t part) const;
  [[nodiscard]] std::uint32_t first_sequence(std::size_t part) const { return parts_[part].first; }
  [[nodiscard]] std::uint32_t last_sequence(std::size_t part) const { return parts_[part].acked; }

private:
  struct Part {
    base::CPtr<nftnl_batch, nftnl_batch_free> pages;
    std::size_t bytes = 0;
    std::uint32_t first = 0;
    std::uint32_t acked = 0; // sequence number of the last message before BATCH_END
  };

  nlmsghdr& begin_message(std::uint16_t type, std::uint16_t flags);
  void put_control(nlmsghdr* (*put)(char*, std::uint32_t));
  void close_message();
  void begin_part();
  void end_part();
  template <typename T, typename Write>
  void put_elements(std::uint16_t type, std::uint16_t flags, std::string_view set, std::span<const T> all,
                    const Write& write);
  void put_intervals(std::uint16_t type, std::uint16_t flags, const Set& set,
                     std::span<const Interval> intervals);

  std::size_t limit_bytes_;
  std::vector<Part> parts_;
  nlmsghdr* open_ =
      nullptr; // the message being written: libnftnl moves it to a new page when it does not fit
  std::uint32_t sequence_ = 0;
  std::size_t messages_ = 0;
  bool part_open_ = false;
};

} // namespace healthgate::nft
