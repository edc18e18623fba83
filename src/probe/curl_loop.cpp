#include "probe/curl_loop.hpp"

#include <algorithm>
#include <cassert>
#include <stdexcept>
#include <system_error>

namespace healthgate::probe {

CurlLoop::Global::Global() {
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    throw std::runtime_error("libcurl cannot be initialised");
  }
}

CurlLoop::CurlLoop(loop::EventLoop& loop) : loop_(loop), multi_(curl_multi_init()) {
  if (!multi_) {
    throw std::runtime_error("libcurl has no memory for its multi handle");
  }
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &CurlLoop::on_socket);
  curl_multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, this);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERFUNCTION, &CurlLoop::on_timer);
  curl_multi_setopt(multi_.get(), CURLMOPT_TIMERDATA, this);
}

CurlLoop::~CurlLoop() {
  assert(transfers_.empty());
  multi_.reset(); // may still call back
  loop_.cancel(timer_);
}

void CurlLoop::add(CURL* easy, Ended ended) {
  const bool is_new = transfers_.emplace(easy, std::move(ended)).second;
  assert(is_new);
  (void)is_new;
  if (const CURLMcode code = curl_multi_add_handle(multi_.get(), easy); code != CURLM_OK) {
    ended_.emplace_back(easy, code == CURLM_OUT_OF_MEMORY ? CURLE_OUT_OF_MEMORY : CURLE_FAILED_INIT);
    arm({});
  }
}

void CurlLoop::remove(CURL* easy) {
  if (transfers_.erase(easy) == 0) {
    return;
  }
  const auto told =
      std::find_if(ended_.begin(), ended_.end(), [&](const auto& e) { return e.first == easy; });
  if (told != ended_.end()) {
    ended_.erase(told);
  } else {
    curl_multi_remove_handle(multi_.get(), easy);
  }
}

std::optional<CURLcode> CurlLoop::finish_now(CURL* easy, curl_socket_t socket) {
  if (socket != CURL_SOCKET_BAD) {
    int running = 0;
    curl_multi_socket_action(multi_.get(), socket, CURL_CSELECT_IN, &running);
    collect();
  }
  std::optional<CURLcode> code;
  const auto told =
      std::find_if(ended_.begin(), ended_.end(), [&](const auto& e) { return e.first == easy; });
  if (told != ended_.end()) {
    code = told->second;
    ended_.erase(told);
    transfers_.erase(easy);
  }
  if (!ended_.empty()) {
    arm({});
  }
  return code;
}

int CurlLoop::on_socket(CURL* /*easy*/, curl_socket_t socket, int what, void* self,
                        void* /*unused*/) noexcept {
  auto& loop = *static_cast<CurlLoop*>(self);
  switch (what) {
  case CURL_POLL_IN:
    loop.watch(socket, EPOLLIN);
    break;
  case CURL_POLL_OUT:
    loop.watch(socket, EPOLLOUT);
    break;
  case CURL_POLL_INOUT:
    loop.watch(socket, EPOLLIN | EPOLLOUT);
    break;
  default: // CURL_POLL_REMOVE, CURL_POLL_NONE
    loop.forget(socket);
  }
  return 0;
}

void CurlLoop::watch(curl_socket_t socket, std::uint32_t events) {
  if (const auto known = sockets_.find(socket); known != sockets_.end()) {
    known->second.set_events(events);
    return;
  }
  const auto ready = [this, socket](std::uint32_t revents) {
    act(socket, ((revents & EPOLLIN) != 0 ? CURL_CSELECT_IN : 0) |
                    ((revents & EPOLLOUT) != 0 ? CURL_CSELECT_OUT : 0) |
                    ((revents & (EPOLLERR | EPOLLHUP)) != 0 ? CURL_CSELECT_ERR : 0));
  };
  try {
    sockets_.emplace(socket, loop::IoWatch(loop_, socket, events, ready, loop::Priority::deciding));
  } catch (const std::system_error&) {
    // The kernel's limit of watches. Telling curl would end all its transfers (CURLM_ABORTED_BY_CALLBACK), so
    // this one alone runs into its deadline.
  }
}

int CurlLoop::on_timer(CURLM* /*multi*/, long timeout_ms, void* self) noexcept {
  auto& loop = *static_cast<CurlLoop*>(self);
  if (timeout_ms < 0) {
    loop.loop_.cancel(std::exchange(loop.timer_, 0));
  } else {
    loop.arm(std::chrono::milliseconds(timeout_ms));
  }
  return 0;
}

void CurlLoop::arm(core::Duration delay) {
  loop_.cancel(timer_);
  timer_ = loop_.at(std::chrono::steady_clock::now() + delay, [this] {
    timer_ = 0;
    act(CURL_SOCKET_TIMEOUT, 0);
  });
}

void CurlLoop::act(curl_socket_t socket, int events) {
  int running = 0;
  curl_multi_socket_action(multi_.get(), socket, events, &running);
  collect();
  deliver();
}

// Takes the transfers that have ended out of the multi handle before anyone is told, so that whoever is told
// finds curl at rest.
void CurlLoop::collect() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    if (message->msg == CURLMSG_DONE) {
      CURL* easy = message->easy_handle;
      ended_.emplace_back(easy, message->data.result); // before the removal, which frees the message
      curl_multi_remove_handle(multi_.get(), easy);
    }
  }
}

void CurlLoop::deliver() {
  while (!ended_.empty()) {
    const auto [easy, code] = ended_.front();
    ended_.pop_front();
    const auto transfer = transfers_.find(easy);
    const Ended ended = std::move(transfer->second);
    transfers_.erase(transfer);
    ended(code);
  }
}

} // namespace healthgate::probe
