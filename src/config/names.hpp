// Which names a gate and a probe may have.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace healthgate::config {

// A gate's name becomes a chain of the table, so nft must be able to read it: [a-z][a-z0-9_]{0,31}, no word
// of nft's language, no object of ours. A sentence, or nothing when the name is good.
[[nodiscard]] std::optional<std::string> judge_gate_name(std::string_view name);
// A label of metrics and a word of `probe = @NAME`: [A-Za-z0-9][A-Za-z0-9_.-]{0,63}.
[[nodiscard]] std::optional<std::string> judge_probe_name(std::string_view name);

// Words that nft does not take as the name of a chain, in one of the versions that we know.
[[nodiscard]] const std::vector<std::string_view>& nft_words();

} // namespace healthgate::config
