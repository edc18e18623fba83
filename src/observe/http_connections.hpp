// Who is connected to metrics-listen, and who has to go for a newcomer. Idle and slow clients, however many,
// keep neither a scraper out nor descriptors from the probes: an address has a share of the places, and the
// place of a newcomer is that of the one who has been there longest. Pure.
#pragma once

#include <cstddef>
#include <list>
#include <optional>
#include <string>

namespace healthgate::observe {

struct ConnectionLimits {
  std::size_t all = 128;
  std::size_t per_address = 32;
};

class HttpConnections {
public:
  using Id = int; // the descriptor

  explicit HttpConnections(ConnectionLimits limits) : limits_(limits) {}

  // `id` has come from `address`; who has to be closed for it, if anybody. That one counts no longer.
  [[nodiscard]] std::optional<Id> add(Id id, std::string address);
  // It has asked something: now it is the youngest.
  void asked(Id id);
  void remove(Id id);
  // The oldest has to go, for want of descriptors.
  [[nodiscard]] std::optional<Id> evict();
  [[nodiscard]] std::size_t size() const { return connections_.size(); }

private:
  struct Connection {
    Id id;
    std::string address;
  };
  using Place = std::list<Connection>::iterator;

  [[nodiscard]] Place find(Id id);

  ConnectionLimits limits_;
  std::list<Connection> connections_; // oldest first
};

} // namespace healthgate::observe
