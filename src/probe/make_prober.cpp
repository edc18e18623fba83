#include "probe/make_prober.hpp"

#include "probe/exec_prober.hpp"
#include "probe/file_prober.hpp"
#include "probe/grpc_prober.hpp"
#include "probe/http_prober.hpp"
#include "probe/tcp_prober.hpp"

namespace healthgate::probe {

std::unique_ptr<core::Prober> make_prober(const config::ProbeConfig& config,
                                          std::chrono::milliseconds timeout, Context& context) {
  auto& [loop, curl, resolver] = context;
  switch (config.scheme) {
  case config::Scheme::http:
  case config::Scheme::https:
  case config::Scheme::http_unix:
    return std::make_unique<HttpProber>(loop, curl, resolver, config, timeout);
  case config::Scheme::tcp:
    return std::make_unique<TcpProber>(loop, resolver, config, timeout);
  case config::Scheme::grpc:
  case config::Scheme::grpcs:
    return std::make_unique<GrpcProber>(loop, curl, resolver, config, timeout);
  case config::Scheme::exec:
    return std::make_unique<ExecProber>(loop, config, timeout);
  case config::Scheme::file:
    return std::make_unique<FileProber>(loop, config, timeout);
  }
  return nullptr; // not reached: every scheme is named above
}

} // namespace healthgate::probe
