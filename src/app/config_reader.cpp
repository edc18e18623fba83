#include "app/config_reader.hpp"

#include <cerrno>
#include <mutex>
#include <optional>
#include <sys/eventfd.h>
#include <system_error>
#include <thread>
#include <unistd.h>
#include <utility>

namespace healthgate::app {

// What the thread and the loop share; the thread keeps it alive when the reader has gone.
struct ConfigReader::Shared {
  base::UniqueFd ready;
  std::mutex mutex;
  std::optional<Loaded> loaded;
};

ConfigReader::ConfigReader(loop::EventLoop& loop, Load load)
    : load_(std::move(load)), shared_(std::make_shared<Shared>()) {
  shared_->ready.reset(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!shared_->ready.valid()) {
    throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  watch_ = loop::IoWatch(loop, shared_->ready.get(), EPOLLIN, [this](std::uint32_t) { on_loaded(); });
}

ConfigReader::~ConfigReader() = default;

void ConfigReader::read(Done done) {
  waiting_.push_back(std::move(done));
  if (served_.empty()) {
    begin();
  }
}

void ConfigReader::begin() {
  served_ = std::exchange(waiting_, {});
  const auto work = [shared = shared_, load = load_] {
    auto loaded = load();
    const std::scoped_lock lock(shared->mutex);
    shared->loaded.emplace(std::move(loaded));
    const std::uint64_t one = 1;
    (void)!::write(shared->ready.get(), &one, sizeof one); // of 8 bytes to an eventfd that nobody else writes
  };
  try {
    std::thread(work).detach();
  } catch (const std::system_error&) {
    work(); // no thread to be had: late is better than not at all
  }
}

void ConfigReader::on_loaded() {
  std::uint64_t count = 0;
  (void)!::read(shared_->ready.get(), &count, sizeof count); // only clears it
  std::optional<Loaded> loaded;
  {
    const std::scoped_lock lock(shared_->mutex);
    loaded = std::exchange(shared_->loaded, std::nullopt);
  }
  if (!loaded) {
    return;
  }
  for (const auto& done : std::exchange(served_, {})) {
    done(*loaded);
  }
  if (!waiting_.empty()) {
    begin();
  }
}

} // namespace healthgate::app
