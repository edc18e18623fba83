#include "app/state_files.hpp"

#include <nlohmann/json.hpp>

namespace healthgate::app {
namespace {

using nlohmann::json;

double unix_seconds(core::WallTime when) {
  return std::chrono::duration<double>(when.time_since_epoch()).count();
}

core::WallTime wall_time(double seconds) {
  return core::WallTime(std::chrono::duration_cast<core::Duration>(std::chrono::duration<double>(seconds)));
}

} // namespace

std::string overrides_to_json(const Overrides& overrides) {
  auto list = json::array();
  for (const auto& [gate, override_] : overrides) {
    json one = {{"gate", gate},     {"kind", override_.kind}, {"since", unix_seconds(override_.since)},
                {"until", nullptr}, {"who", override_.who},   {"reason", override_.reason}};
    if (override_.until) {
      one["until"] = unix_seconds(*override_.until);
    }
    list.push_back(std::move(one));
  }
  const json file = {{"version", 1}, {"overrides", list}};
  return file.dump(2, ' ', false, json::error_handler_t::replace) + "\n";
}

base::Result<Overrides, std::string> overrides_from_json(std::string_view text) {
  try {
    const auto file = json::parse(text);
    if (file.at("version").get<int>() != 1) {
      return base::Failure<std::string>{"it was written by a newer healthgate"};
    }
    Overrides overrides;
    for (const auto& one : file.at("overrides")) {
      core::OverrideSnapshot override_;
      override_.kind = one.at("kind").get<std::string>();
      if (override_.kind != "drain" && override_.kind != "force-open") {
        return base::Failure<std::string>{"an override is of kind '" + override_.kind +
                                          "', not drain or force-open"};
      }
      override_.since = wall_time(one.at("since").get<double>());
      if (!one.at("until").is_null()) {
        override_.until = wall_time(one.at("until").get<double>());
      }
      override_.who = one.at("who").get<std::string>();
      override_.reason = one.at("reason").get<std::string>();
      overrides[one.at("gate").get<std::string>()] = std::move(override_);
    }
    return overrides;
  } catch (const json::exception& problem) {
    return base::Failure<std::string>{problem.what()};
  }
}

} // namespace healthgate::app
