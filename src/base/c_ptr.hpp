// Owners of C objects: std::unique_ptr with a stateless deleter.
//   using RulePtr = base::CPtr<nftnl_rule, nftnl_rule_free>;
#pragma once

#include <memory>

namespace healthgate::base {

template <auto free_function> struct FreeWith {
  template <typename T> void operator()(T* object) const noexcept { free_function(object); }
};

template <typename T, auto free_function> using CPtr = std::unique_ptr<T, FreeWith<free_function>>;

} // namespace healthgate::base
