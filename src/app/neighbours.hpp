// The programs beside one gate that follow it: a hook, keepalived by a track_file, HAProxy by an agent-check,
// and HTTP checks. All are told the whole state each time, so that none of them can miss an edge.
#pragma once

#include "app/hook.hpp"
#include "config/config.hpp"
#include "listener/responder.hpp"
#include "loop/event_loop.hpp"

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace healthgate::app {

class Neighbours {
public:
  // Writes a small file soon; must not block.
  using WriteFile = std::function<void(const std::filesystem::path& path, std::string content)>;

  Neighbours(loop::EventLoop& loop, WriteFile write_file);
  ~Neighbours();
  Neighbours(const Neighbours&) = delete;
  Neighbours& operator=(const Neighbours&) = delete;

  // Opens and closes ports as the configuration says; a port that cannot be had is tried again.
  void configure(const config::GateConfig& config);
  // The gate's state, whenever it may be another. Ports answer with the latest; hook and file are told only
  // when more than the reason has changed.
  void tell(const GateNews& news);
  // Whether a hook runs: to wait for at the end of life.
  [[nodiscard]] bool busy() const { return hook_.running(); }

private:
  // One port and what is said on it.
  struct Port {
    std::optional<config::HostPort> where;
    std::unique_ptr<listener::Responder> responder;
  };

  void open(Port& port, const std::optional<config::HostPort>& where, listener::Responder::Protocol protocol,
            const char* key);
  void retry();

  loop::EventLoop& loop_;
  WriteFile write_file_;
  config::GateConfig config_;
  std::optional<GateNews> news_; // the last that was told
  Hook hook_;
  Port agent_;
  Port http_;
  core::Timers::Id retry_ = 0;
  std::string problem_; // that was logged last
};

// What is said, for tests without a socket.
[[nodiscard]] std::string agent_answer(const GateNews& news);
[[nodiscard]] std::string http_answer(const GateNews& news, const std::string& request);
[[nodiscard]] std::string track_file_content(const GateNews& news);

} // namespace healthgate::app
