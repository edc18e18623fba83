#include "nft/batch.hpp"

#include "nft/expr_encode.hpp"
#include "nft/kernel_abi.hpp"

#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>

#include <algorithm>
#include <new>

namespace healthgate::nft {
namespace {

// A page is filled up to here; a message may run over by as much as libnftnl is told, so no message may be
// larger.
constexpr std::uint32_t page_bytes = 32 << 10;
constexpr std::uint32_t longest_message_bytes = 16 << 10;
// The list of elements in one message; an attribute's length has 16 bits, and the message must fit the
// overrun.
constexpr std::size_t element_list_bytes = 12 << 10;
constexpr std::size_t longest_element_bytes = 128;

using TablePtr = base::CPtr<nftnl_table, nftnl_table_free>;
using ChainPtr = base::CPtr<nftnl_chain, nftnl_chain_free>;
using SetPtr = base::CPtr<nftnl_set, nftnl_set_free>;
using ObjectPtr = base::CPtr<nftnl_obj, nftnl_obj_free>;
using RulePtr = base::CPtr<nftnl_rule, nftnl_rule_free>;
using UserDataPtr = base::CPtr<nftnl_udata_buf, nftnl_udata_buf_free>;

// libnftnl and libmnl fail in their constructors only for want of memory.
template <typename T> T* need(T* object) {
  if (object == nullptr) {
    throw std::bad_alloc();
  }
  return object;
}

const char* our_table() {
  return table_name.data();
} // a literal: ends in NUL

std::string terminated(std::string_view text) {
  return std::string(text);
}

UserDataPtr user_data() {
  return UserDataPtr(need(nftnl_udata_buf_alloc(256)));
} // NFT_USERDATA_MAXLEN

// What nft stores beside a set to print its elements: the byte order of keys and, for maps, of data.
void describe_byte_order(nftnl_set& set, bool map) {
  constexpr std::uint32_t big_endian = 2; // nftables, include/datatype.h: BYTEORDER_BIG_ENDIAN
  const UserDataPtr data = user_data();
  nftnl_udata_put_u32(data.get(), NFTNL_UDATA_SET_KEYBYTEORDER, big_endian);
  if (map) {
    nftnl_udata_put_u32(data.get(), NFTNL_UDATA_SET_DATABYTEORDER, 0);
  }
  nftnl_set_set_data(&set, NFTNL_SET_USERDATA, nftnl_udata_buf_data(data.get()),
                     nftnl_udata_buf_len(data.get()));
}

void put_string(nlmsghdr& message, int type, std::string_view text) {
  mnl_attr_put_strz(&message, static_cast<std::uint16_t>(type), terminated(text).c_str());
}

void put_data_value(nlmsghdr& message, int type, const void* data, std::size_t size) {
  nlattr* nest = mnl_attr_nest_start(&message, static_cast<std::uint16_t>(type));
  mnl_attr_put(&message, NFTA_DATA_VALUE, size, data);
  mnl_attr_nest_end(&message, nest);
}

void put_verdict(nlmsghdr& message, int type, const expr::Verdict& verdict) {
  nlattr* data = mnl_attr_nest_start(&message, static_cast<std::uint16_t>(type));
  nlattr* nest = mnl_attr_nest_start(&message, NFTA_DATA_VERDICT);
  mnl_attr_put_u32(&message, NFTA_VERDICT_CODE, htonl(static_cast<std::uint32_t>(verdict.code)));
  if (!verdict.chain.empty()) {
    mnl_attr_put_strz(&message, NFTA_VERDICT_CHAIN, verdict.chain.c_str());
  }
  mnl_attr_nest_end(&message, nest);
  mnl_attr_nest_end(&message, data);
}

void put_element(nlmsghdr& message, const Element& element, bool with_data) {
  nlattr* nest = mnl_attr_nest_start(&message, NFTA_LIST_ELEM);
  put_data_value(message, NFTA_SET_ELEM_KEY, element.key.data(), element.key.size());
  if (with_data && element.verdict) {
    put_verdict(message, NFTA_SET_ELEM_DATA, *element.verdict);
  }
  mnl_attr_nest_end(&message, nest);
}

void put_boundary(nlmsghdr& message, const std::array<std::uint8_t, 16>& key, std::size_t size, bool end,
                  bool open) {
  nlattr* nest = mnl_attr_nest_start(&message, NFTA_LIST_ELEM);
  if (end) {
    mnl_attr_put_u32(&message, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
  }
  put_data_value(message, NFTA_SET_ELEM_KEY, key.data(), size);
  if (open) { // tells nft that the interval has no end
    const UserDataPtr data = user_data();
    nftnl_udata_put_u32(data.get(), NFTNL_UDATA_SET_ELEM_FLAGS, NFTNL_SET_ELEM_F_INTERVAL_OPEN);
    mnl_attr_put(&message, NFTA_SET_ELEM_USERDATA, nftnl_udata_buf_len(data.get()),
                 nftnl_udata_buf_data(data.get()));
  }
  mnl_attr_nest_end(&message, nest);
}

// The address after the last of an interval, where its end element stands; false when there is none.
bool increment(std::array<std::uint8_t, 16>& key, std::size_t size) {
  for (std::size_t i = size; i-- > 0;) {
    if (++key[i] != 0) {
      return true;
    }
  }
  return false;
}

// An interval is two elements: its first address, and the first one after it, marked as an end.
void put_interval(nlmsghdr& message, const Interval& interval, std::size_t size) {
  std::array<std::uint8_t, 16> after = interval.last;
  const bool bounded = increment(after, size);
  put_boundary(message, interval.first, size, false, !bounded);
  if (bounded) {
    put_boundary(message, after, size, true, false);
  }
}

} // namespace

Batch::Batch(std::size_t limit_bytes) : limit_bytes_(limit_bytes) {}

void Batch::begin_part() {
  Part part;
  part.pages.reset(need(nftnl_batch_alloc(page_bytes, longest_message_bytes)));
  parts_.push_back(std::move(part));
  part_open_ = true;
  put_control(nftnl_batch_begin);
  parts_.back().first = sequence_;
}

void Batch::end_part() {
  open_->nlmsg_flags |= NLM_F_ACK;
  parts_.back().acked = open_->nlmsg_seq;
  put_control(nftnl_batch_end);
  close_message();
  part_open_ = false;
}

void Batch::put_control(nlmsghdr* (*put)(char*, std::uint32_t)) {
  close_message();
  open_ = put(static_cast<char*>(nftnl_batch_buffer(parts_.back().pages.get())), ++sequence_);
}

// libnftnl moves a message that ran over its page to the next, so its address holds only until here.
void Batch::close_message() {
  if (open_ == nullptr) {
    return;
  }
  parts_.back().bytes += open_->nlmsg_len;
  open_ = nullptr;
  if (nftnl_batch_update(parts_.back().pages.get()) < 0) {
    throw std::bad_alloc();
  }
}

nlmsghdr& Batch::begin_message(std::uint16_t type, std::uint16_t flags) {
  if (!part_open_) {
    begin_part();
  }
  close_message();
  ++messages_;
  open_ = nftnl_nlmsg_build_hdr(static_cast<char*>(nftnl_batch_buffer(parts_.back().pages.get())), type,
                                table_family, flags, ++sequence_);
  return *open_;
}

void Batch::cut() {
  if (part_open_ && parts_.back().bytes + longest_message_bytes > limit_bytes_ / 2) {
    end_part();
  }
}

void Batch::finish() {
  if (part_open_) {
    end_part();
  }
}

std::vector<iovec> Batch::pages(std::size_t part) const {
  nftnl_batch* batch = parts_[part].pages.get();
  std::vector<iovec> pages(static_cast<std::size_t>(nftnl_batch_iovec_len(batch)));
  nftnl_batch_iovec(batch, pages.data(), static_cast<std::uint32_t>(pages.size()));
  return pages;
}

void Batch::add_table(std::string_view name, std::uint32_t flags, std::string_view comment) {
  nlmsghdr& message = begin_message(NFT_MSG_NEWTABLE, NLM_F_CREATE);
  const TablePtr table(need(nftnl_table_alloc()));
  nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, terminated(name).c_str());
  nftnl_table_set_u32(table.get(), NFTNL_TABLE_FLAGS, flags);
  if (!comment.empty()) {
    const UserDataPtr data = user_data();
    nftnl_udata_put_strz(data.get(), NFTNL_UDATA_TABLE_COMMENT, terminated(comment).c_str());
    nftnl_table_set_data(table.get(), NFTNL_TABLE_USERDATA, nftnl_udata_buf_data(data.get()),
                         nftnl_udata_buf_len(data.get()));
  }
  nftnl_table_nlmsg_build_payload(&message, table.get());
}

void Batch::delete_table(std::string_view name) {
  nlmsghdr& message = begin_message(NFT_MSG_DELTABLE, 0);
  put_string(message, NFTA_TABLE_NAME, name);
}

void Batch::add_chain(const Chain& chain) {
  nlmsghdr& message = begin_message(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
  const ChainPtr built(need(nftnl_chain_alloc()));
  nftnl_chain_set_str(built.get(), NFTNL_CHAIN_TABLE, our_table());
  nftnl_chain_set_str(built.get(), NFTNL_CHAIN_NAME, chain.name.c_str());
  if (chain.hook) {
    nftnl_chain_set_str(built.get(), NFTNL_CHAIN_TYPE, chain.hook->type.c_str());
    nftnl_chain_set_u32(built.get(), NFTNL_CHAIN_HOOKNUM, chain.hook->number);
    nftnl_chain_set_s32(built.get(), NFTNL_CHAIN_PRIO, chain.hook->priority);
    nftnl_chain_set_u32(built.get(), NFTNL_CHAIN_POLICY, chain.hook->policy);
  }
  nftnl_chain_nlmsg_build_payload(&message, built.get());
}

void Batch::delete_chain(std::string_view name) {
  nlmsghdr& message = begin_message(NFT_MSG_DELCHAIN, 0);
  put_string(message, NFTA_CHAIN_TABLE, table_name);
  put_string(message, NFTA_CHAIN_NAME, name);
}

void Batch::add_set(const Set& set) {
  nlmsghdr& message = begin_message(NFT_MSG_NEWSET, NLM_F_CREATE);
  const SetPtr built(need(nftnl_set_alloc()));
  nftnl_set_set_str(built.get(), NFTNL_SET_TABLE, our_table());
  nftnl_set_set_str(built.get(), NFTNL_SET_NAME, set.name.c_str());
  nftnl_set_set_u32(built.get(), NFTNL_SET_FLAGS, set.flags);
  nftnl_set_set_u32(built.get(), NFTNL_SET_KEY_TYPE, set.key_type);
  nftnl_set_set_u32(built.get(), NFTNL_SET_KEY_LEN, set.key_len);
  nftnl_set_set_u32(built.get(), NFTNL_SET_ID, sequence_); // must be there, and differ within a transaction
  const bool map = (set.flags & NFT_SET_MAP) != 0;
  if (map) {
    nftnl_set_set_u32(built.get(), NFTNL_SET_DATA_TYPE, set.data_type);
    nftnl_set_set_u32(built.get(), NFTNL_SET_DATA_LEN, set.data_len);
  }
  if (set.size != 0) {
    nftnl_set_set_u32(built.get(), NFTNL_SET_DESC_SIZE, set.size);
  }
  if (set.timeout.count() != 0) {
    nftnl_set_set_u64(built.get(), NFTNL_SET_TIMEOUT, static_cast<std::uint64_t>(set.timeout.count()));
  }
  if (set.gc_interval_ms != 0) {
    nftnl_set_set_u32(built.get(), NFTNL_SET_GC_INTERVAL, set.gc_interval_ms);
  }
  describe_byte_order(*built, map);
  nftnl_set_nlmsg_build_payload(&message, built.get());
}

void Batch::delete_set(std::string_view name) {
  nlmsghdr& message = begin_message(NFT_MSG_DELSET, 0);
  put_string(message, NFTA_SET_TABLE, table_name);
  put_string(message, NFTA_SET_NAME, name);
}

void Batch::add_object(const Object& object) {
  nlmsghdr& message = begin_message(NFT_MSG_NEWOBJ, NLM_F_CREATE);
  const ObjectPtr built(need(nftnl_obj_alloc()));
  nftnl_obj_set_str(built.get(), NFTNL_OBJ_TABLE, our_table());
  nftnl_obj_set_str(built.get(), NFTNL_OBJ_NAME, object.name.c_str());
  nftnl_obj_set_u32(built.get(), NFTNL_OBJ_TYPE, object.type);
  nftnl_obj_set_u64(built.get(), NFTNL_OBJ_CTR_PKTS, 0);
  nftnl_obj_set_u64(built.get(), NFTNL_OBJ_CTR_BYTES, 0);
  nftnl_obj_nlmsg_build_payload(&message, built.get());
}

void Batch::delete_object(const Object& object) {
  nlmsghdr& message = begin_message(NFT_MSG_DELOBJ, 0);
  put_string(message, NFTA_OBJ_TABLE, table_name);
  put_string(message, NFTA_OBJ_NAME, object.name);
  mnl_attr_put_u32(&message, NFTA_OBJ_TYPE, htonl(object.type));
}

void Batch::delete_flowtable(std::string_view name) {
  nlmsghdr& message = begin_message(NFT_MSG_DELFLOWTABLE, 0);
  put_string(message, NFTA_FLOWTABLE_TABLE, table_name);
  put_string(message, NFTA_FLOWTABLE_NAME, name);
}

void Batch::append_rule(std::string_view chain, const Rule& rule) {
  nlmsghdr& message = begin_message(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
  const RulePtr built(need(nftnl_rule_alloc()));
  nftnl_rule_set_str(built.get(), NFTNL_RULE_TABLE, our_table());
  nftnl_rule_set_str(built.get(), NFTNL_RULE_CHAIN, terminated(chain).c_str());
  for (const Expr& part : rule.exprs) {
    nftnl_rule_add_expr(built.get(), need(encode(part)));
  }
  if (!rule.comment.empty()) {
    const UserDataPtr data = user_data();
    nftnl_udata_put_strz(data.get(), NFTNL_UDATA_RULE_COMMENT, rule.comment.c_str());
    nftnl_rule_set_data(built.get(), NFTNL_RULE_USERDATA, nftnl_udata_buf_data(data.get()),
                        nftnl_udata_buf_len(data.get()));
  }
  nftnl_rule_nlmsg_build_payload(&message, built.get());
}

void Batch::append_rules(const Chain& chain) {
  for (const Rule& rule : chain.rules) {
    append_rule(chain.name, rule);
  }
}

void Batch::flush_chain(std::string_view chain) {
  nlmsghdr& message = begin_message(NFT_MSG_DELRULE, 0);
  put_string(message, NFTA_RULE_TABLE, table_name);
  if (!chain.empty()) {
    put_string(message, NFTA_RULE_CHAIN, chain);
  }
}

// Fills as many messages as it takes: a message's list of elements is bounded.
template <typename T, typename Write>
void Batch::put_elements(std::uint16_t type, std::uint16_t flags, std::string_view set,
                         std::span<const T> all, const Write& write) {
  while (!all.empty()) {
    nlmsghdr& message = begin_message(type, flags);
    put_string(message, NFTA_SET_ELEM_LIST_TABLE, table_name);
    put_string(message, NFTA_SET_ELEM_LIST_SET, set);
    nlattr* list = mnl_attr_nest_start(&message, NFTA_SET_ELEM_LIST_ELEMENTS);
    const std::uint32_t before = message.nlmsg_len;
    std::size_t taken = 0;
    while (taken < all.size() && message.nlmsg_len - before + longest_element_bytes <= element_list_bytes) {
      write(message, all[taken++]);
    }
    mnl_attr_nest_end(&message, list);
    all = all.subspan(taken);
  }
}

void Batch::add_elements(std::string_view set, std::span<const Element> elements) {
  put_elements(NFT_MSG_NEWSETELEM, NLM_F_CREATE, set, elements,
               [](nlmsghdr& message, const Element& element) { put_element(message, element, true); });
}

void Batch::delete_elements(std::string_view set, std::span<const Element> elements) {
  put_elements(NFT_MSG_DELSETELEM, 0, set, elements,
               [](nlmsghdr& message, const Element& element) { put_element(message, element, false); });
}

void Batch::flush_set(std::string_view set) {
  nlmsghdr& message = begin_message(NFT_MSG_DELSETELEM, 0);
  put_string(message, NFTA_SET_ELEM_LIST_TABLE, table_name);
  put_string(message, NFTA_SET_ELEM_LIST_SET, set);
}

void Batch::put_intervals(std::uint16_t type, std::uint16_t flags, const Set& set,
                          std::span<const Interval> intervals) {
  put_elements(type, flags, set.name, intervals, [&set](nlmsghdr& message, const Interval& interval) {
    put_interval(message, interval, set.key_len);
  });
}

void Batch::add_intervals(const Set& set, std::span<const Interval> intervals) {
  put_intervals(NFT_MSG_NEWSETELEM, NLM_F_CREATE, set, intervals);
}

void Batch::delete_intervals(const Set& set, std::span<const Interval> intervals) {
  put_intervals(NFT_MSG_DELSETELEM, 0, set, intervals);
}

} // namespace healthgate::nft
