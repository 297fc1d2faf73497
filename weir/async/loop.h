#pragma once

// Loop: one thread's event loop, its clock and its timers. Objects belong to their loop; other
// threads reach it only through Post(). With virtual time nothing ever sleeps: when nothing is
// ready the clock jumps to the next timer, so tests of an hour take a millisecond (and must use
// in-memory streams, since a socket's readiness is not on that clock).

#include <cstddef>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "weir/async/task.h"
#include "weir/base/clock.h"

namespace weir::async {

class Loop final : public Clock {
 public:
  enum class Time { kReal, kVirtual };

  explicit Loop(Time time = Time::kReal);
  ~Loop() override;
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  TimePoint Now() const override;
  std::int64_t WallNanos() const override;
  // Now(), or a few milliseconds before it, for a fraction of its price: enough for what a Deadline
  // is set to.
  TimePoint RoughNow() const;

  // Runs the loop until `task` ends and returns its value. An exception that leaves the task is a
  // bug and leaves Run() too.
  template <class T>
  T Run(Task<T> task);

  // Any thread: `work` runs on the loop, after what is already queued.
  void Post(std::move_only_function<void()> work);

  boost::asio::io_context& io() { return io_; }
  class Readiness& readiness();

 private:
  friend class Alarm;
  friend class Deadline;
  using Alarms = std::multimap<TimePoint, class Alarm*>;
  struct Slot {
    TimePoint at;
    class Deadline* owner;
  };

  void RunUntil(const bool& done);
  void FireDue();
  void Schedule();
  void StartSweep();
  void Sweep();

  // One thread runs this loop and does its I/O; only Post() comes from others.
  boost::asio::io_context io_{BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO};
  const Time time_;
  TimePoint virtual_now_{};
  Alarms alarms_;
  boost::asio::steady_timer wake_{io_};
  TimePoint wake_at_ = kNever;
  std::vector<Slot> slots_;
  std::unique_ptr<class Alarm> sweep_;
  std::unique_ptr<Readiness> readiness_;  // made by its first descriptor
};

// Calls back once at a point in time, to the precision of the operating system's timer. Belongs to
// the loop's thread; destroying it disarms it.
class Alarm {
 public:
  Alarm(Loop& loop, std::move_only_function<void()> callback);
  ~Alarm();
  Alarm(const Alarm&) = delete;
  Alarm& operator=(const Alarm&) = delete;

  void Arm(TimePoint at);  // kNever disarms
  void Disarm();
  bool armed() const { return position_.has_value(); }

 private:
  friend class Loop;
  Loop& loop_;
  std::move_only_function<void()> callback_;
  std::optional<std::multimap<TimePoint, Alarm*>::iterator> position_;
};

// Calls back some milliseconds after a point in time. Moving it is a single store, which is what a
// timeout that is renewed on every read needs: all deadlines of a loop are swept on one coarse
// tick.
class Deadline {
 public:
  static constexpr Duration kTick = std::chrono::milliseconds(20);

  Deadline(Loop& loop, std::move_only_function<void()> callback);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  void Set(TimePoint at);  // kNever disarms
  TimePoint at() const { return loop_.slots_[index_].at; }

 private:
  friend class Loop;
  Loop& loop_;
  std::size_t index_;
  std::move_only_function<void()> callback_;
};

template <class T>
T Loop::Run(Task<T> task) {
  bool done = false;
  std::exception_ptr bug;
  const auto end = [&](const std::exception_ptr& its_bug) {
    bug = its_bug;
    done = true;
    io_.stop();
  };
  if constexpr (std::is_void_v<T>) {
    Start(std::move(task), end);
    RunUntil(done);
    if (bug) std::rethrow_exception(bug);
  } else {
    std::optional<T> result;
    Start(std::move(task), [&](const std::exception_ptr& its_bug, std::optional<T> value) {
      result = std::move(value);
      end(its_bug);
    });
    RunUntil(done);
    if (bug) std::rethrow_exception(bug);
    return *std::move(result);
  }
}

}  // namespace weir::async
