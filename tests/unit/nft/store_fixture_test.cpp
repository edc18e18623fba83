// The helpers of store_fixture.hpp; linked into the unit test beside the tests.
#include "unit/nft/store_fixture.hpp"

#include <algorithm>
#include <sstream>

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

namespace healthgate::nft::testing {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

Reports::Reports(Store& store) : store_(store) {
  store.on_report([this](const core::StoreReport& report) {
    waiting_.push_back(report);
    ++seen_;
  });
}

std::optional<core::StoreReport> Reports::wait_for(const Wanted& wanted, milliseconds patience) {
  const auto deadline = steady_clock::now() + patience;
  for (;;) {
    while (!waiting_.empty()) {
      const core::StoreReport report = waiting_.front();
      waiting_.erase(waiting_.begin());
      if (wanted(report)) {
        return report;
      }
    }
    const auto left = std::chrono::ceil<milliseconds>(deadline - steady_clock::now());
    pollfd ready{store_.report_fd(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&ready, 1, static_cast<int>(left.count())) <= 0) {
      ADD_FAILURE() << "no such report within " << patience.count() << " ms";
      return std::nullopt;
    }
    store_.dispatch();
  }
}

core::StoreReport Reports::wait_for_revision(std::uint64_t revision) {
  return wait_for([revision](const core::StoreReport& report) {
           return report.revision == revision && report.in_sync;
         })
      .value_or(core::StoreReport{});
}

Listener::Listener(std::uint16_t port)
    : fd_(::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  sockaddr_in6 any{};
  any.sin6_family = AF_INET6;
  any.sin6_port = htons(port);
  EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&any), sizeof any), 0);
  EXPECT_EQ(::listen(fd_.get(), 4096), 0);
}

void Listener::drain() const {
  while (base::UniqueFd(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC))) {
  }
}

bool renew_until_acknowledged(Store& store, std::uint16_t port) {
  const auto deadline = steady_clock::now() + std::chrono::seconds(5);
  while (steady_clock::now() < deadline) {
    if (store.renew(port).answer == core::PulseAnswer::acknowledged) {
      return true;
    }
  }
  return false;
}

std::multiset<std::string> sorted_blocks(const std::string& listing) {
  std::multiset<std::string> blocks;
  std::istringstream lines(listing);
  std::string line;
  std::string block;
  while (std::getline(lines, line)) {
    if (line == "\t}") {
      blocks.insert(std::move(block));
      block.clear();
    } else if (!line.empty()) {
      block += line + "\n";
    }
  }
  return blocks;
}

} // namespace healthgate::nft::testing
