#include "config/validate.hpp"

#include "config/url.hpp"

#include <algorithm>

namespace healthgate::config {
namespace {

std::string schemes_text(const std::vector<Scheme>& schemes) {
  std::vector<std::string> names;
  std::transform(schemes.begin(), schemes.end(), std::back_inserter(names),
                 [](Scheme scheme) { return std::string(scheme_name(scheme)); });
  return join(names, " and ");
}

// Keys that mean nothing to a probe of this scheme: silence would hide that nothing is checked.
void judge_scheme(const ProbeConfig& probe, const std::string& section, Ledger& ledger) {
  for (const auto& row : probe_rows()) {
    const bool fits = row.schemes.empty() ||
                      std::find(row.schemes.begin(), row.schemes.end(), probe.scheme) != row.schemes.end();
    if (!fits && ledger.find(section, row.key.name) != nullptr) {
      ledger.refuse(section, {row.key.name},
                    "it does not fit " + probe.url + "; it is for " + schemes_text(row.schemes) + " probes");
    }
  }
}

void judge_http(const ProbeConfig& probe, const std::string& section, Ledger& ledger) {
  if (probe.method != "HEAD") {
    return;
  }
  for (const char* key : {"expect-body", "expect-body-regex", "expect-json"}) {
    if (ledger.find(section, key) != nullptr) {
      ledger.refuse(section, {key}, "the answer to HEAD has no body; use method = GET");
    }
  }
}

void judge_tls(const ProbeConfig& probe, const std::string& section, Ledger& ledger) {
  if (!probe.key.empty() && probe.cert.empty()) {
    ledger.refuse(section, {"key"}, "a private key needs its certificate: set cert");
  }
  if (probe.insecure && (!probe.ca.empty() || !probe.pinned_name.empty())) {
    ledger.refuse(
        section, {"insecure"},
        "insecure = yes verifies nothing, so that ca and pinned-name would mean nothing; leave one out");
  }
}

// `expect-body = "ok"` looks for the quotes too, which is seldom meant.
void note_quotes(const std::string& section, Ledger& ledger) {
  for (const char* key : {"expect-body", "expect-body-regex"}) {
    const Entry* entry = ledger.find(section, key);
    const std::string value = entry == nullptr ? "" : entry->value;
    if (value.size() > 2 && value.front() == '"' && value.find('"', 1) == value.size() - 1) {
      ledger.note(ledger.place(section, key) + ": " + key + " = " + shown(value) +
                  ": the quotes are part of what is looked for");
    }
  }
}

} // namespace

void validate_probes(const Assembly& assembly, Ledger& ledger) {
  for (const ProbeConfig& probe : assembly.probes) {
    const std::string section = "probe." + probe.name;
    if (probe.url.empty()) {
      ledger.refuse(section, {"url"},
                    "the probe has no url; set it, as url = http://localhost:1936/healthz/ready");
      continue;
    }
    judge_scheme(probe, section, ledger);
    judge_http(probe, section, ledger);
    judge_tls(probe, section, ledger);
    note_quotes(section, ledger);
  }
}

} // namespace healthgate::config
