#include "weir/events/line_writer.h"

#include "weir/events/control_file.h"

namespace weir::events {
LineWriter::LineWriter(std::shared_ptr<EventFile> file, Options options)
    : file_(std::move(file)),
      options_(options),
      wanted_(file_->Wanted()),
      thread_([this] { Run(); }) {}

LineWriter::~LineWriter() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

bool LineWriter::Push(std::string_view line) {
  bool sleeps = false;
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_.size() >= options_.max_waiting) return false;
    waiting_ += line;
    sleeps = std::exchange(idle_, false);
  }
  if (sleeps) wake_.notify_one();
  return true;
}

void LineWriter::Run() {
  std::string batch;
  std::unique_lock lock(mutex_);
  while (!stop_ || !waiting_.empty()) {
    if (waiting_.empty()) {
      idle_ = true;
      wake_.wait_for(lock, kLookEvery, [this] { return stop_ || !waiting_.empty(); });
      idle_ = false;
    }
    // Others join the first line; at the end nothing is waited for.
    if (!stop_ && !waiting_.empty()) wake_.wait_for(lock, options_.hold, [this] { return stop_; });
    batch.swap(waiting_);
    lock.unlock();
    if (!batch.empty()) file_->Write(batch);
    batch.clear();
    wanted_.store(file_->Wanted(), std::memory_order_relaxed);
    lock.lock();
  }
}

}  // namespace weir::events
