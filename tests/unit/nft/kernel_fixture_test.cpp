// The helpers of kernel_fixture.hpp; linked into the unit test beside the tests.
#include "unit/nft/kernel_fixture.hpp"

#include "base/unique_fd.hpp"

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <regex>
#include <sstream>

#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

namespace healthgate::nft::testing {
namespace {

bool bring_loopback_up() {
  const base::UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ::ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0;
}

std::string run_for(const std::string& command, int& status) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen((command + " 2>&1").c_str(), "re"),
                                                   [](FILE*) { return 0; });
  std::string output;
  std::array<char, 4096> buffer{};
  while (const std::size_t got = std::fread(buffer.data(), 1, buffer.size(), pipe.get())) {
    output.append(buffer.data(), got);
  }
  status = ::pclose(pipe.get());
  return output;
}

} // namespace

void KernelTest::enter_new_namespace() {
  ASSERT_EQ(::unshare(CLONE_NEWNET), 0) << std::strerror(errno);
  ASSERT_TRUE(bring_loopback_up()) << std::strerror(errno);
}

void KernelTest::SetUp() {
  if (::unshare(CLONE_NEWNET) != 0) {
    GTEST_SKIP() << "needs root for a network namespace: unshare: " << std::strerror(errno);
  }
  ASSERT_TRUE(bring_loopback_up()) << std::strerror(errno);
  if (!succeeds("nft list ruleset")) {
    GTEST_SKIP() << "needs the nft program and nf_tables in the kernel";
  }
}

std::string run(const std::string& command) {
  int status = 0;
  std::string output = run_for(command, status);
  EXPECT_EQ(status, 0) << command << "\n" << output;
  return output;
}

bool succeeds(const std::string& command) {
  int status = 0;
  run_for(command, status);
  return status == 0;
}

std::string listing() {
  std::string text = run("nft list table inet healthgate");
  text = std::regex_replace(text, std::regex(" # progname .*"), "");
  text = std::regex_replace(text, std::regex("\tflags owner\n"), "");
  text = std::regex_replace(text, std::regex("packets \\d+ bytes \\d+"), "packets N bytes N");
  return std::regex_replace(text, std::regex(" expires [0-9a-z]+"), " expires T");
}

void load(const std::string& text) {
  FILE* pipe = ::popen("nft -f -", "we");
  ASSERT_NE(pipe, nullptr);
  EXPECT_EQ(std::fwrite(text.data(), 1, text.size(), pipe), text.size());
  EXPECT_EQ(::pclose(pipe), 0) << text;
}

std::shared_ptr<const core::Allowlist> allowlist(const std::vector<std::string>& cidrs) {
  std::vector<core::Cidr> parsed;
  for (const std::string& cidr : cidrs) {
    auto one = core::Cidr::parse(cidr);
    EXPECT_TRUE(one) << cidr;
    parsed.push_back(std::move(one).value());
  }
  return std::make_shared<core::Allowlist>(std::move(parsed));
}

std::shared_ptr<const core::Allowlist> scattered_allowlist(std::uint32_t count) {
  std::vector<core::Cidr> cidrs;
  cidrs.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const std::uint32_t address = 0x0a000000u + 2 * i;
    core::Cidr cidr;
    for (std::size_t octet = 0; octet < 4; ++octet) {
      cidr.address.bytes[octet] = static_cast<std::uint8_t>(address >> (24 - 8 * octet));
    }
    cidr.prefix = 32;
    cidrs.push_back(cidr);
  }
  return std::make_shared<core::Allowlist>(std::move(cidrs));
}

core::Ruleset sample() {
  core::Ruleset ruleset;
  ruleset.revision = 1;
  ruleset.version = "1.0.0";
  ruleset.nonce = 0x1122334455667788;
  core::GateRules gate;
  gate.name = "router";
  gate.port = 18898;
  gate.comment = "closed since 2026-11-22T02:05:42Z: starting";
  gate.allow = allowlist({"192.168.99.10", "10.0.0.0/8", "2001:db8:10::/64"});
  ruleset.gates.push_back(gate);
  ruleset.ports.push_back({"metrics", 18899, allowlist({"10.128.0.0/14"})});
  return ruleset;
}

core::Ruleset sample_with_gates(int count) {
  core::Ruleset ruleset = sample();
  core::GateRules gate = ruleset.gates.front();
  ruleset.gates.clear();
  for (int i = 0; i < count; ++i) {
    gate.name = "g" + std::to_string(i);
    gate.port = static_cast<std::uint16_t>(20000 + i);
    ruleset.gates.push_back(gate);
  }
  return ruleset;
}

core::Ruleset with_form(core::Ruleset ruleset, core::ChainForm form, const std::string& comment) {
  ++ruleset.revision;
  for (core::GateRules& gate : ruleset.gates) {
    gate.form = form;
    gate.comment = comment;
  }
  return ruleset;
}

std::shared_ptr<const core::Ruleset> shared(core::Ruleset ruleset) {
  return std::make_shared<const core::Ruleset>(std::move(ruleset));
}

int try_connect(std::uint16_t port) {
  const base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const timeval patience{0, 300'000};
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience,
                     sizeof patience); // else a drop takes two minutes
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0 ? 0 : errno;
}

} // namespace healthgate::nft::testing
