// The configuration's loader against any bytes, in memory. The input is one or more parts between lines of
// "---": the main file, a drop-in, an allow-file, the environment, the command line (the last two as
// NAME=VALUE lines).
//
// Beside not crashing: errors are printable lines; and what loads loads again to the same from its own dump.
#include "config/diff.hpp"
#include "config/dump.hpp"
#include "config/lint.hpp"
#include "config/load.hpp"
#include "config/text.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

using namespace healthgate;
using namespace healthgate::config;

constexpr const char* drop_in = "/etc/healthgate/conf.d/10.conf";

std::vector<std::string> parts_of(std::string_view input) {
  constexpr std::string_view separator = "\n---\n";
  std::vector<std::string> parts;
  for (std::size_t end = input.find(separator); end != std::string_view::npos; end = input.find(separator)) {
    parts.emplace_back(input.substr(0, end));
    input.remove_prefix(end + separator.size());
  }
  parts.emplace_back(input);
  parts.resize(5);
  return parts;
}

Sources::Pairs pairs_of(std::string_view text) {
  Sources::Pairs pairs;
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    const std::size_t equals = line.find('=');
    if (equals != std::string_view::npos) {
      pairs.emplace_back(line.substr(0, equals), line.substr(equals + 1));
    }
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return pairs;
}

Sources sources_of(const std::vector<std::string>& parts) {
  Sources sources;
  sources.environment = pairs_of(parts[3]);
  sources.command_line = pairs_of(parts[4]);
  sources.files.read = [parts](const Files::Path& path) -> base::Result<std::string, FileError> {
    if (path == default_file) {
      return parts[0];
    }
    return path == drop_in ? parts[1] : parts[2];
  };
  sources.files.list = [](const Files::Path&) -> base::Result<std::vector<Files::Path>, FileError> {
    return std::vector<Files::Path>{drop_in};
  };
  return sources;
}

void require(bool condition, const char* what, const std::string& detail) {
  if (!condition) {
    std::fprintf(stderr, "%s\n%s\n", what, detail.c_str());
    std::abort();
  }
}

void expect_printable(const std::vector<ConfigError>& errors) {
  require(!errors.empty(), "a refusal without an error", "");
  for (const ConfigError& error : errors) {
    const std::string text = error.to_string();
    const bool control =
        std::any_of(text.begin(), text.end(), [](unsigned char c) { return c < 0x20 || c == 0x7F; });
    require(!error.sentence.empty() && !control && is_utf8(text), "an error that is no printable line", text);
  }
}

// A value of environment or command line may hold what no file can, so only files are dumped and loaded
// again.
void expect_round_trip(const Config& config, const std::string& allow_file) {
  const std::string dumped = to_ini(config);
  const auto again = load(sources_of({dumped, "", allow_file, "", ""}));
  require(again.ok(), "the dump does not load", again ? "" : dumped + to_text(again.error()));
  const Diff found = diff(config, again.value());
  require(found.empty(), "the dump loads to something else", dumped + found.to_string());
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parts = parts_of({reinterpret_cast<const char*>(data), size}); // bytes are what char is
  const auto loaded = load(sources_of(parts));
  if (!loaded) {
    expect_printable(loaded.error());
    return 0;
  }
  for (const Finding& finding : lint(loaded.value())) {
    require(!finding.why.empty(), "a finding without a reason", finding.gate);
  }
  if (parts[3].empty() && parts[4].empty()) {
    expect_round_trip(loaded.value(), parts[2]);
  }
  return 0;
}
