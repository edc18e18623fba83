// Reads the configuration again while the daemon decides on: an allow-file of a million lines takes a second,
// and a dead disk takes for ever. One reading at a time, on a thread of its own.
#pragma once

#include "base/result.hpp"
#include "base/unique_fd.hpp"
#include "config/load.hpp"
#include "loop/event_loop.hpp"
#include "loop/io.hpp"

#include <functional>
#include <memory>
#include <vector>

namespace healthgate::app {

class ConfigReader {
public:
  using Loaded = base::Result<config::Config, std::vector<config::ConfigError>>;
  using Load = std::function<Loaded()>;
  using Done = std::function<void(Loaded)>;

  // `load` is called on the thread and must not refer to anything that may end before the process.
  ConfigReader(loop::EventLoop& loop, Load load); // throws std::system_error
  // Does not wait for a reading under way: it ends by itself, and calls nothing.
  ~ConfigReader();
  ConfigReader(const ConfigReader&) = delete;
  ConfigReader& operator=(const ConfigReader&) = delete;

  // Reads once more; `done` comes from the loop, never from inside this call. A call while a reading is under
  // way begins another one after it, so that what changed meanwhile is seen; every `done` gets an answer.
  void read(Done done);

private:
  struct Shared;
  void begin();
  void on_loaded();

  Load load_;
  std::shared_ptr<Shared> shared_;
  std::vector<Done> served_;  // by the reading under way
  std::vector<Done> waiting_; // for the next one
  loop::IoWatch watch_;
};

} // namespace healthgate::app
