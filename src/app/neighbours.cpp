#include "app/neighbours.hpp"

#include "base/log.hpp"
#include "base/utc_time.hpp"
#include "probe/printable.hpp"

#include <nlohmann/json.hpp>

#include <utility>

namespace healthgate::app {
namespace {

namespace log = base::log;

constexpr std::chrono::seconds retry_pause{1};
constexpr std::size_t reason_chars = 100;

bool same_place(const std::optional<config::HostPort>& a, const std::optional<config::HostPort>& b) {
  return a.has_value() == b.has_value() && (!a || (a->host == b->host && a->port == b->port));
}

} // namespace

// HAProxy takes the words one by one: `up` and `down` are health, `ready` and `drain` what the administrator
// wants, and each stays until its contrary is said. So both are said each time. What follows # is shown on
// its page. An old drain is not left behind by a `down`: that would keep a server out that is well again.
std::string agent_answer(const GateNews& news) {
  const auto reason = probe::printable(news.reason, reason_chars);
  if (news.override_kind == "drain") {
    return "drain up #" + reason + "\n";
  }
  return news.open ? "ready up\n" : "ready down #" + reason + "\n";
}

// Any path, any method: who asks here asks one thing.
std::string http_answer(const GateNews& news, const std::string& request) {
  const nlohmann::ordered_json state = {{"gate", news.gate},
                                        {"port", news.port},
                                        {"state", news.open ? "open" : "closed"},
                                        {"since", base::utc_seconds(news.since)},
                                        {"reason", news.reason},
                                        {"override", news.override_kind}};
  const auto body = state.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
  const bool head_only = request.compare(0, 5, "HEAD ") == 0;
  return std::string("HTTP/1.1 ") + (news.open ? "200 OK" : "503 Service Unavailable") +
         "\r\nContent-Type: application/json\r\nCache-Control: no-store\r\nConnection: "
         "close\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n\r\n" + (head_only ? "" : body);
}

// 0 is well for keepalived; with `weight 0` any other number is a fault.
std::string track_file_content(const GateNews& news) {
  return news.open ? "0\n" : "1\n";
}

Neighbours::Neighbours(loop::EventLoop& loop, WriteFile write_file)
    : loop_(loop), write_file_(std::move(write_file)), hook_(loop) {}

Neighbours::~Neighbours() {
  loop_.cancel(retry_);
}

void Neighbours::configure(const config::GateConfig& config) {
  const bool other_hook = config_.on_transition != config.on_transition;
  const bool other_file = config_.track_file != config.track_file;
  config_ = config;
  hook_.configure(config.on_transition, config.on_transition_timeout);
  if (news_ && other_hook) {
    hook_.tell(*news_);
  }
  if (news_ && other_file && !config.track_file.empty()) {
    write_file_(config.track_file, track_file_content(*news_));
  }
  retry();
}

void Neighbours::tell(const GateNews& news) {
  const bool first = !news_;
  const bool moved = first || !news_->same_state(news);
  news_ = news;
  if (first) {
    retry(); // nothing is said before there is something to say
  }
  if (!moved) {
    return;
  }
  hook_.tell(news);
  if (!config_.track_file.empty()) {
    write_file_(config_.track_file, track_file_content(news));
  }
}

void Neighbours::retry() {
  loop_.cancel(std::exchange(retry_, 0));
  if (!news_) {
    return;
  }
  open(agent_, config_.agent_listen, listener::Responder::Protocol::line, "agent-listen");
  open(http_, config_.http_listen, listener::Responder::Protocol::http, "http-listen");
}

void Neighbours::open(Port& port, const std::optional<config::HostPort>& where,
                      listener::Responder::Protocol protocol, const char* key) {
  if (same_place(port.where, where) && (!where || port.responder)) {
    return;
  }
  port.responder.reset();
  port.where = where;
  if (!where) {
    return;
  }
  auto responder =
      std::make_unique<listener::Responder>(loop_, protocol, [this, protocol](const std::string& request) {
        return protocol == listener::Responder::Protocol::line ? agent_answer(*news_)
                                                               : http_answer(*news_, request);
      });
  if (const auto listening = responder->listen(where->host, where->port)) {
    port.responder = std::move(responder);
    return;
  } else if (const auto problem = key + (" " + where->host) + " port " + std::to_string(where->port) +
                                  " is tried again: " + listening.error();
             problem != problem_) {
    log::warning("gate " + config_.name + ": " + problem, {{"gate", config_.name}});
    problem_ = problem;
  }
  loop_.cancel(retry_);
  retry_ = loop_.at(loop_.now().mono + retry_pause, [this] {
    retry_ = 0;
    retry();
  });
}

} // namespace healthgate::app
