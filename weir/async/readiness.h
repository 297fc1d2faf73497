#pragma once

// Descriptors that their owners read and write themselves, and that tell when to try again. Where
// Asio's reads begin with a call that finds nothing, and its waits with one that arms them, these
// sleep until the system says so: it is asked once for all that became ready meanwhile.
//
// Where many streams trickle, most of what an event costs is that the process wakes for it. Those
// that may lag are heard of together: while one wake follows upon another, the next look at them
// comes two milliseconds later.

#include <array>
#include <chrono>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <utility>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <sys/epoll.h>

#include "weir/async/completion.h"

namespace weir::async {

class ReadyDescriptor;

// The ones of a loop.
class Readiness {
 public:
  explicit Readiness(boost::asio::io_context& io);
  ~Readiness();
  Readiness(const Readiness&) = delete;
  Readiness& operator=(const Readiness&) = delete;

 private:
  friend class ReadyDescriptor;
  using SteadyClock = std::chrono::steady_clock;
  using Timer = boost::asio::basic_waitable_timer<SteadyClock,
                                                  boost::asio::wait_traits<SteadyClock>, Executor>;
  static constexpr int kBatch = 64;
  static constexpr int kMostBatches = 16;  // of one look, before others have their turn
  // As long as a look at those that may lag is put off.
  static constexpr std::chrono::milliseconds kRest{2};

  // Those that may lag.
  Readiness& Laggards();

  // Each gives an errno, or 0.
  int Open();
  int Add(int descriptor, ReadyDescriptor& owner);
  int WatchWrites(int descriptor, ReadyDescriptor& owner);
  void Forget(int descriptor, const ReadyDescriptor& owner) noexcept;

  void Arm();
  void Rest(std::chrono::milliseconds time);
  void Look();
  int WakeReady();

  boost::asio::io_context& io_;
  int descriptor_ = -1;  // of our epoll; belongs to epoll_, and while we rest to us
  boost::asio::posix::basic_stream_descriptor<Executor> epoll_;
  Timer timer_;
  bool may_rest_ = false;
  SteadyClock::time_point looked_;
  std::unique_ptr<Readiness> laggards_;
  std::array<epoll_event, kBatch> events_;
  int next_ = 0;   // of events_: the one whose owner is told now ...
  int count_ = 0;  // ... and how many there are; an owner that is gone is null in it
};

// Owns a descriptor that does not block. The end of the peer's bytes, and a failure, make it ready.
class ReadyDescriptor {
 public:
  enum class Side : std::uint8_t { kRead, kWrite };

  ReadyDescriptor(Readiness& readiness, int descriptor);
  ~ReadyDescriptor() { Close(); }
  ReadyDescriptor(const ReadyDescriptor&) = delete;
  ReadyDescriptor& operator=(const ReadyDescriptor&) = delete;

  int get() const { return descriptor_; }   // -1: closed
  int failure() const { return failure_; }  // errno of what made it unusable from the start

  // A try moved fewer bytes than it could have, or none: the next one waits. A side that has ended
  // stays ready, since no more news will come of it. (A read that stops at urgent bytes, which
  // nobody speaks here, waits for what comes behind them.)
  void Tried(Side side) {
    if (!ended_[Index(side)]) ready_[Index(side)] = false;
  }

  // co_await Until(side): true when it is worth a try, false when it was closed, and may be gone.
  // One may wait on each side.
  class Wait {
   public:
    Wait(ReadyDescriptor& descriptor, Side side) : of_(&descriptor), side_(side) {}
    ~Wait();
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

    bool await_ready() const noexcept { return of_->descriptor_ < 0 || of_->ready_[Index(side_)]; }
    void await_suspend(std::coroutine_handle<> awaiting);
    bool await_resume() const noexcept { return of_ != nullptr && of_->descriptor_ >= 0; }

   private:
    friend class ReadyDescriptor;
    ReadyDescriptor* of_;  // null: it was closed meanwhile, and may be gone
    const Side side_;
    std::coroutine_handle<> awaiting_;
  };
  Wait Until(Side side) { return Wait(*this, side); }

  // Whether what comes may be heard of two milliseconds late, where pieces come that quickly.
  void MayLag(bool may);

  // At once; who waits goes on from the loop.
  void Close() noexcept;

 private:
  friend class Readiness;
  static constexpr std::size_t Index(Side side) { return std::to_underlying(side); }
  void Hear(std::uint32_t events);
  void Wake(Side side);

  Readiness& home_;
  Readiness* heard_by_;  // home_, or its laggards
  int descriptor_;
  int failure_ = 0;
  std::array<Wait*, 2> waiting_{};
  std::array<bool, 2> ready_{true, true};
  std::array<bool, 2> ended_{};
  bool watches_writes_ = false;
};

}  // namespace weir::async
