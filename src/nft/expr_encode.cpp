#include "nft/expr_encode.hpp"

#include "nft/kernel_abi.hpp"

#include <cassert>

namespace healthgate::nft {
namespace {

void set_bytes(nftnl_expr* e, std::uint16_t type, const Bytes& bytes) {
  nftnl_expr_set(e, type, bytes.data(), static_cast<std::uint32_t>(bytes.size()));
}

struct Encoder {
  nftnl_expr* operator()(const expr::Meta& part) const {
    nftnl_expr* e = nftnl_expr_alloc("meta");
    if (e != nullptr) {
      nftnl_expr_set_u32(e, NFTNL_EXPR_META_KEY, part.key);
      nftnl_expr_set_u32(e, NFTNL_EXPR_META_DREG, part.dreg);
    }
    return e;
  }

  nftnl_expr* operator()(const expr::Payload& part) const {
    nftnl_expr* e = nftnl_expr_alloc("payload");
    if (e != nullptr) {
      nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, part.base);
      nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, part.offset);
      nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, part.len);
      nftnl_expr_set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, part.dreg);
    }
    return e;
  }

  nftnl_expr* operator()(const expr::Bitwise& part) const {
    nftnl_expr* e = nftnl_expr_alloc("bitwise");
    if (e != nullptr) {
      nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_SREG, part.sreg);
      nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_DREG, part.dreg);
      nftnl_expr_set_u32(e, NFTNL_EXPR_BITWISE_LEN, static_cast<std::uint32_t>(part.mask.size()));
      set_bytes(e, NFTNL_EXPR_BITWISE_MASK, part.mask);
      set_bytes(e, NFTNL_EXPR_BITWISE_XOR, part.flip);
    }
    return e;
  }

  nftnl_expr* operator()(const expr::Cmp& part) const {
    nftnl_expr* e = nftnl_expr_alloc("cmp");
    if (e != nullptr) {
      nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_SREG, part.sreg);
      nftnl_expr_set_u32(e, NFTNL_EXPR_CMP_OP, part.op);
      set_bytes(e, NFTNL_EXPR_CMP_DATA, part.data);
    }
    return e;
  }

  nftnl_expr* operator()(const expr::Lookup& part) const {
    nftnl_expr* e = nftnl_expr_alloc("lookup");
    if (e != nullptr) {
      nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, part.set.c_str());
      nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_SREG, part.sreg);
      if (part.dreg) {
        nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_DREG, *part.dreg);
      }
      if (part.inverted) {
        nftnl_expr_set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, NFT_LOOKUP_F_INV);
      }
    }
    return e;
  }

  nftnl_expr* operator()(const expr::Dynset& part) const {
    nftnl_expr* e = nftnl_expr_alloc("dynset");
    if (e != nullptr) {
      nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, part.set.c_str());
      nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_OP, part.op);
      nftnl_expr_set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, part.sreg_key);
      if (part.timeout.count() != 0) {
        nftnl_expr_set_u64(e, NFTNL_EXPR_DYNSET_TIMEOUT, static_cast<std::uint64_t>(part.timeout.count()));
      }
    }
    return e;
  }

  nftnl_expr* operator()(const expr::Verdict& part) const {
    nftnl_expr* e = nftnl_expr_alloc("immediate");
    if (e != nullptr) {
      nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
      nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_VERDICT, static_cast<std::uint32_t>(part.code));
      if (!part.chain.empty()) {
        nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, part.chain.c_str());
      }
    }
    return e;
  }

  nftnl_expr* operator()(const expr::ObjectRef& part) const {
    nftnl_expr* e = nftnl_expr_alloc("objref");
    if (e != nullptr) {
      nftnl_expr_set_u32(e, NFTNL_EXPR_OBJREF_IMM_TYPE, part.type);
      nftnl_expr_set_str(e, NFTNL_EXPR_OBJREF_IMM_NAME, part.name.c_str());
    }
    return e;
  }

  nftnl_expr* operator()(const expr::Reject& part) const {
    nftnl_expr* e = nftnl_expr_alloc("reject");
    if (e != nullptr) {
      nftnl_expr_set_u32(e, NFTNL_EXPR_REJECT_TYPE, part.type);
      nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, part.code);
    }
    return e;
  }

  nftnl_expr* operator()(const expr::Ct& part) const {
    nftnl_expr* e = nftnl_expr_alloc("ct");
    if (e != nullptr) {
      nftnl_expr_set_u32(e, NFTNL_EXPR_CT_KEY, part.key);
      nftnl_expr_set_u32(e, NFTNL_EXPR_CT_DREG, part.dreg);
    }
    return e;
  }

  nftnl_expr* operator()(const expr::Fib& part) const {
    nftnl_expr* e = nftnl_expr_alloc("fib");
    if (e != nullptr) {
      nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_FLAGS, part.flags);
      nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_RESULT, part.result);
      nftnl_expr_set_u32(e, NFTNL_EXPR_FIB_DREG, part.dreg);
    }
    return e;
  }

  nftnl_expr* operator()(const expr::Hash& part) const {
    nftnl_expr* e = nftnl_expr_alloc("hash");
    if (e != nullptr) {
      nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_TYPE, NFT_HASH_JENKINS);
      nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_SREG, part.sreg);
      nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_DREG, part.dreg);
      nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_LEN, part.len);
      nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_MODULUS, part.modulus);
      nftnl_expr_set_u32(e, NFTNL_EXPR_HASH_SEED, part.seed);
    }
    return e;
  }

  nftnl_expr* operator()(const expr::Value& part) const {
    nftnl_expr* e = nftnl_expr_alloc("immediate");
    if (e != nullptr) {
      nftnl_expr_set_u32(e, NFTNL_EXPR_IMM_DREG, part.dreg);
      set_bytes(e, NFTNL_EXPR_IMM_DATA, part.data);
    }
    return e;
  }

  nftnl_expr* operator()(const expr::Dnat& part) const {
    nftnl_expr* e = nftnl_expr_alloc("nat");
    if (e != nullptr) {
      nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
      nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_FAMILY, part.family);
      nftnl_expr_set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, part.sreg);
    }
    return e;
  }

  nftnl_expr* operator()(const expr::Masquerade&) const { return nftnl_expr_alloc("masq"); }

  nftnl_expr* operator()(const expr::Raw&) const {
    assert(false && "foreign instructions are never written");
    return nullptr;
  }
};

} // namespace

nftnl_expr* encode(const Expr& part) {
  return std::visit(Encoder{}, part);
}

} // namespace healthgate::nft
