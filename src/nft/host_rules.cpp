#include "nft/host_rules.hpp"

#include "nft/kernel_abi.hpp"
#include "nft/parse.hpp"

#include <algorithm>
#include <tuple>

namespace healthgate::nft {
namespace {

nfgenmsg& family_of(nlmsghdr& message) {
  return *static_cast<nfgenmsg*>(mnl_nlmsg_get_payload(&message));
}
std::uint8_t family_of(const nlmsghdr& message) {
  return mnl_nlmsg_get_payload_len(&message) < sizeof(nfgenmsg)
             ? std::uint8_t{0}
             : static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(&message))->nfgen_family;
}

void ask_all_families(nlmsghdr& message) {
  family_of(message).nfgen_family = NFPROTO_UNSPEC;
}

HostElement parse_host_element(const nlattr* nest) {
  const Attributes all(nest);
  ElementRow row = parse_element(nest);
  HostElement element;
  element.key = std::move(row.element.key);
  element.key_end = Bytes(Attributes(all.get(NFTA_SET_ELEM_KEY_END)).bytes(NFTA_DATA_VALUE));
  element.interval_end = row.interval_end;
  element.catch_all = (all.u32(NFTA_SET_ELEM_FLAGS) & flag_catch_all) != 0;
  element.conditional = all.has(NFTA_SET_ELEM_EXPR) || all.has(NFTA_SET_ELEM_EXPRESSIONS);
  element.verdict = std::move(row.element.verdict);
  element.data = Bytes(Attributes(all.get(NFTA_SET_ELEM_DATA)).bytes(NFTA_DATA_VALUE));
  return element;
}

class HostReader {
public:
  explicit HostReader(NetlinkSocket& socket) : socket_(socket) {}

  Result<HostRules> run() {
    for (auto step : {&HostReader::read_tables, &HostReader::read_chains, &HostReader::read_rules,
                      &HostReader::read_sets, &HostReader::read_all_elements}) {
      if (auto done = (this->*step)(); !done) {
        return base::Failure{done.error()};
      }
    }
    HostRules rules;
    for (auto& [key, table] : tables_) {
      rules.push_back(std::move(table));
    }
    return rules;
  }

private:
  using Key = std::pair<std::uint8_t, std::string>;

  Result<void> dump(std::uint16_t type, const std::function<void()>& begin,
                    const NetlinkSocket::OnMessage& on_message) {
    return socket_.request(type, NLM_F_DUMP, ask_all_families, begin, on_message);
  }

  // Nothing for our own table, and for one that was added after the tables were listed.
  HostTable* table_of(const nlmsghdr& message, std::string_view name) {
    const auto found = tables_.find(Key(family_of(message), name));
    return found == tables_.end() ? nullptr : &found->second;
  }

  Result<void> read_tables() {
    return dump(
        NFT_MSG_GETTABLE, [this] { tables_.clear(); },
        [this](const nlmsghdr& message) {
          const std::string name(Attributes(message).text(NFTA_TABLE_NAME));
          const std::uint8_t family = family_of(message);
          const auto table = parse_table(message, name);
          if (table && !(family == table_family && name == table_name)) {
            tables_.emplace(Key(family, name), HostTable{family, name, table->flags, {}, {}});
          }
        });
  }

  Result<void> read_chains() {
    return dump(
        NFT_MSG_GETCHAIN,
        [this] {
          for (auto& [key, table] : tables_) {
            table.chains.clear();
          }
        },
        [this](const nlmsghdr& message) {
          const Attributes all(message);
          const std::string_view name = all.text(NFTA_CHAIN_TABLE);
          HostTable* table = table_of(message, name);
          auto chain = parse_chain(message, name);
          if (table == nullptr || !chain) {
            return;
          }
          HostChain& added = table->chains[chain->name];
          added.hook = std::move(chain->hook);
          const Attributes hook(all.get(NFTA_CHAIN_HOOK));
          if (hook.has(NFTA_HOOK_DEV)) {
            added.devices.emplace_back(hook.text(NFTA_HOOK_DEV));
          }
          for_each_nested(hook.get(NFTA_HOOK_DEVS), NFTA_DEVICE_NAME, [&added](const nlattr* device) {
            const std::string_view text(static_cast<const char*>(mnl_attr_get_payload(device)),
                                        mnl_attr_get_payload_len(device));
            added.devices.emplace_back(text.substr(0, text.find('\0')));
          });
        });
  }

  Result<void> read_rules() {
    return dump(
        NFT_MSG_GETRULE,
        [this] {
          for (auto& [key, table] : tables_) {
            for (auto& [name, chain] : table.chains) {
              chain.rules.clear();
            }
          }
        },
        [this](const nlmsghdr& message) {
          const Attributes all(message);
          const std::string_view name = all.text(NFTA_RULE_TABLE);
          HostTable* table = table_of(message, name);
          auto row = table == nullptr ? std::nullopt : parse_rule(message, name);
          if (!row) {
            return;
          }
          if (const auto chain = table->chains.find(row->chain); chain != table->chains.end()) {
            chain->second.rules.push_back({std::move(row->rule), all.u64(NFTA_RULE_HANDLE)});
          }
        });
  }

  Result<void> read_sets() {
    return dump(
        NFT_MSG_GETSET,
        [this] {
          for (auto& [key, table] : tables_) {
            table.sets.clear();
          }
        },
        [this](const nlmsghdr& message) {
          const Attributes all(message);
          const std::string_view name = all.text(NFTA_SET_TABLE);
          HostTable* table = table_of(message, name);
          auto parsed = table == nullptr ? std::nullopt : parse_set(message, name);
          if (!parsed) {
            return;
          }
          HostSet& set = table->sets[parsed->name];
          set.flags = parsed->flags;
          set.key_len = parsed->key_len;
          const Attributes description(all.get(NFTA_SET_DESC));
          for_each_nested(description.get(NFTA_SET_DESC_CONCAT), NFTA_LIST_ELEM, [&set](const nlattr* field) {
            set.fields.push_back(Attributes(field).u32(NFTA_SET_FIELD_LEN));
          });
        });
  }

  Result<void> read_all_elements() {
    for (auto& [key, table] : tables_) {
      for (auto& [name, set] : table.sets) {
        if (auto done = read_elements(table, name, set); !done) {
          return done;
        }
      }
    }
    return {};
  }

  Result<void> read_elements(const HostTable& table, const std::string& name, HostSet& set) {
    auto done = socket_.request(
        NFT_MSG_GETSETELEM, NLM_F_DUMP,
        [&table, &name](nlmsghdr& message) {
          family_of(message).nfgen_family = table.family;
          mnl_attr_put_strz(&message, NFTA_SET_ELEM_LIST_TABLE, table.name.c_str());
          mnl_attr_put_strz(&message, NFTA_SET_ELEM_LIST_SET, name.c_str());
        },
        [&set] { set.elements.clear(); },
        [&set](const nlmsghdr& message) {
          for_each_nested(
              Attributes(message).get(NFTA_SET_ELEM_LIST_ELEMENTS), NFTA_LIST_ELEM,
              [&set](const nlattr* element) { set.elements.push_back(parse_host_element(element)); });
        });
    if (!done && done.error().error == ENOENT) {
      return {}; // went away between two requests
    }
    std::sort(set.elements.begin(), set.elements.end(), [](const HostElement& a, const HostElement& b) {
      return std::make_tuple(std::string_view(a.key), !a.interval_end) <
             std::make_tuple(std::string_view(b.key), !b.interval_end);
    });
    return done;
  }

  NetlinkSocket& socket_;
  std::map<Key, HostTable> tables_;
};

} // namespace

std::string_view family_text(std::uint8_t family) {
  switch (family) {
  case NFPROTO_INET:
    return "inet";
  case NFPROTO_IPV4:
    return "ip";
  case NFPROTO_IPV6:
    return "ip6";
  case NFPROTO_ARP:
    return "arp";
  case NFPROTO_NETDEV:
    return "netdev";
  case NFPROTO_BRIDGE:
    return "bridge";
  default:
    return "unknown";
  }
}

Result<HostRules> read_host_rules(NetlinkSocket& socket) {
  return HostReader(socket).run();
}

} // namespace healthgate::nft
