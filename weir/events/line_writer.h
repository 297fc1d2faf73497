#pragma once

// Lets lines wait a moment and writes them together, on a thread of its own: a call pays for the
// making of its lines, not for the writing, and a slow disk holds nobody up.

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "weir/events/event_file.h"

namespace weir::events {

class LineWriter {
 public:
  struct Options {
    Duration hold = std::chrono::milliseconds(5);  // how long a line waits for others
    std::size_t max_waiting = 4 << 20;             // bytes; while so many wait, lines are lost
  };

  LineWriter(std::shared_ptr<EventFile> file, Options options);
  // Writes what waits.
  ~LineWriter();
  LineWriter(const LineWriter&) = delete;
  LineWriter& operator=(const LineWriter&) = delete;

  // A whole line with its newline, however long; any thread. False: it is lost.
  bool Push(std::string_view line);

  // As EventFile::Wanted() said last, at most a second ago.
  bool wanted() const { return wanted_.load(std::memory_order_relaxed); }

 private:
  void Run();

  const std::shared_ptr<EventFile> file_;  // the thread's
  const Options options_;
  std::atomic<bool> wanted_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  std::string waiting_;
  bool idle_ = false;  // the thread waits for a line
  bool stop_ = false;
  std::thread thread_;
};

}  // namespace weir::events
