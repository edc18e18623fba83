#include "nft/readers.hpp"

#include "nft/expected.hpp"
#include "nft/kernel_abi.hpp"
#include "nft/netlink_socket.hpp"
#include "nft/parse.hpp"

#include <algorithm>
#include <cstring>

namespace healthgate::nft {
namespace {

using std::chrono::milliseconds;

void put_text(nlmsghdr& message, int type, std::string_view text) {
  mnl_attr_put_strz(&message, static_cast<std::uint16_t>(type), std::string(text).c_str());
}

Result<std::vector<Element>> elements_of(NetlinkSocket& socket, const std::string& set) {
  std::vector<Element> elements;
  auto done = socket.request(
      NFT_MSG_GETSETELEM, NLM_F_DUMP,
      [&set](nlmsghdr& message) {
        put_text(message, NFTA_SET_ELEM_LIST_TABLE, table_name);
        put_text(message, NFTA_SET_ELEM_LIST_SET, set);
      },
      [&elements] { elements.clear(); },
      [&elements](const nlmsghdr& message) {
        parse_elements(message, [&elements](ElementRow row) { elements.push_back(std::move(row.element)); });
      });
  if (!done) {
    return base::Failure{done.error()};
  }
  return elements;
}

core::Address address_of(const Bytes& key) {
  core::Address address;
  address.family = key.size() == 4 ? core::Family::ipv4 : core::Family::ipv6;
  std::memcpy(address.bytes.data(), key.data(), std::min(key.size(), address.bytes.size()));
  return address;
}

// A source's element is refreshed by each SYN, so its remaining time tells when the last one came.
Result<std::vector<SourceReading>> sources(NetlinkSocket& socket, const std::string& name,
                                           milliseconds timeout) {
  std::vector<SourceReading> all;
  for (const char* family : {"4", "6"}) {
    auto elements = elements_of(socket, name + family);
    if (!elements) {
      return base::Failure{elements.error()};
    }
    for (const Element& element : elements.value()) {
      const milliseconds remaining = std::min(element.expiration.value_or(timeout), timeout);
      all.push_back({address_of(element.key), timeout - remaining});
    }
  }
  std::stable_sort(all.begin(), all.end(),
                   [](const SourceReading& a, const SourceReading& b) { return a.ago < b.ago; });
  return all;
}

} // namespace

struct Reader::Parts {
  NetlinkSocket socket{"reader"};
};

Reader::Reader() : parts_(std::make_unique<Parts>()) {}
Reader::~Reader() = default;
Reader::Reader(Reader&&) noexcept = default;
Reader& Reader::operator=(Reader&&) noexcept = default;

Result<std::vector<CounterReading>> Reader::counters() {
  std::vector<CounterReading> counters;
  auto done = parts_->socket.request(
      NFT_MSG_GETOBJ, NLM_F_DUMP,
      [](nlmsghdr& message) {
        put_text(message, NFTA_OBJ_TABLE, table_name);
        mnl_attr_put_u32(&message, NFTA_OBJ_TYPE, htonl(NFT_OBJECT_COUNTER));
      },
      [&counters] { counters.clear(); },
      [&counters](const nlmsghdr& message) {
        if (auto row = parse_object(message, table_name); row && row->object.type == NFT_OBJECT_COUNTER) {
          counters.push_back({std::move(row->object.name), row->packets, row->bytes});
        }
      });
  if (!done) {
    return base::Failure{done.error()};
  }
  return counters;
}

Result<std::vector<SourceReading>> Reader::seen(std::string_view gate) {
  return sources(parts_->socket, std::string(gate) + "_seen", seen_timeout);
}

Result<std::vector<SourceReading>> Reader::strangers(std::string_view gate) {
  return sources(parts_->socket, std::string(gate) + "_strangers", strangers_timeout);
}

Result<std::vector<LeaseReading>> Reader::leases() {
  auto elements = elements_of(parts_->socket, "lease");
  if (!elements) {
    return base::Failure{elements.error()};
  }
  std::vector<LeaseReading> leases;
  for (const Element& element : elements.value()) {
    leases.push_back({port_of(element.key), element.expiration.value_or(milliseconds::max())});
  }
  return leases;
}

} // namespace healthgate::nft
