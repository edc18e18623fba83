// What a transfer that failed means: curl's code and words to the class and the sentence that people read.
// Pure.
#pragma once

#include "core/probe_result.hpp"

#include <curl/curl.h>
#include <string>
#include <string_view>

namespace healthgate::probe {

struct HttpFailure {
  core::FailureClass failure = core::FailureClass::protocol;
  std::string detail; // one short line of printable ASCII
};

// `os_error` is curl's CURLINFO_OS_ERRNO, 0 when it names none; `words` its error buffer, which may quote the
// service; `tls_pending` says that a TLS handshake was asked for and had not ended.
[[nodiscard]] HttpFailure explain(CURLcode code, long os_error, std::string_view words, bool tls_pending);

} // namespace healthgate::probe
