#include "app/hook.hpp"

#include "app/node_name.hpp"
#include "base/log.hpp"
#include "base/utc_time.hpp"
#include "core/duration_text.hpp"
#include "loop/child.hpp"
#include "probe/child_process.hpp"
#include "probe/printable.hpp"

#include <array>
#include <cerrno>
#include <optional>
#include <unistd.h>
#include <utility>

namespace healthgate::app {
namespace {

namespace log = base::log;

constexpr std::size_t output_limit_bytes = 1024; // of which a line is logged when it fails
constexpr std::size_t shown_chars = 200;

probe::ChildSpec spec_of(const std::string& program, const GateNews& news) {
  const std::string state = news.open ? "open" : "closed";
  probe::ChildSpec spec;
  spec.argv = {program, news.gate, state};
  spec.environment = {"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                      "LANG=C.UTF-8",
                      "HEALTHGATE_GATE=" + news.gate,
                      "HEALTHGATE_PORT=" + std::to_string(news.port),
                      "HEALTHGATE_NODE=" + node_name(),
                      "HEALTHGATE_STATE=" + state,
                      "HEALTHGATE_SINCE=" + base::utc_seconds(news.since),
                      "HEALTHGATE_REASON=" + probe::printable(news.reason, shown_chars),
                      "HEALTHGATE_OVERRIDE=" + news.override_kind,
                      "HEALTHGATE_WHO=" + probe::printable(news.override_who, shown_chars)};
  return spec;
}

} // namespace

class Hook::Runner : public std::enable_shared_from_this<Runner> {
public:
  explicit Runner(loop::EventLoop& loop) : loop_(loop) {}

  void configure(const std::filesystem::path& program, std::chrono::milliseconds timeout) {
    program_ = program.string();
    timeout_ = timeout;
  }

  void tell(const GateNews& news) {
    if (program_.empty()) {
      next_.reset();
    } else if (running()) {
      next_ = news;
    } else {
      run(news);
    }
  }

  [[nodiscard]] bool running() const { return child_.pid != 0; }

private:
  void run(const GateNews& news) {
    gate_ = news.gate;
    spec_ = spec_of(program_, news);
    output_.clear();
    auto started = probe::start_child(spec_);
    if (!started) {
      complain(started.error());
      return;
    }
    child_ = std::move(started).value();
    loop_.keep(shared_from_this());
    output_watch_ = loop::IoWatch(
        loop_, child_.output.get(), EPOLLIN, [this](std::uint32_t) { read_output(); },
        loop::Priority::serving);
    end_watch_ = loop::ProcessWatch::from_pidfd(loop_, std::move(child_.pidfd), [this] { ended(); });
    deadline_ = loop_.at(loop_.now().mono + timeout_, [this] {
      deadline_ = 0;
      probe::kill_group(child_.pid); // its end comes as an event
      complain("killed at its deadline of " + core::duration_text(timeout_));
      killed_ = true;
    });
  }

  // Reads on behind the cap, so that the program does not stand still at a full pipe.
  void read_output() {
    std::array<char, 1024> buffer{};
    const auto count = ::read(child_.output.get(), buffer.data(), buffer.size());
    if (count > 0) {
      output_.append(buffer.data(),
                     std::min(output_limit_bytes - output_.size(), static_cast<std::size_t>(count)));
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
      output_watch_ = loop::IoWatch();
    }
  }

  void ended() {
    const auto self = shared_from_this(); // until the end of this function
    if (output_watch_.valid()) {
      read_output();
    }
    const auto problem = probe::setup_error(child_, spec_);
    probe::kill_group(
        child_.pid); // what it left behind; before it is reaped, so that the number is still its own
    const auto status = probe::reap(child_.pid);
    loop_.cancel(std::exchange(deadline_, 0));
    output_watch_ = loop::IoWatch();
    end_watch_ = loop::ProcessWatch();
    child_ = probe::ChildProcess();
    loop_.drop(this);
    if (!problem.empty()) {
      complain(problem);
    } else if (!status.success() && !killed_) {
      const auto said = probe::printable(output_.substr(0, output_.find('\n')), shown_chars);
      complain(status.to_string() + (said.empty() ? "" : ": " + said));
    }
    killed_ = false;
    if (const auto news = std::exchange(next_, std::nullopt); news && !program_.empty()) {
      run(*news);
    }
  }

  void complain(const std::string& problem) const {
    log::warning("gate " + gate_ + ": on-transition " + spec_.argv.front() + ": " + problem,
                 {{"gate", gate_}});
  }

  loop::EventLoop& loop_;
  std::string program_;
  std::chrono::milliseconds timeout_{};
  std::optional<GateNews> next_;

  // Of the run under way.
  std::string gate_;
  probe::ChildSpec spec_;
  probe::ChildProcess child_;
  loop::IoWatch output_watch_;
  loop::ProcessWatch end_watch_;
  core::Timers::Id deadline_ = 0;
  bool killed_ = false;
  std::string output_;
};

Hook::Hook(loop::EventLoop& loop) : runner_(std::make_shared<Runner>(loop)) {}

Hook::~Hook() = default;

void Hook::configure(const std::filesystem::path& program, std::chrono::milliseconds timeout) {
  runner_->configure(program, timeout);
}

void Hook::tell(const GateNews& news) {
  runner_->tell(news);
}

bool Hook::running() const {
  return runner_->running();
}

} // namespace healthgate::app
