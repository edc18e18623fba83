// The table of keys: each key of healthgate.conf(5) once. It drives the parser, its errors and near matches,
// `--help`, the completion, the dump, the comparison at a reload, and the test of the man page.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace healthgate::config {

enum class Scope { global, gate, probe };

// What a reload has to do when the key's value is another than before.
enum class Effect {
  live,      // nothing but to use the new value
  prober,    // make the gate's probers and its decider anew
  allowlist, // replace the elements of the allow sets
  ruleset,   // commit the gate's chains anew
  port,      // bind another port; to the load balancer it is another gate
  guard,     // commit the guard's rules anew
  listen,    // bind an HTTP or agent port of our own anew
  restart,   // takes effect only when the daemon starts again
};

struct Key {
  std::string name; // "fast-interval"
  Scope scope = Scope::global;
  bool multi = false;       // may stand several times in a section; the lines add up
  std::string kind;         // "duration", "path", ...
  std::string allowed;      // "10ms to 1h"; "" where the kind says it all
  std::string default_text; // as one would write it; "" when it is not set
  std::string help;         // one line
  Effect effect = Effect::live;
};

// In the order of the man page.
[[nodiscard]] const std::vector<Key>& global_keys();
[[nodiscard]] const std::vector<Key>& gate_keys();
[[nodiscard]] const std::vector<Key>& probe_keys();

// "metrics-listen" -> "HEALTHGATE_METRICS_LISTEN".
[[nodiscard]] std::string environment_name(std::string_view key);

// The candidate that `word` was probably meant to be, or "": at most one slip in three letters (a wrong,
// missing, extra or exchanged letter), or the only candidate that begins with it.
[[nodiscard]] std::string near_match(std::string_view word, const std::vector<std::string>& candidates);

} // namespace healthgate::config
