// A network namespace of its own for each test, gone with it: unshare(2) moves the calling thread, and
// threads and children begun later, into a new one. The namespace that the tests were started in is not
// touched.
#pragma once

#include "core/ruleset.hpp"

#include <gtest/gtest.h>

#include <string>

namespace healthgate::nft::testing {

class KernelTest : public ::testing::Test {
protected:
  // Skips the test, saying why, where namespaces or nf_tables are not to be had.
  void SetUp() override;

  // A further empty namespace; whoever holds sockets of the last one keeps it alive.
  static void enter_new_namespace();
};

// Runs a shell command and returns what it printed; the test fails when it does.
std::string run(const std::string& command);
// The same, but only whether it succeeded; what it printed is dropped.
bool succeeds(const std::string& command);

// `nft list table inet healthgate` without what differs from one moment or process to the next: counts,
// times, the owner.
std::string listing();
// Loads text with `nft -f`.
void load(const std::string& text);

// One gate "router" on 18898, closed, with a few addresses of both families, and a port "metrics" on 18899.
core::Ruleset sample();
// `count` gates "g0", "g1", ... from port 20000 up.
core::Ruleset sample_with_gates(int count);
std::shared_ptr<const core::Allowlist> allowlist(const std::vector<std::string>& cidrs);
// `count` single addresses in 10.0.0.0/8, two apart, so that none merge.
std::shared_ptr<const core::Allowlist> scattered_allowlist(std::uint32_t count);

core::Ruleset with_form(core::Ruleset ruleset, core::ChainForm form, const std::string& comment);
std::shared_ptr<const core::Ruleset> shared(core::Ruleset ruleset);

// Connects to 127.0.0.1:PORT (or ::1): 0, or the errno. Refused at once where nobody listens and nothing
// drops.
int try_connect(std::uint16_t port);

} // namespace healthgate::nft::testing
