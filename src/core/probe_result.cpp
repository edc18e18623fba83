#include "core/probe_result.hpp"

namespace healthgate::core {

std::string_view to_string(FailureClass failure) {
  switch (failure) {
  case FailureClass::none:
    return "none";
  case FailureClass::timeout:
    return "timeout";
  case FailureClass::refused:
    return "refused";
  case FailureClass::reset:
    return "reset";
  case FailureClass::dns:
    return "dns";
  case FailureClass::tls:
    return "tls";
  case FailureClass::status:
    return "status";
  case FailureClass::mismatch:
    return "mismatch";
  case FailureClass::protocol:
    return "protocol";
  case FailureClass::exec:
    return "exec";
  }
  return "none";
}

} // namespace healthgate::core
