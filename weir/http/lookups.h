#pragma once

// Lookups: questions to the system's resolver, which blocks and cannot be interrupted. They are
// asked by threads that nobody waits for: whoever gives up goes on at once, and so does a program
// that ends, however long the name server is silent.

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/ip/address.hpp>

#include "weir/async/context.h"

namespace weir::http {

class Lookups {
 public:
  struct Found {
    std::vector<boost::asio::ip::address> addresses;
    std::string error;  // in the resolver's words; empty if there was none
  };
  // Blocks, on any thread. It may still run when the Lookups are gone.
  using Ask = std::function<Found(const std::string& host)>;

  static constexpr std::size_t kMostThreads = 16;

  // More questions than threads wait for their turn.
  explicit Lookups(Ask ask, std::size_t most_threads = kMostThreads);
  ~Lookups();
  Lookups(const Lookups&) = delete;
  Lookups& operator=(const Lookups&) = delete;

  // Those of this process, with the system's resolver.
  static Lookups& OfSystem();

  // Who asks for a name that is being looked up waits for the same answer, so that a name that
  // hangs has one thread. Fails with kTimeout or kCancelled when `ctx` ends. Thread-safe.
  async::Task<Result<Found>> Find(async::Context ctx, std::string host);

 private:
  class State;

  const std::shared_ptr<State> state_;  // shared with the threads
};

}  // namespace weir::http
