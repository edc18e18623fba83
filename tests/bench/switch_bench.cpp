// How long it takes until a decision to close (or open) a port is in effect: healthgate's pulse beside every
// other way to do it, in the same run. One JSON object a line on stdout:
//
//   {"row":"pulse
//   close","gates":1,"cidrs":1,"pace":"loop","n":2000,"median_us":0.5,"min_us":0.4,"max_us":9,"checked":20}
//
// "us" is the time of the call that returns when the kernel has changed; for a killed process the time until
// a connect is refused. "checked" is how often a connect afterwards proved it. Runs in a network namespace of
// its own and changes the ruleset there.
#include "base/unique_fd.hpp"
#include "core/ruleset.hpp"
#include "nft/batch.hpp"
#include "nft/expected.hpp"
#include "nft/netlink_socket.hpp"
#include "nft/render.hpp"
#include "nft/store.hpp"

#include <linux/bpf.h>
#include <nftables/libnftables.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <netinet/in.h>
#include <poll.h>
#include <string>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

namespace healthgate {
namespace {

using Clock = std::chrono::steady_clock;
using namespace std::chrono_literals;

constexpr std::uint16_t first_port = 20000;

[[noreturn]] void give_up(const std::string& what) {
  std::fprintf(stderr, "switch_bench: %s: %s\n", what.c_str(), std::strerror(errno));
  std::exit(1);
}

double microseconds(Clock::duration duration) {
  return std::chrono::duration<double, std::micro>(duration).count();
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

base::UniqueFd listen_on(std::uint16_t port) {
  base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const auto address = loopback(port);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), 1024) != 0) {
    give_up("listen on " + std::to_string(port));
  }
  return fd;
}

bool connects(std::uint16_t port) {
  const base::UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const linger reset{1, 0};
  (void)::setsockopt(fd.get(), SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
  const auto address = loopback(port);
  return ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// One way to move a port, and how often it is worth to be measured.
struct Way {
  std::string row;
  int rounds = 0;
  std::function<void()> close;
  std::function<void()> open;
};

struct Scale {
  std::size_t gates = 1;
  std::size_t cidrs = 1;
};

void print(const std::string& row, const Scale& scale, const char* pace, std::vector<double> times,
           int checked) {
  std::sort(times.begin(), times.end());
  std::printf("{\"row\":\"%s\",\"gates\":%zu,\"cidrs\":%zu,\"pace\":\"%s\",\"n\":%zu,\"median_us\":%.3f,"
              "\"p99_us\":%.3f,\"min_us\":%.3f,\"max_us\":%.3f,\"checked\":%d}\n",
              row.c_str(), scale.gates, scale.cidrs, pace, times.size(), times[times.size() / 2],
              times[times.size() * 99 / 100], times.front(), times.back(), checked);
  std::fflush(stdout);
}

double timed(const std::function<void()>& act) {
  const auto began = Clock::now();
  act();
  return microseconds(Clock::now() - began);
}

// Closes and opens `rounds` times. The first ones are proven by a connect, which would disturb a loop.
void measure(const Way& way, const Scale& scale, std::uint16_t port, bool idle) {
  std::vector<double> closes;
  std::vector<double> opens;
  const int rounds = idle ? std::min(way.rounds, 100) : way.rounds;
  const int proven = std::min(rounds, 20);
  for (int round = 0; round < rounds; ++round) {
    if (idle) {
      std::this_thread::sleep_for(20ms);
    }
    closes.push_back(timed(way.close));
    if (round < proven && connects(port)) {
      give_up(way.row + ": the port still accepts after closing");
    }
    if (idle) {
      std::this_thread::sleep_for(20ms);
    }
    opens.push_back(timed(way.open));
    if (round < proven && !connects(port)) {
      give_up(way.row + ": the port does not accept after opening");
    }
  }
  const char* pace = idle ? "idle" : "loop";
  print(way.row + " close", scale, pace, closes, proven);
  print(way.row + " open", scale, pace, opens, proven);
}

std::shared_ptr<core::Ruleset> ruleset_of(const Scale& scale) {
  std::vector<core::Cidr> cidrs;
  for (std::size_t n = 0; n < scale.cidrs; ++n) {
    const auto text = "10." + std::to_string(n >> 13 & 255) + "." + std::to_string(n >> 5 & 255) + "." +
                      std::to_string((n & 31) * 8) + "/30";
    cidrs.push_back(core::Cidr::parse(text).value());
  }
  const auto allow = std::make_shared<const core::Allowlist>(cidrs);
  auto ruleset = std::make_shared<core::Ruleset>();
  ruleset->revision = 1;
  ruleset->version = "bench";
  ruleset->nonce = 0x1122334455667788;
  for (std::size_t n = 0; n < scale.gates; ++n) {
    core::GateRules gate;
    gate.name = "g" + std::to_string(n);
    gate.port = static_cast<std::uint16_t>(first_port + n);
    gate.lease = 3600s;
    gate.form = core::ChainForm::open;
    gate.comment = "open since 2026-11-23T17:06:46Z: HTTP 200";
    gate.allow = n == 0 ? allow : std::make_shared<const core::Allowlist>();
    ruleset->gates.push_back(gate);
  }
  return ruleset;
}

// Installs the table and waits until the gates are committed in their open form.
void install(nft::Store& store, const std::shared_ptr<core::Ruleset>& ruleset) {
  store.start(ruleset);
  auto next = std::make_shared<core::Ruleset>(*ruleset);
  next->revision = 2;
  bool done = false;
  store.on_report([&](const core::StoreReport& report) { done = done || report.revision == 2; });
  store.apply(next);
  while (!done) {
    pollfd waiting{store.report_fd(), POLLIN, 0};
    if (::poll(&waiting, 1, 60000) <= 0) {
      give_up("the table is not installed after 60 s");
    }
    store.dispatch();
  }
}

void must(bool done, const char* what) {
  if (!done) {
    give_up(what);
  }
}

void pulse_rows(const Scale& scale) {
  const auto ruleset = ruleset_of(scale);
  nft::Store store({nft::OwnerPolicy::never, nft::Leases::flush});
  install(store, ruleset);
  const auto listener = listen_on(first_port);
  const auto acknowledged = [](core::PulseResult result) {
    must(result.answer == core::PulseAnswer::acknowledged, "a pulse was not acknowledged");
  };
  std::vector<double> renewals;
  for (int n = 0; n < 20000; ++n) {
    renewals.push_back(timed([&] { acknowledged(store.renew(first_port)); }));
  }
  print("pulse renew", scale, "loop", renewals, 0);

  // Bursts with a pause after each: faster toggling leaves dead elements behind until the kernel collects
  // them.
  std::vector<double> closes;
  std::vector<double> opens;
  int proven = 0;
  for (int burst = 0; burst < 12; ++burst) {
    for (int n = 0; n < 12; ++n) {
      closes.push_back(timed([&] { acknowledged(store.revoke(first_port)); }));
      opens.push_back(timed([&] { acknowledged(store.renew(first_port)); }));
    }
    must(connects(first_port), "the port does not accept after a renewal");
    acknowledged(store.revoke(first_port));
    must(!connects(first_port), "the port accepts after a revoke");
    acknowledged(store.renew(first_port));
    ++proven;
    std::this_thread::sleep_for(2100ms);
  }
  print("pulse close", scale, "loop", closes, proven);
  print("pulse open", scale, "loop", opens, proven);

  closes.clear();
  opens.clear();
  for (int n = 0; n < 60; ++n) {
    std::this_thread::sleep_for(60ms);
    closes.push_back(timed([&] { acknowledged(store.revoke(first_port)); }));
    must(!connects(first_port), "the port accepts after a revoke");
    std::this_thread::sleep_for(60ms);
    opens.push_back(timed([&] { acknowledged(store.renew(first_port)); }));
    must(connects(first_port), "the port does not accept after a renewal");
  }
  print("pulse close", scale, "idle", closes, 60);
  print("pulse open", scale, "idle", opens, 60);
  must(static_cast<bool>(store.remove(10s)), "the table is not removed");
}

std::string chain_text(const core::GateRules& gate) {
  const std::string chain = "inet healthgate " + gate.name + "_gate";
  std::string text = "flush chain " + chain + "\n";
  if (gate.form == core::ChainForm::open) {
    text += "add rule " + chain + " tcp dport " + std::to_string(gate.port) + " counter name " + gate.name +
            "_accepted accept comment \"" + gate.comment + "\"\n";
  }
  return text + "add rule " + chain + " meta l4proto tcp counter name " + gate.name +
         "_rejected reject with tcp reset comment \"closed\"\n";
}

void exec(const std::vector<const char*>& words) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto arguments = words;
    arguments.push_back(nullptr);
    ::execvp(arguments[0], const_cast<char* const*>(arguments.data()));
    ::_exit(127);
  }
  int status = 0;
  must(::waitpid(child, &status, 0) == child && status == 0, words[0]);
}

// The same table, moved by others: rules are rewritten rather than a lease.
void transaction_rows(const Scale& scale) {
  const auto ruleset = ruleset_of(scale);
  { // leaves a plain table behind
    nft::Store store({nft::OwnerPolicy::never, nft::Leases::flush});
    install(store, ruleset);
  }
  const auto listener = listen_on(first_port);
  auto open = ruleset->gates.front();
  auto closed = open;
  closed.form = core::ChainForm::closed;

  nft::NetlinkSocket socket("bench");
  const auto rewrite = [&](const core::GateRules& gate) {
    nft::Batch batch(socket.batch_limit_bytes());
    const auto chain = nft::verdict_chain(gate);
    batch.flush_chain(chain.name);
    batch.append_rules(chain);
    must(static_cast<bool>(socket.commit(batch)), "netlink commit");
  };
  nft_ctx* const context = nft_ctx_new(NFT_CTX_DEFAULT);
  const auto command = [&](const std::string& text) {
    must(nft_run_cmd_from_buffer(context, text.c_str()) == 0, "libnftables");
  };
  const auto open_text = chain_text(open);
  const auto closed_text = chain_text(closed);
  command(open_text); // without the lease, which nobody renews here
  const auto run_nft = [&](const std::string& text) { exec({"nft", text.c_str()}); };

  const Way netlink{"rule by netlink", 300, [&] { rewrite(closed); }, [&] { command(open_text); }};
  std::vector<double> closes;
  for (int n = 0; n < netlink.rounds; ++n) {
    closes.push_back(timed(netlink.close));
    must(!connects(first_port), "rule by netlink: still accepts");
    netlink.open();
  }
  print("rule by netlink close", scale, "loop", closes, netlink.rounds);
  closes.clear();
  for (int n = 0; n < 60; ++n) {
    std::this_thread::sleep_for(60ms);
    closes.push_back(timed(netlink.close));
    must(!connects(first_port), "rule by netlink: still accepts");
    netlink.open();
  }
  print("rule by netlink close", scale, "idle", closes, 60);
  measure({"rule by libnftables", 100, [&] { command(closed_text); }, [&] { command(open_text); }}, scale,
          first_port, false);
  measure({"rule by nft(8)", 30, [&] { run_nft(closed_text); }, [&] { run_nft(open_text); }}, scale,
          first_port, false);
  nft_ctx_free(context);
  nft::Batch batch(socket.batch_limit_bytes());
  batch.delete_table("healthgate");
  must(static_cast<bool>(socket.commit(batch)), "delete table");
}

// The least that a datagram costs which an output chain drops: one rule, no condition.
void floor_row(const Scale& scale) {
  nft_ctx* const context = nft_ctx_new(NFT_CTX_DEFAULT);
  must(nft_run_cmd_from_buffer(context,
                               "table inet floor { chain output { type filter hook output priority -450; "
                               "udp dport 9 drop; }; }") == 0,
       "libnftables");
  const base::UniqueFd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const auto to = loopback(9);
  std::vector<double> times;
  for (int n = 0; n < 20000; ++n) {
    times.push_back(timed([&] {
      const ssize_t sent =
          ::sendto(fd.get(), "12345678", 8, 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
      must(sent < 0 && errno == EPERM, "a datagram was not dropped");
    }));
  }
  print("floor: a dropped datagram", scale, "loop", times, 0);
  must(nft_run_cmd_from_buffer(context, "delete table inet floor") == 0, "libnftables");
  nft_ctx_free(context);
}

// What a program in the kernel would look up: the map's update alone, without a program that obeys it.
void ebpf_row(const Scale& scale) {
  bpf_attr attributes{};
  attributes.map_type = BPF_MAP_TYPE_HASH;
  attributes.key_size = attributes.value_size = 4;
  attributes.max_entries = 1024;
  const base::UniqueFd map(
      static_cast<int>(::syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes)));
  if (!map) {
    std::fprintf(stderr, "switch_bench: no eBPF map here: %s\n", std::strerror(errno));
    return;
  }
  const std::uint32_t key = first_port;
  std::uint32_t value = 0;
  std::vector<double> times;
  for (int n = 0; n < 20000; ++n) {
    value = static_cast<std::uint32_t>(n) & 1;
    bpf_attr update{};
    update.map_fd = static_cast<std::uint32_t>(map.get());
    update.key = reinterpret_cast<std::uintptr_t>(&key);
    update.value = reinterpret_cast<std::uintptr_t>(&value);
    times.push_back(
        timed([&] { must(::syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &update, sizeof update) == 0, "bpf"); }));
  }
  print("eBPF map update", scale, "loop", times, 0);
}

void other_rows() {
  const Scale scale{0, 0};
  const std::string port = std::to_string(first_port);
  floor_row(scale);
  ebpf_row(scale);
  {
    const auto listener = listen_on(first_port);
    const std::vector<const char*> rule{"-p", "tcp",    "--dport",       port.c_str(),
                                        "-j", "REJECT", "--reject-with", "tcp-reset"};
    const auto iptables = [&](const char* action) {
      std::vector<const char*> words{"iptables-nft", action, "INPUT"};
      words.insert(words.end(), rule.begin(), rule.end());
      exec(words);
    };
    measure({"rule by iptables(8)", 30, [&] { iptables("-I"); }, [&] { iptables("-D"); }}, scale, first_port,
            false);
  }
  base::UniqueFd listener = listen_on(first_port);
  measure({"socket", 1000, [&] { listener.reset(); }, [&] { listener = listen_on(first_port); }}, scale,
          first_port, false);
  listener.reset();
  pid_t child = 0;
  const auto start = [&] {
    child = ::fork();
    if (child == 0) {
      const auto theirs = listen_on(first_port);
      for (;;) {
        ::pause();
      }
    }
    while (!connects(first_port)) {
    }
  };
  const auto kill_it = [&] {
    must(::kill(child, SIGKILL) == 0, "kill");
    while (connects(first_port)) {
    }
    must(::waitpid(child, nullptr, 0) == child, "waitpid");
  };
  start();
  measure({"forked listener", 100, kill_it, start}, scale, first_port, false);
  kill_it();
}

// How long a table with that many sources takes to be in force, and a new one to be added.
void load_row(std::size_t cidrs) {
  const Scale scale{1, cidrs};
  const auto ruleset = ruleset_of(scale);
  nft::Store store({nft::OwnerPolicy::never, nft::Leases::flush});
  print("table in force", scale, "once", {timed([&] { install(store, ruleset); })}, 0);
  must(static_cast<bool>(store.remove(10s)), "the table is not removed");
}

// Beside a neighbour's transactions, which tests/bench starts.
void loaded_rows() {
  const Scale scale;
  const auto ruleset = ruleset_of(scale);
  {
    nft::Store store({nft::OwnerPolicy::never, nft::Leases::flush});
    install(store, ruleset);
    std::vector<double> renewals;
    for (const auto until = Clock::now() + 10s; Clock::now() < until; std::this_thread::sleep_for(5ms)) {
      renewals.push_back(timed([&] {
        must(store.renew(first_port).answer == core::PulseAnswer::acknowledged,
             "a pulse was not acknowledged");
      }));
    }
    print("pulse renew beside a loader", scale, "5 ms", renewals, 0);
  }
  nft::NetlinkSocket socket("bench");
  auto closed = ruleset->gates.front();
  closed.form = core::ChainForm::closed;
  std::vector<double> commits;
  for (const auto until = Clock::now() + 10s; Clock::now() < until; std::this_thread::sleep_for(5ms)) {
    nft::Batch batch(socket.batch_limit_bytes());
    const auto chain = nft::verdict_chain(closed);
    batch.flush_chain(chain.name);
    batch.append_rules(chain);
    commits.push_back(timed([&] { must(static_cast<bool>(socket.commit(batch)), "netlink commit"); }));
  }
  print("rule by netlink beside a loader", scale, "5 ms", commits, 0);
}

int run() {
  other_rows();
  for (const auto& scale : {Scale{1, 1}, Scale{1000, 1}, Scale{1, 100000}, Scale{1000, 100000}}) {
    pulse_rows(scale);
    transaction_rows(scale);
  }
  for (const std::size_t cidrs : {1, 1000, 100000, 1000000}) {
    load_row(cidrs);
  }
  return 0;
}

} // namespace
} // namespace healthgate

int main(int count, char** words) {
  if (count == 2 && std::strcmp(words[1], "loaded") == 0) {
    healthgate::loaded_rows();
    return 0;
  }
  return healthgate::run();
}
