#include "nft/segment.hpp"

#include "nft/kernel_abi.hpp"

#include <utility>

namespace healthgate::nft {
namespace {

void put16(Bytes& to, std::size_t at, unsigned value) {
  to[at] = static_cast<char>(value >> 8 & 0xff);
  to[at + 1] = static_cast<char>(value & 0xff);
}

constexpr std::size_t tcp_header_bytes = 20;
constexpr char hops = 64;
constexpr unsigned window = 64240;

} // namespace

Bytes address_bytes(const core::Address& address) {
  return Bytes(reinterpret_cast<const char*>(address.bytes.data()),
               static_cast<std::size_t>(address.bits()) / 8);
}

Segment Segment::reply() const {
  Segment other = *this;
  std::swap(other.source, other.destination);
  std::swap(other.source_port, other.destination_port);
  other.answer = !answer;
  return other;
}

Bytes Segment::network_header() const {
  const Bytes addresses = address_bytes(source) + address_bytes(destination);
  if (is_ipv4()) {
    Bytes header(12, '\0');
    header[0] = 0x45;
    put16(header, 2, 20 + tcp_header_bytes);
    header[6] = 0x40; // do not fragment
    header[8] = hops;
    header[9] = IPPROTO_TCP;
    return header + addresses;
  }
  Bytes header(8, '\0');
  header[0] = 0x60;
  put16(header, 4, tcp_header_bytes);
  header[6] = IPPROTO_TCP;
  header[7] = hops;
  return header + addresses;
}

Bytes Segment::transport_header() const {
  Bytes header(tcp_header_bytes, '\0');
  put16(header, 0, source_port);
  put16(header, 2, destination_port);
  header[12] = tcp_header_bytes / 4 << 4;
  header[13] = answer ? 0x12 : 0x02; // SYN and ACK, or SYN
  put16(header, 14, window);
  return header;
}

} // namespace healthgate::nft
