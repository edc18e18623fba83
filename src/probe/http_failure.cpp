#include "probe/http_failure.hpp"

#include "probe/printable.hpp"

#include <cerrno>

namespace healthgate::probe {
namespace {

using core::FailureClass;

constexpr std::size_t detail_limit_chars = 120;

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// curl's own sentence, which is good, without what repeats the class.
std::string plain(std::string_view words, CURLcode code) {
  for (const std::string_view prefix : {"SSL certificate problem: ", "SSL: "}) {
    if (words.substr(0, prefix.size()) == prefix) {
      words.remove_prefix(prefix.size());
    }
  }
  return printable(words.empty() ? curl_easy_strerror(code) : words, detail_limit_chars);
}

// A connection that ended on the way; curl says so with several codes and words.
HttpFailure broken_connection(CURLcode code, long os_error, std::string_view words, bool tls_pending) {
  if (os_error == ECONNRESET || os_error == EPIPE || contains(words, "reset by peer") ||
      contains(words, "Broken pipe") || contains(words, "ECONNRESET")) {
    return {FailureClass::reset,
            tls_pending ? "connection reset during the TLS handshake" : "connection reset"};
  }
  if (contains(words, "unexpected eof") || contains(words, "SSL_ERROR_ZERO_RETURN") ||
      contains(words, "SSL_ERROR_SYSCALL")) {
    return {FailureClass::reset,
            tls_pending ? "connection closed during the TLS handshake" : "connection closed"};
  }
  if (tls_pending || contains(words, "SSL")) {
    return {FailureClass::tls, plain(words, code)};
  }
  return {FailureClass::protocol, plain(words, code)}; // broken chunks are a CURLE_RECV_ERROR as well
}

} // namespace

HttpFailure explain(CURLcode code, long os_error, std::string_view words, bool tls_pending) {
  switch (code) {
  case CURLE_COULDNT_CONNECT: // there is no second socket for curl (REFUSED_STREAM of HTTP/2 makes it ask for
                              // one)
    return {FailureClass::refused, "request refused before it was handled"};
  case CURLE_GOT_NOTHING:
    return {FailureClass::reset, "connection closed without an answer"};
  case CURLE_PARTIAL_FILE:
    return {FailureClass::reset, "connection closed before the body was whole"};
  case CURLE_HTTP2_STREAM:
    return {FailureClass::reset, "HTTP/2 stream reset before the answer was whole"};
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_SSL_CONNECT_ERROR:
    return broken_connection(code, os_error, words, tls_pending || code == CURLE_SSL_CONNECT_ERROR);
  case CURLE_PEER_FAILED_VERIFICATION: // CURLE_SSL_CACERT is the same number since 7.62
    if (contains(words, "no alternative certificate subject name") ||
        contains(words, "does not match target")) {
      return {FailureClass::tls, "certificate name does not match: " + plain(words, code)};
    }
    return {FailureClass::tls, "certificate not accepted: " + plain(words, code)};
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
  case CURLE_SSL_INVALIDCERTSTATUS:
  case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
  case CURLE_SSL_CRL_BADFILE:
  case CURLE_SSL_ENGINE_NOTFOUND:
  case CURLE_SSL_ENGINE_SETFAILED:
  case CURLE_SSL_ENGINE_INITFAILED:
  case CURLE_USE_SSL_FAILED:
    return {FailureClass::tls, plain(words, code)};
  case CURLE_UNSUPPORTED_PROTOCOL: // "Received HTTP/0.9 when not allowed"
    return {FailureClass::protocol, "the answer is not HTTP"};
  case CURLE_OUT_OF_MEMORY: // curl's own bound of 100 kB for one header line
    return {FailureClass::protocol, "header line without an end"};
  default:
    return {FailureClass::protocol, plain(words, code)};
  }
}

} // namespace healthgate::probe
