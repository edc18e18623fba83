#include "app/doctor/sources.hpp"

#include <algorithm>

namespace healthgate::app::doctor {

std::vector<core::Cidr> blocks_of(const config::GateConfig& gate) {
  std::vector<core::Cidr> blocks;
  for (const auto* family : {&gate.allow->v4(), &gate.allow->v6()}) {
    const auto count = static_cast<std::ptrdiff_t>(std::min(family->size(), most_blocks));
    blocks.insert(blocks.end(), family->begin(), family->begin() + count);
  }
  return blocks;
}

std::vector<core::Cidr> blocks_of(const config::Config& config) {
  std::vector<core::Cidr> blocks;
  for (const auto& gate : config.gates) {
    for (const auto& block : blocks_of(gate)) {
      if (std::find(blocks.begin(), blocks.end(), block) == blocks.end()) {
        blocks.push_back(block);
      }
    }
  }
  return blocks;
}

std::string list_text(const std::vector<std::string>& names, std::size_t most) {
  std::string text;
  for (std::size_t i = 0; i < std::min(names.size(), most); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  return names.size() <= most ? text : text + " and " + std::to_string(names.size() - most) + " more";
}

} // namespace healthgate::app::doctor
