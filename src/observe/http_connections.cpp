#include "observe/http_connections.hpp"

#include <algorithm>
#include <utility>

namespace healthgate::observe {

std::optional<HttpConnections::Id> HttpConnections::add(Id id, std::string address) {
  const auto same = [&](const Connection& one) { return one.address == address; };
  const auto count = std::count_if(connections_.begin(), connections_.end(), same);
  std::optional<Id> evicted;
  if (static_cast<std::size_t>(count) >= limits_.per_address) {
    const auto oldest = std::find_if(connections_.begin(), connections_.end(), same);
    evicted = oldest->id;
    connections_.erase(oldest);
  } else if (connections_.size() >= limits_.all) {
    evicted = evict();
  }
  connections_.push_back({id, std::move(address)});
  return evicted;
}

void HttpConnections::asked(Id id) {
  if (const auto place = find(id); place != connections_.end()) {
    connections_.splice(connections_.end(), connections_, place);
  }
}

void HttpConnections::remove(Id id) {
  if (const auto place = find(id); place != connections_.end()) {
    connections_.erase(place);
  }
}

std::optional<HttpConnections::Id> HttpConnections::evict() {
  if (connections_.empty()) {
    return std::nullopt;
  }
  const auto id = connections_.front().id;
  connections_.pop_front();
  return id;
}

HttpConnections::Place HttpConnections::find(Id id) {
  return std::find_if(connections_.begin(), connections_.end(),
                      [&](const Connection& one) { return one.id == id; });
}

} // namespace healthgate::observe
