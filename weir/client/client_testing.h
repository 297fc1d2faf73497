#pragma once

// What the tests of the library share: a simulator behind a socket and a client of it.

#include <string>
#include <string_view>

#include "weir/client/client.h"
#include "weir/sim/sim_testing.h"

namespace weir::client {

// A client whose only engine is this server; it dies when there can be none.
Client ClientOf(const sim::SimServer& server);

// A simulator that speaks this dialect, and a client that knows its kind.
struct DialectPair {
  DialectPair(std::string_view dialect, std::string_view script);

  sim::SimServer server;
  Client client;
};

// Waits until the server has that many requests in flight.
void WaitForLoad(sim::SimServer& server, int load);

}  // namespace weir::client
