// Looks once a second whether the kernel has denied somebody, and says who (stranger_log.hpp). One dump of
// the counters; the sources are read only where a counter has moved.
#pragma once

#include "app/stranger_log.hpp"
#include "core/ports.hpp"
#include "nft/readers.hpp"

#include <cstdint>
#include <map>
#include <string>

namespace healthgate::app {

class StrangerWatch {
public:
  // References outlive it. The reader is the snapshot's too.
  StrangerWatch(core::Timers& timers, nft::Reader& reader);
  ~StrangerWatch();
  StrangerWatch(const StrangerWatch&) = delete;
  StrangerWatch& operator=(const StrangerWatch&) = delete;

  // From now on.
  void start();

private:
  struct Gate {
    std::uint64_t denied = 0; // packets, when looked at last
    StrangerLog log;
  };

  void look();
  void look_at(const std::string& name, Gate& gate);

  core::Timers& timers_;
  nft::Reader& reader_;
  std::map<std::string, Gate> gates_; // by name; those that are gone stay, a few bytes each
  core::Timers::Id timer_ = 0;
};

} // namespace healthgate::app
