// The PROXY preamble for any two ends of a connection: version, family and octets of each come from the
// input.
//
// Version 1 is one line of printable ASCII of at most 107 bytes; version 2 has the signature, and the length
// that it claims (haproxy.org, proxy-protocol.txt).
#include "probe/proxy_preamble.hpp"

#include <netinet/in.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

namespace {

using namespace healthgate;

void require(bool condition, const char* what, const std::string& detail) {
  if (!condition) {
    std::fprintf(stderr, "%s\n%s\n", what, detail.c_str());
    std::abort();
  }
}

class Bytes {
public:
  Bytes(const std::uint8_t* data, std::size_t size) : data_(data), size_(size) {}
  std::uint8_t one() { return at_ < size_ ? data_[at_++] : std::uint8_t{0}; }
  void fill(void* to, std::size_t size) {
    auto* const out = static_cast<std::uint8_t*>(to);
    std::generate(out, out + size, [this] { return one(); });
  }

private:
  const std::uint8_t* data_;
  std::size_t size_;
  std::size_t at_ = 0;
};

probe::Endpoint endpoint(Bytes& bytes) {
  probe::Endpoint made;
  switch (bytes.one() % 3) {
  case 0: {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    bytes.fill(&address.sin_port, sizeof address.sin_port);
    bytes.fill(&address.sin_addr, sizeof address.sin_addr);
    std::memcpy(&made.address, &address, sizeof address);
    made.length = sizeof address;
    break;
  }
  case 1: {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    bytes.fill(&address.sin6_port, sizeof address.sin6_port);
    bytes.fill(&address.sin6_addr, sizeof address.sin6_addr);
    std::memcpy(&made.address, &address, sizeof address);
    made.length = sizeof address;
    break;
  }
  default:
    made = probe::unix_endpoint("/run/service.sock");
  }
  return made;
}

void expect_version_1(const std::string& preamble) {
  require(preamble.size() <= 107 && preamble.compare(0, 6, "PROXY ") == 0, "no header of version 1",
          preamble);
  require(preamble.find("\r\n") == preamble.size() - 2, "no end, or one within", preamble);
  require(std::all_of(preamble.begin(), preamble.end() - 2, [](char c) { return c >= ' ' && c <= '~'; }),
          "what is no printable ASCII", preamble);
}

void expect_version_2(const std::string& preamble) {
  const std::string signature("\r\n\r\n\0\r\nQUIT\n", 12);
  require(preamble.size() >= 16 && preamble.compare(0, 12, signature) == 0, "no header of version 2",
          preamble);
  const auto length = static_cast<std::size_t>(static_cast<unsigned char>(preamble[14]) << 8 |
                                               static_cast<unsigned char>(preamble[15]));
  require(length == preamble.size() - 16, "another length than it says", preamble);
  require((preamble[12] & 0xF0) == 0x20, "another version", preamble);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Bytes bytes(data, size);
  const auto source = endpoint(bytes);
  const auto destination = endpoint(bytes);
  expect_version_1(probe::proxy_preamble(config::ProxyProtocol::v1, source, destination));
  expect_version_2(probe::proxy_preamble(config::ProxyProtocol::v2, source, destination));
  require(probe::proxy_preamble(config::ProxyProtocol::off, source, destination).empty(),
          "off says something", {});
  return 0;
}
