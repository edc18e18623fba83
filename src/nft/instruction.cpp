#include "nft/instruction.hpp"

#include "nft/foreign_expr.hpp"
#include "nft/kernel_abi.hpp"

#include <algorithm>
#include <cstring>

namespace healthgate::nft {
namespace {

// Runs the instructions of one rule, one after the other, until one of them does not match.
class Machine {
public:
  Machine(const HostTable& table, const Segment& segment, Place place, bool firm, Traces& traces)
      : context_{table, segment, place, firm, traces, registers_, step_} {}

  Step run(const Rule& rule) {
    for (const Expr& part : rule.exprs) {
      const Match match = std::visit(*this, part);
      if (match == Match::no) {
        return {Match::no, {}, {}};
      }
      if (match == Match::maybe) {
        step_.match = Match::maybe;
        context_.firm = false;
      }
    }
    return std::move(step_);
  }

  Match operator()(const expr::Meta& part) { return load_meta(context_, part); }

  Match operator()(const expr::Payload& part) {
    Bytes header;
    if (part.base == NFT_PAYLOAD_NETWORK_HEADER) {
      header = context_.segment.network_header();
    } else if (part.base == NFT_PAYLOAD_TRANSPORT_HEADER) {
      header = context_.segment.transport_header();
    } else {
      registers_.set_unknown(part.dreg, part.len, "the link-layer header");
      return Match::yes;
    }
    if (std::size_t{part.offset} + part.len > header.size()) {
      registers_.set_unknown(part.dreg, part.len, "a header behind TCP's first 20 bytes");
      return Match::yes;
    }
    registers_.set(part.dreg, header.substr(part.offset, part.len));
    return Match::yes;
  }

  Match operator()(const expr::Bitwise& part) {
    const std::size_t length = part.mask.size();
    auto value = registers_.get(part.sreg, length, step_.doubt);
    if (!value || part.flip.size() != length) {
      registers_.set_unknown(part.dreg, length, step_.doubt);
      return Match::yes;
    }
    for (std::size_t i = 0; i < length; ++i) {
      (*value)[i] = static_cast<char>(((*value)[i] & part.mask[i]) ^ part.flip[i]);
    }
    registers_.set(part.dreg, *value);
    return Match::yes;
  }

  Match operator()(const expr::Cmp& part) {
    const auto value = registers_.get(part.sreg, part.data.size(), step_.doubt);
    if (!value) {
      return Match::maybe;
    }
    const int order = std::memcmp(value->data(), part.data.data(), part.data.size());
    switch (part.op) {
    case NFT_CMP_EQ:
      return order == 0 ? Match::yes : Match::no;
    case NFT_CMP_NEQ:
      return order != 0 ? Match::yes : Match::no;
    case NFT_CMP_LT:
      return order < 0 ? Match::yes : Match::no;
    case NFT_CMP_LTE:
      return order <= 0 ? Match::yes : Match::no;
    case NFT_CMP_GT:
      return order > 0 ? Match::yes : Match::no;
    case NFT_CMP_GTE:
      return order >= 0 ? Match::yes : Match::no;
    default:
      step_.doubt = "a comparison of an unknown kind";
      return Match::maybe;
    }
  }

  Match operator()(const expr::Lookup& part) {
    const auto set = context_.table.sets.find(part.set);
    if (set == context_.table.sets.end()) {
      step_.doubt = "set " + part.set + ", which is not listed";
      return Match::maybe;
    }
    const auto key = registers_.get(part.sreg, set->second.key_len, step_.doubt);
    if (!key) {
      return part.dreg ? any_of(set->second, *part.dreg) : Match::maybe;
    }
    const Found found = look_up(set->second, *key);
    if (found.match == Match::maybe) {
      step_.doubt = "the conditions of an element of set " + part.set;
    }
    if (!part.dreg) {
      return part.inverted ? inverse(found.match) : found.match;
    }
    if (found.element != nullptr) {
      take(*found.element, *part.dreg);
    }
    return found.match;
  }

  Match operator()(const expr::Dynset& part) { // without conditions: those are Raw
    if (part.op == NFT_DYNSET_OP_DELETE) {
      step_.doubt = "whether set " + part.set + " holds this source";
      return Match::maybe;
    }
    return Match::yes;
  }

  Match operator()(const expr::Verdict& part) {
    act(part);
    return Match::yes;
  }

  Match operator()(const expr::ObjectRef& part) {
    if (part.type == NFT_OBJECT_QUOTA) {
      step_.doubt = "how much of quota " + part.name + " is used up";
      return Match::maybe;
    }
    return part.type == NFT_OBJECT_SYNPROXY ? hand_over("synproxy") : Match::yes;
  }

  Match operator()(const expr::Reject& /*part*/) {
    step_.actions.push_back({Action::Kind::reject, {}});
    return Match::yes;
  }

  Match operator()(const expr::Raw& part) { return run_foreign(context_, part); }

  // Those that are only read from our own table, which is not walked.
  template <typename Own> Match operator()(const Own& /*part*/) { return Match::maybe; }

private:
  static Match inverse(Match match) {
    return match == Match::yes ? Match::no : match == Match::no ? Match::yes : Match::maybe;
  }

  Match hand_over(std::string_view to) {
    step_.doubt = std::string(to);
    step_.actions.push_back({Action::Kind::handed, {}});
    return Match::yes;
  }

  void take(const HostElement& element, std::uint32_t dreg) {
    if (element.verdict) {
      act(*element.verdict);
    } else {
      registers_.set(dreg, element.data);
    }
  }

  // The key is not known, so that any element may be meant, or none.
  Match any_of(const HostSet& set, std::uint32_t dreg) {
    if (dreg != NFT_REG_VERDICT) {
      registers_.forget_all(step_.doubt);
      return Match::maybe;
    }
    std::vector<expr::Verdict> seen;
    for (const HostElement& element : set.elements) {
      if (element.verdict && std::find(seen.begin(), seen.end(), *element.verdict) == seen.end()) {
        seen.push_back(*element.verdict);
        act(*element.verdict);
      }
    }
    return Match::maybe;
  }

  void act(const expr::Verdict& verdict) {
    switch (verdict.code) {
    case NF_ACCEPT:
      step_.actions.push_back({Action::Kind::accept, {}});
      return;
    case NF_DROP:
      step_.actions.push_back({Action::Kind::drop, {}});
      return;
    case NFT_JUMP:
      step_.actions.push_back({Action::Kind::jump, verdict.chain});
      return;
    case NFT_GOTO:
      step_.actions.push_back({Action::Kind::go_to, verdict.chain});
      return;
    case NFT_RETURN:
      step_.actions.push_back({Action::Kind::back, {}});
      return;
    case NFT_CONTINUE:
      return;
    default: // NF_QUEUE with its number, or what a later kernel brings
      (void)hand_over("a program that it is queued to"); // matches in any case
    }
  }

  Registers registers_;
  Step step_;
  Context context_;
};

} // namespace

Step run_rule(const Rule& rule, const HostTable& table, const Segment& segment, Place place, bool firm,
              Traces& traces) {
  return Machine(table, segment, place, firm, traces).run(rule);
}

std::uint32_t connection_state(const Segment& segment, Place place, bool untracked) {
  constexpr std::uint32_t invalid = 1;
  constexpr std::uint32_t established = 2;
  constexpr std::uint32_t fresh = 8;
  constexpr std::uint32_t not_tracked = 64;
  constexpr std::int32_t conntrack_priority = -200; // NF_IP_PRI_CONNTRACK, in prerouting and output
  const bool before = place.hook == NF_INET_INGRESS ||
                      ((place.hook == NF_INET_PRE_ROUTING || place.hook == NF_INET_LOCAL_OUT) &&
                       place.priority <= conntrack_priority);
  if (untracked) {
    return not_tracked;
  }
  if (before) {
    return invalid;
  }
  return segment.answer ? established : fresh;
}

} // namespace healthgate::nft
