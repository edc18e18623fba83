#include "probe/exec_prober.hpp"

#include "probe/printable.hpp"

#include <array>
#include <cerrno>
#include <unistd.h>
#include <utility>

namespace healthgate::probe {
namespace {

using core::FailureClass;

constexpr std::size_t output_limit_bytes = 4096;
constexpr std::size_t detail_limit_chars = 100;

ChildSpec spec_of(const config::ProbeConfig& config, core::Duration timeout) {
  const auto millis = std::chrono::duration_cast<std::chrono::milliseconds>(timeout).count();
  ChildSpec spec;
  spec.argv = config.argv;
  spec.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8",
                      "HEALTHGATE_PROBE=" + config.name, "HEALTHGATE_TIMEOUT_MS=" + std::to_string(millis)};
  const auto user = config.user.empty() && ::geteuid() == 0 ? std::string("nobody") : config.user;
  if (!user.empty()) {
    if (auto identity = find_identity(user)) {
      spec.identity = std::move(identity).value();
    }
  }
  return spec;
}

std::string first_line(const std::string& output) {
  return printable(output.substr(0, output.find('\n')), detail_limit_chars);
}

} // namespace

ExecProber::ExecProber(loop::EventLoop& loop, const config::ProbeConfig& config, core::Duration timeout)
    : loop_(loop), config_(config), timeout_(timeout), spec_(spec_of(config, timeout)), run_(loop) {}

ExecProber::~ExecProber() {
  abandon();
}

void ExecProber::start(Done done) {
  run_.begin(std::move(done), timeout_, [this] { deadline_passed(); });
  output_.clear();
  if (!spec_.identity && (!config_.user.empty() || ::geteuid() == 0)) {
    run_.fail_soon(FailureClass::exec, "no user '" + (config_.user.empty() ? "nobody" : config_.user) + "'");
    return;
  }
  if (leftover_.running()) {
    run_.fail_soon(FailureClass::exec, "the last run was killed and has not ended yet");
    return;
  }
  auto started = start_child(spec_);
  if (!started) {
    run_.step("start", started.error(), false);
    run_.fail_soon(FailureClass::exec, started.error());
    return;
  }
  child_ = std::move(started).value();
  run_.step("start", "pid " + std::to_string(child_.pid));
  output_watch_ =
      loop::IoWatch(loop_, child_.output.get(), EPOLLIN, [this](std::uint32_t) { read_output(); });
  end_watch_ = loop::ProcessWatch::from_pidfd(loop_, std::move(child_.pidfd), [this] { ended(); });
}

void ExecProber::cancel() {
  abandon();
  run_.cancel();
}

void ExecProber::on_hint(Hint /*hint*/) {}

// Reads on behind the cap, so that the program does not stand still at a full pipe.
void ExecProber::read_output() {
  std::array<char, 4096> buffer{};
  const auto count = ::read(child_.output.get(), buffer.data(), buffer.size());
  if (count > 0) {
    const auto room = output_limit_bytes - output_.size();
    output_.append(buffer.data(), std::min(room, static_cast<std::size_t>(count)));
  } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
    output_watch_ = loop::IoWatch();
  }
}

void ExecProber::ended() {
  while (output_watch_.valid() && output_.size() < output_limit_bytes) { // what the program said last
    const auto before = output_.size();
    read_output();
    if (output_.size() == before) {
      break;
    }
  }
  const auto failed = setup_error(child_, spec_);
  kill_group(child_.pid); // whatever it left behind; before it is reaped, so that the number is still its own
  const auto status = reap(child_.pid);
  end_watch_ = loop::ProcessWatch();
  output_watch_ = loop::IoWatch();
  child_ = ChildProcess();
  if (!failed.empty()) {
    run_.step("run", failed, false);
    run_.fail(FailureClass::exec, failed);
    return;
  }
  const auto said = first_line(output_);
  const auto detail = status.to_string() + (said.empty() ? "" : ": " + said);
  run_.step("run", detail, status.success());
  if (status.success()) {
    run_.pass(detail);
  } else {
    run_.fail(FailureClass::exec, detail);
  }
}

void ExecProber::deadline_passed() {
  const auto said = first_line(output_);
  abandon();
  run_.step("deadline", "killed", false);
  run_.fail(FailureClass::timeout, timeout_text(timeout_) + ", killed" + (said.empty() ? "" : ": " + said));
}

// Kills what runs; a program that does not end even so (a dead disk) is reaped when it does, and no second
// one is started beside it.
void ExecProber::abandon() {
  if (child_.pid == 0) {
    return;
  }
  kill_group(child_.pid);
  output_watch_ = loop::IoWatch();
  end_watch_ = loop::ProcessWatch();
  leftover_ = loop::ChildWatch(loop_, child_.pid, [](const loop::ExitStatus& /*status*/) {});
  child_ = ChildProcess();
}

} // namespace healthgate::probe
