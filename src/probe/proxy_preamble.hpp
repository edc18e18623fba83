// The PROXY protocol's first bytes on a connection (haproxy.org, proxy-protocol.txt, versions 1 and 2), for a
// service that accepts connections only behind a proxy. Pure: endpoints in, bytes out.
#pragma once

#include "config/config.hpp"
#include "probe/endpoint.hpp"

#include <string>

namespace healthgate::probe {

// Says that the connection comes from `source` and was made to `destination`, the socket's own two ends: the
// probe speaks for itself. Ends of two families, or of no IP family, are "UNKNOWN" in version 1 and LOCAL in
// version 2, which receivers take as "use the connection's own addresses". Empty for ProxyProtocol::off;
// never longer than the 107 bytes that version 1 allows.
[[nodiscard]] std::string proxy_preamble(config::ProxyProtocol version, const Endpoint& source,
                                         const Endpoint& destination);

} // namespace healthgate::probe
