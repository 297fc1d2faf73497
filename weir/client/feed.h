#pragma once

// Feed: the way of a stream's pieces from its loop to the thread that reads them.

#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "weir/async/wait.h"
#include "weir/client/core.h"
#include "weir/model/engine.h"

namespace weir::client {

struct Feed : std::enable_shared_from_this<Feed> {
  explicit Feed(std::size_t most_pieces) : most(most_pieces) {}

  // The reader's thread.
  Result<void> WaitForAcceptance();
  // Waits for pieces and takes all there are; false once there will be none: `end` is set.
  bool Take(std::vector<model::Delta>& pieces);
  void HangUp();

  // The loop.
  void Accept();
  bool Put(model::Delta piece);  // false: it is full, wait for room
  void End(Result<model::Reply> result);

  const std::size_t most;
  LoopThread* loop = nullptr;  // set before anybody reads; outlives the feed's use

  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  std::vector<model::Delta> ready;
  bool accepted = false;
  bool full = false;
  std::optional<Result<model::Reply>> end;

  // Of the task that fills it, on its loop; null when it does not run or does not wait.
  async::Cancellation* filling = nullptr;
  async::WaitPoint* room = nullptr;
};

// Asks, and returns the feed once the server has accepted the question.
Result<std::shared_ptr<Feed>> OpenFeed(Core& core, Prompt prompt, const CallOptions& options);

}  // namespace weir::client
