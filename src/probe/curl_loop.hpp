// libcurl's multi interface on the event loop: one multi handle for all transfers of the daemon, driven by
// socket (curl_multi_socket_action), so that an event costs the same beside one transfer and beside
// thousands. The shape is that of systemd's curl-util.c: curl's timer callback only arms, and never acts.
#pragma once

#include "base/c_ptr.hpp"
#include "loop/event_loop.hpp"
#include "loop/io.hpp"

#include <curl/curl.h>
#include <deque>
#include <functional>
#include <optional>
#include <unordered_map>
#include <utility>

namespace healthgate::probe {

class CurlLoop {
public:
  using Ended = std::function<void(CURLcode)>;

  explicit CurlLoop(loop::EventLoop& loop); // throws std::runtime_error when libcurl cannot be set up
  ~CurlLoop();                              // after every transfer was removed
  CurlLoop(const CurlLoop&) = delete;
  CurlLoop& operator=(const CurlLoop&) = delete;

  // Begins the transfer of `easy`, which stays the caller's. `ended` is called once, from the loop, never
  // from inside this call; the handle has then left the multi handle. `ended` may add and remove any
  // transfer, its own included, but must not destroy the CurlLoop.
  void add(CURL* easy, Ended ended);
  // Forgets a transfer and its `ended`. Harmless when it does not run. Not from inside curl's callbacks.
  void remove(CURL* easy);
  // Takes what has already arrived on `socket` for the transfer of `easy`. When that completes the transfer,
  // its code is returned and `ended` is not called. For a deadline: an answer that waits unread because this
  // loop was late is not a late answer.
  std::optional<CURLcode> finish_now(CURL* easy, curl_socket_t socket);
  // Ends the watch of a descriptor that is about to be closed.
  void forget(curl_socket_t socket) noexcept { sockets_.erase(socket); }

private:
  static int on_socket(CURL* easy, curl_socket_t socket, int what, void* self, void* unused) noexcept;
  static int on_timer(CURLM* multi, long timeout_ms, void* self) noexcept;
  void watch(curl_socket_t socket, std::uint32_t events);
  void arm(core::Duration delay);
  void act(curl_socket_t socket, int events);
  void collect();
  void deliver();

  struct Global {
    Global();
    ~Global() { curl_global_cleanup(); }
    Global(const Global&) = delete;
    Global& operator=(const Global&) = delete;
  };

  loop::EventLoop& loop_;
  Global global_;
  base::CPtr<CURLM, curl_multi_cleanup> multi_;
  std::unordered_map<curl_socket_t, loop::IoWatch> sockets_;
  std::unordered_map<CURL*, Ended> transfers_;
  std::deque<std::pair<CURL*, CURLcode>> ended_; // out of the multi handle, not yet told
  core::Timers::Id timer_ = 0;
};

} // namespace healthgate::probe
