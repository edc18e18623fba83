#include "probe/file_prober.hpp"

#include <cerrno>
#include <sys/stat.h>
#include <system_error>
#include <utility>

namespace healthgate::probe {
namespace {

// errno of stat(2), 0 when something is there.
int look(const std::string& path) {
  struct stat found {};
  return ::stat(path.c_str(), &found) == 0 ? 0 : errno;
}

} // namespace

FileProber::FileProber(loop::EventLoop& loop, const config::ProbeConfig& config, core::Duration timeout)
    : path_(config.target), must_exist_(config.file_must_exist), timeout_(timeout), run_(loop),
      watch_(
          loop, path_, [this] { path_changed(); }, core::Duration::zero()) {}

void FileProber::start(Done done) {
  run_.begin(std::move(done), timeout_, [] {}); // the answer is there before any deadline
  const int error = look(path_);
  last_ = error;
  const bool missing = error == ENOENT || error == ENOTDIR;
  if (error != 0 && !missing) {
    const auto text = path_ + ": " + std::generic_category().message(error);
    run_.step("look", text, false);
    run_.fail_soon(core::FailureClass::exec, text);
    return;
  }
  const auto text = path_ + (missing ? " does not exist" : " exists");
  run_.step("look", text, missing != must_exist_);
  if (missing == must_exist_) {
    run_.fail_soon(missing ? core::FailureClass::refused : core::FailureClass::mismatch, text);
  } else {
    run_.pass_soon(text);
  }
}

void FileProber::cancel() {
  run_.cancel();
}

void FileProber::on_hint(Hint hint) {
  hint_ = std::move(hint);
}

void FileProber::path_changed() {
  if (hint_ && last_ && look(path_) != *last_) {
    hint_(path_ + " has changed");
  }
}

} // namespace healthgate::probe
