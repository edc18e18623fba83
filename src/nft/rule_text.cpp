// Rules to nft syntax: follows what each register holds, as `nft list` does.
#include "nft/kernel_abi.hpp"
#include "nft/raw_text.hpp"
#include "nft/text.hpp"
#include "nft/text_values.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <utility>

namespace healthgate::nft {
namespace {

// What a register holds: a field by name, and how its values are written.
struct Field {
  std::string name;
  ValueKind kind = ValueKind::hexadecimal;
  Bytes mask;                      // of a bitwise in between; empty: none
  std::uint32_t padded_length = 0; // of an address of which only the first octets are there
};

struct PayloadField {
  std::uint32_t base;
  std::uint8_t protocol; // l4proto for the transport header, nfproto for the network header
  std::uint32_t offset;
  std::uint32_t len;
  std::string_view name;
  ValueKind kind;
};

constexpr PayloadField payload_fields[] = {
    {NFT_PAYLOAD_TRANSPORT_HEADER, IPPROTO_TCP, 0, 2, "tcp sport", ValueKind::port},
    {NFT_PAYLOAD_TRANSPORT_HEADER, IPPROTO_TCP, 2, 2, "tcp dport", ValueKind::port},
    {NFT_PAYLOAD_TRANSPORT_HEADER, IPPROTO_TCP, 13, 1, "tcp flags", ValueKind::tcp_flags},
    {NFT_PAYLOAD_TRANSPORT_HEADER, IPPROTO_UDP, 0, 2, "udp sport", ValueKind::port},
    {NFT_PAYLOAD_TRANSPORT_HEADER, IPPROTO_UDP, 2, 2, "udp dport", ValueKind::port},
    {NFT_PAYLOAD_NETWORK_HEADER, NFPROTO_IPV4, 9, 1, "ip protocol", ValueKind::protocol},
    {NFT_PAYLOAD_NETWORK_HEADER, NFPROTO_IPV4, 12, 4, "ip saddr", ValueKind::address},
    {NFT_PAYLOAD_NETWORK_HEADER, NFPROTO_IPV4, 16, 4, "ip daddr", ValueKind::address},
    {NFT_PAYLOAD_NETWORK_HEADER, NFPROTO_IPV6, 8, 16, "ip6 saddr", ValueKind::address},
    {NFT_PAYLOAD_NETWORK_HEADER, NFPROTO_IPV6, 24, 16, "ip6 daddr", ValueKind::address},
};

struct MetaField {
  std::uint32_t key;
  ValueKind kind;
  bool bare; // said without the word meta
};

constexpr MetaField meta_fields[] = {
    {NFT_META_MARK, ValueKind::host_integer, false},  {NFT_META_IIFNAME, ValueKind::interface, true},
    {NFT_META_OIFNAME, ValueKind::interface, true},   {NFT_META_IIF, ValueKind::host_integer, true},
    {NFT_META_OIF, ValueKind::host_integer, true},    {NFT_META_L4PROTO, ValueKind::protocol, false},
    {NFT_META_NFPROTO, ValueKind::family, false},     {NFT_META_SKUID, ValueKind::host_integer, false},
    {NFT_META_PROTOCOL, ValueKind::ethertype, false}, {NFT_META_CPU, ValueKind::host_integer, false},
};

constexpr std::string_view operators[] = {"", "!= ", "< ", "<= ", "> ", ">= "}; // enum nft_cmp_ops

class RuleWriter {
public:
  RuleWriter(Nonce nonce, std::uint8_t family)
      : nonce_(nonce), nfproto_(family == NFPROTO_IPV4 || family == NFPROTO_IPV6 ? family : std::uint8_t{0}) {
  }

  std::string write(const Rule& rule) {
    for (std::size_t i = 0; i < rule.exprs.size(); ++i) {
      if (i + 1 < rule.exprs.size() && writes_range(rule.exprs[i], rule.exprs[i + 1])) {
        ++i;
      } else {
        std::visit(*this, rule.exprs[i]);
      }
    }
    settle_dependency();
    if (!rule.comment.empty()) {
      say("comment \"" + printable(rule.comment) + "\"");
    }
    return foreign_ ? std::string(not_understood) + text_ : text_;
  }

  void operator()(const expr::Meta& part) {
    for (const MetaField& field : meta_fields) {
      if (field.key == part.key) {
        set(part.dreg, {(field.bare ? "" : "meta ") + meta_name(part.key), field.kind, {}});
        return;
      }
    }
    set(part.dreg, {"meta " + meta_name(part.key), ValueKind::hexadecimal, {}});
  }

  void operator()(const expr::Payload& part) {
    const std::uint8_t protocol = part.base == NFT_PAYLOAD_TRANSPORT_HEADER ? l4proto_ : nfproto_;
    for (const PayloadField& field : payload_fields) {
      // The first octets of an address stand for a prefix.
      const bool prefix = field.kind == ValueKind::address && part.len < field.len;
      if (field.base == part.base && field.protocol == protocol && field.offset == part.offset &&
          (field.len == part.len || prefix)) {
        set(part.dreg, {std::string(field.name), field.kind, {}, prefix ? field.len : 0});
        return;
      }
    }
    constexpr std::string_view bases[] = {"@ll", "@nh", "@th", "@ih"};
    const std::string base = part.base < std::size(bases) ? std::string(bases[part.base]) : "@base";
    set(part.dreg, {base + "," + std::to_string(8ull * part.offset) + "," + std::to_string(8ull * part.len),
                    ValueKind::hexadecimal,
                    {}});
  }

  void operator()(const expr::Bitwise& part) {
    Field field = get(part.sreg);
    if (part.flip.find_first_not_of('\0') != Bytes::npos) {
      field.name += " ^ " + value_text(part.flip, ValueKind::hexadecimal);
    }
    field.mask = part.mask;
    set(part.dreg, std::move(field));
  }

  void operator()(const expr::Cmp& part) {
    const Field field = get(part.sreg);
    if (depends_only(part, field)) {
      return;
    }
    std::string op(part.op < std::size(operators) ? operators[part.op] : "? ");
    if (const auto prefix = prefix_of(field, part.data.size())) {
      Bytes address = part.data;
      address.resize(std::max<std::size_t>(address.size(), field.padded_length), '\0');
      use(field.name, op + value_text(address, field.kind) + "/" + std::to_string(*prefix));
    } else if ((field.kind == ValueKind::connection_state || field.kind == ValueKind::connection_nat) &&
               tests_bits(part, field)) {
      use(field.name, (part.op == NFT_CMP_EQ ? "!= " : "") + value_text(field.mask, field.kind));
    } else if (!field.mask.empty() && field.kind == ValueKind::tcp_flags && op.empty()) {
      use(field.name, value_text(part.data, field.kind) + " / " + value_text(field.mask, field.kind));
    } else if (!field.mask.empty()) {
      use(field.name + " & " + value_text(field.mask, field.kind),
          (op.empty() ? "== " : op) + value_text(part.data, field.kind));
    } else if (nonce_ == Nonce::hidden && field.name == "@th,64,64") {
      use(field.name, op + "0x0");
    } else {
      use(field.name, op + value_text(part.data, field.kind));
    }
  }

  void operator()(const expr::Lookup& part) {
    const std::string set = "@" + printable(part.set);
    if (part.dreg) {
      use(get(part.sreg).name, *part.dreg == NFT_REG_VERDICT ? "vmap " + set : "map " + set);
    } else {
      use(get(part.sreg).name, (part.inverted ? "!= " : "") + set);
    }
  }

  void operator()(const expr::Dynset& part) {
    constexpr std::string_view ops[] = {"add", "update", "delete"}; // enum nft_dynset_ops
    const std::string key = get(part.sreg_key).name;
    std::string text =
        std::string(part.op < std::size(ops) ? ops[part.op] : "?") + " @" + printable(part.set) + " { " + key;
    if (part.timeout.count() != 0) {
      text += " timeout " + duration_text(part.timeout);
    }
    drop_dependency_of(key);
    say(text + " }");
  }

  void operator()(const expr::Verdict& part) { say(verdict_text(part)); }

  void operator()(const expr::ObjectRef& part) {
    say((part.type == NFT_OBJECT_COUNTER ? "counter name \""
                                         : "object " + std::to_string(part.type) + " name \"") +
        printable(part.name) + "\"");
  }

  void operator()(const expr::Reject& part) {
    if (part.type == NFT_REJECT_TCP_RST) {
      say("reject with tcp reset");
    } else if (part.type == NFT_REJECT_ICMPX_UNREACH && part.code == NFT_REJECT_ICMPX_PORT_UNREACH) {
      say("reject");
    } else {
      constexpr std::string_view icmpx[] = {"no-route", "port-unreachable", "host-unreachable",
                                            "admin-prohibited"};
      const bool named = part.type == NFT_REJECT_ICMPX_UNREACH && part.code < std::size(icmpx);
      say(std::string("reject with ") + (part.type == NFT_REJECT_ICMPX_UNREACH ? "icmpx" : "icmp") +
          " type " + (named ? std::string(icmpx[part.code]) : std::to_string(part.code)));
    }
  }

  void operator()(const expr::Ct& part) {
    const bool status = part.key == NFT_CT_STATUS;
    set(part.dreg, {status ? "ct status" : "ct key " + std::to_string(part.key),
                    status ? ValueKind::connection_nat : ValueKind::hexadecimal,
                    {}});
  }

  void operator()(const expr::Fib& part) {
    const bool type = part.flags == NFTA_FIB_F_DADDR && part.result == NFT_FIB_RESULT_ADDRTYPE;
    set(part.dreg, {type ? "fib daddr type" : "fib", ValueKind::address_type, {}});
  }

  void operator()(const expr::Hash& part) {
    const Field first = get(part.sreg);
    const std::uint32_t first_words = part.len / 4 - 1; // what follows fills the last word
    const Field second = get(register_of(word_of(part.sreg) + first_words));
    for (const auto& field : {first.name, second.name}) {
      drop_dependency_of(field);
    }
    std::string words = "jhash " + first.name + " . " + second.name + " mod " + std::to_string(part.modulus);
    if (part.seed != 0) {
      words +=
          " seed " + value_text(Bytes(reinterpret_cast<const char*>(&part.seed), 4), ValueKind::host_integer);
    }
    set(part.dreg, {words, ValueKind::decimal, {}});
  }

  void operator()(const expr::Value& part) { values_[part.dreg] = part.data; }

  void operator()(const expr::Dnat& part) {
    drop_dependency_of(part.family == NFPROTO_IPV4 ? "ip " : "ip6 ");
    say(std::string("dnat ") + (part.family == NFPROTO_IPV4 ? "ip" : "ip6") + " to " +
        value_text(values_[part.sreg], ValueKind::address));
  }

  void operator()(const expr::Masquerade& /*part*/) { say("masquerade"); }

  void operator()(const expr::Raw& part) {
    if (auto load = load_text(part)) {
      set(load->dreg, {std::move(load->field), load->kind, {}});
      return;
    }
    if (const auto range = range_text(part)) {
      const Field field = get(range->sreg);
      use(field.name, (range->inverted ? "!= " : "") + value_text(range->from, field.kind) + "-" +
                          value_text(range->to, field.kind));
      return;
    }
    if (const auto statement = statement_text(part)) {
      foreign_ = foreign_ || !statement->whole;
      if (!statement->words.empty()) {
        say(statement->words);
      }
      return;
    }
    foreign_ = true;
    say("[ " + printable(part.name) + " " + value_text(part.attributes, ValueKind::hexadecimal) + " ]");
  }

private:
  // `tcp dport 1-9` is compiled to two comparisons.
  bool writes_range(const Expr& first, const Expr& second) {
    const auto* from = std::get_if<expr::Cmp>(&first);
    const auto* to = std::get_if<expr::Cmp>(&second);
    if (from == nullptr || to == nullptr || from->op != NFT_CMP_GTE || to->op != NFT_CMP_LTE ||
        from->sreg != to->sreg) {
      return false;
    }
    const Field field = get(from->sreg);
    use(field.name, value_text(from->data, field.kind) + "-" + value_text(to->data, field.kind));
    return true;
  }
  // How many leading bits are compared, when it is an address of which not all are.
  static std::optional<std::size_t> prefix_of(const Field& field, std::size_t length) {
    if (field.kind != ValueKind::address) {
      return {};
    }
    if (field.mask.empty()) {
      return field.padded_length == 0 ? std::nullopt : std::optional(length * 8);
    }
    std::size_t bits = 0;
    while (bits < field.mask.size() * 8 && (field.mask[bits / 8] >> (7 - bits % 8) & 1) != 0) {
      ++bits;
    }
    for (std::size_t rest = bits; rest < field.mask.size() * 8; ++rest) {
      if ((field.mask[rest / 8] >> (7 - rest % 8) & 1) != 0) {
        return {};
      }
    }
    return bits;
  }
  // `ct state new` is compiled to: any of these bits is set.
  static bool tests_bits(const expr::Cmp& part, const Field& field) {
    return !field.mask.empty() && (part.op == NFT_CMP_EQ || part.op == NFT_CMP_NEQ) &&
           part.data.find_first_not_of('\0') == Bytes::npos;
  }

  void say(const std::string& words) {
    settle_dependency();
    text_ += (text_.empty() ? "" : " ") + words;
  }
  void use(const std::string& field, const std::string& value) {
    drop_dependency_of(field);
    say(field + " " + value);
  }

  // `meta l4proto tcp` and `meta nfproto ipv4` are only said when no field after them implies them.
  bool depends_only(const expr::Cmp& part, const Field& field) {
    if (part.op != NFT_CMP_EQ || !field.mask.empty() || part.data.empty()) {
      return false;
    }
    const auto value = static_cast<std::uint8_t>(part.data[0]);
    if (field.name == "meta l4proto") {
      l4proto_ = value;
    } else if (field.name == "meta nfproto") {
      nfproto_ = value;
    } else if (field.name == "meta protocol") { // in tables of the family netdev
      nfproto_ = value == 0x08 ? NFPROTO_IPV4 : NFPROTO_IPV6;
    } else {
      return false;
    }
    dependencies_.push_back(field.name + " " + value_text(part.data, field.kind));
    return true;
  }
  static bool implies(const std::string& field, const std::string& dependency) {
    return (dependency == "meta l4proto tcp" && field.compare(0, 4, "tcp ") == 0) ||
           (dependency == "meta l4proto udp" && field.compare(0, 4, "udp ") == 0) ||
           ((dependency == "meta nfproto ipv4" || dependency == "meta protocol ip") &&
            field.compare(0, 3, "ip ") == 0) ||
           ((dependency == "meta nfproto ipv6" || dependency == "meta protocol ip6") &&
            field.compare(0, 4, "ip6 ") == 0);
  }
  void drop_dependency_of(const std::string& field) {
    dependencies_.erase(
        std::remove_if(dependencies_.begin(), dependencies_.end(),
                       [&field](const std::string& dependency) { return implies(field, dependency); }),
        dependencies_.end());
  }
  void settle_dependency() {
    for (const std::string& dependency : std::exchange(dependencies_, {})) {
      text_ += (text_.empty() ? "" : " ") + dependency;
    }
  }
  // Registers by number are four words wide, then come those of one word.
  static std::uint32_t word_of(std::uint32_t reg) {
    return reg < NFT_REG32_00 ? 4 * (reg - NFT_REG_1) : reg - NFT_REG32_00;
  }
  static std::uint32_t register_of(std::uint32_t word) {
    return word % 4 == 0 ? NFT_REG_1 + word / 4 : NFT_REG32_00 + word;
  }

  void set(std::uint32_t reg, Field field) { registers_[reg % registers_.size()] = std::move(field); }
  [[nodiscard]] const Field& get(std::uint32_t reg) const { return registers_[reg % registers_.size()]; }

  Nonce nonce_;
  std::string text_;
  std::vector<std::string> dependencies_; // said only if no field implies them
  std::map<std::uint32_t, Bytes> values_; // of registers, for what reads them
  std::uint8_t l4proto_ = 0;
  std::uint8_t nfproto_;
  bool foreign_ = false;
  std::array<Field, 32> registers_; // NFT_REG32_15 is 23
};

} // namespace

std::string to_text(const Rule& rule, Nonce nonce, std::uint8_t family) {
  return RuleWriter(nonce, family).write(rule);
}

} // namespace healthgate::nft
