// What to type where another program's rule stops the load balancer: in the words of that program.
#pragma once

#include "nft/walk.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace healthgate::app::doctor {

struct Remedy {
  std::string now;     // one line for a shell
  std::string lasting; // how to keep it over a reboot, or a reload of that program
};

// `ports`: of the gates, at least one. Names that are not plain words are never put into a command.
[[nodiscard]] Remedy remedy_for(const nft::Obstacle& obstacle, const std::vector<std::uint16_t>& ports);

} // namespace healthgate::app::doctor
