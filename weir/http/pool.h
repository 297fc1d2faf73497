#pragma once

// Pool: the keep-alive connections of one loop. The connection that was used last is handed out
// first, so that the others can grow old and be closed.

#include <atomic>
#include <cstddef>
#include <deque>
#include <list>
#include <memory>
#include <string>
#include <unordered_map>

#include "weir/async/wait.h"
#include "weir/http/dialer.h"

namespace weir::http {

struct PoolOptions {
  // An idle connection older than this is closed. Below the 5 s after which vLLM closes its side.
  Duration idle_expiry = std::chrono::seconds(4);
  std::size_t max_per_origin = 8192;  // open connections to one origin; one more call waits
  std::size_t max_total = 16384;      // open connections of this loop; one more call waits
  std::size_t max_connecting = 128;   // that are being made at once; spares memory and backlogs
};

class Pool {
 public:
  // A connection that counts against the limits until it is handed back: with Return() to be kept
  // for the next request, with Discard() to be closed.
  struct Lease {
    Connection connection;
    std::unique_ptr<char[]> buffer;  // for reading; kept so that a request need not make one
    std::size_t buffer_size = 0;
    std::uint64_t bytes_written = 0;  // over the life of the connection
    bool reused = false;
    std::string key;
  };

  Pool(async::Loop& loop, Dialer& dialer, PoolOptions options);
  ~Pool();
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  // An idle connection that is still good, or null; also null while others wait for one.
  std::unique_ptr<Lease> TakeIdle(const Origin& origin);

  enum class Reuse : std::uint8_t { kAllowed, kFresh };

  // An idle connection or a new one. Waits (on the clock `connect`) when a limit is reached.
  // `origin` must outlive the task.
  async::Task<Result<std::unique_ptr<Lease>>> Take(async::Context ctx, const Origin& origin,
                                                   Duration connect_timeout, Reuse reuse);
  void Return(std::unique_ptr<Lease> lease);
  void Discard(std::unique_ptr<Lease> lease);

  std::size_t open() const { return open_; }  // any thread
  std::size_t idle() const { return idle_; }

 private:
  struct Idle {
    std::unique_ptr<Lease> lease;
    TimePoint since;
  };
  struct PerOrigin {
    std::deque<Idle> idle;  // oldest first
    std::size_t open = 0;
  };

  // A place in the queue, kept until its call has got what it waits for or has given up.
  struct Waiter {
    const std::string* key;
    async::WaitPoint* point = nullptr;  // null once told that there is room
  };

  // Waits its turn for room, or for a connection that came back. Fails when `give_up` is past.
  async::Task<Result<void>> WaitForRoom(async::Context ctx, Waiter& waiter,
                                        Duration connect_timeout, TimePoint give_up);
  std::unique_ptr<Lease> PopIdle(const std::string& key);
  bool OthersFirst() const;
  bool MakeRoom(PerOrigin& origin);
  bool HasRoom(const std::string& key) const;
  void CloseOldest(PerOrigin& origin);
  void CloseExpired();
  void Freed(const std::string& key);
  void TellOne();

  async::Loop& loop_;
  Dialer& dialer_;
  const PoolOptions options_;
  std::unordered_map<std::string, PerOrigin> origins_;
  std::list<Waiter> waiting_;
  std::atomic<std::size_t> open_ = 0;
  std::size_t idle_ = 0;
  std::size_t connecting_ = 0;
  async::Deadline expiry_;
};

}  // namespace weir::http
