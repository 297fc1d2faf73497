#include "weir/async/loop.h"

#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include "weir/async/readiness.h"

namespace weir::async {

Loop::Loop(Time time) : time_(time) {
  sweep_ = std::make_unique<Alarm>(*this, [this] { Sweep(); });
}

Loop::~Loop() {
  sweep_.reset();
  assert(alarms_.empty() && slots_.empty());
}

TimePoint Loop::Now() const {
  return time_ == Time::kVirtual ? virtual_now_ : std::chrono::steady_clock::now();
}

TimePoint Loop::RoughNow() const {
  if (time_ == Time::kVirtual) return virtual_now_;
  timespec now{};
  if (::clock_gettime(CLOCK_MONOTONIC_COARSE, &now) != 0) return Now();
  return TimePoint(std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec));
}

std::int64_t Loop::WallNanos() const {
  if (time_ == Time::kVirtual) return virtual_now_.time_since_epoch().count();
  return SystemClock().WallNanos();
}

Readiness& Loop::readiness() {
  if (!readiness_) readiness_ = std::make_unique<Readiness>(io_);
  return *readiness_;
}

void Loop::Post(std::move_only_function<void()> work) { boost::asio::post(io_, std::move(work)); }

void Loop::RunUntil(const bool& done) {
  // What a task waits for may come from another thread: without this the loop would ask for it
  // without a pause.
  const auto stay = boost::asio::make_work_guard(io_);
  while (!done) {
    io_.restart();
    if (time_ == Time::kReal) {
      io_.run();
      continue;
    }
    io_.poll();
    if (done) return;
    if (alarms_.empty()) {
      std::fputs("weir: internal error: every task waits and no timer is armed\n", stderr);
      std::abort();
    }
    virtual_now_ = std::max(virtual_now_, alarms_.begin()->first);
    FireDue();
  }
}

void Loop::FireDue() {
  const TimePoint now = Now();
  while (!alarms_.empty() && alarms_.begin()->first <= now) {
    Alarm* alarm = alarms_.begin()->second;
    alarm->position_.reset();
    alarms_.erase(alarms_.begin());
    alarm->callback_();
  }
}

void Loop::Schedule() {
  if (time_ == Time::kVirtual) return;
  const TimePoint next = alarms_.empty() ? kNever : alarms_.begin()->first;
  if (next >= wake_at_) return;  // an early wake-up costs less than moving the timer back
  wake_at_ = next;
  wake_.expires_at(next);
  wake_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    wake_at_ = kNever;
    FireDue();
    Schedule();
  });
}

void Loop::StartSweep() {
  if (!sweep_->armed()) sweep_->Arm(Now() + Deadline::kTick);
}

void Loop::Sweep() {
  const TimePoint now = Now();
  bool armed = false;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    if (slots_[i].at == kNever) continue;
    armed = true;
    if (slots_[i].at > now) continue;
    slots_[i].at = kNever;
    slots_[i].owner->callback_();  // may remove this slot or others: `i` is checked afresh
  }
  if (armed) StartSweep();
}

Alarm::Alarm(Loop& loop, std::move_only_function<void()> callback)
    : loop_(loop), callback_(std::move(callback)) {}

Alarm::~Alarm() { Disarm(); }

void Alarm::Arm(TimePoint at) {
  Disarm();
  if (at == kNever) return;
  position_ = loop_.alarms_.emplace(at, this);
  loop_.Schedule();
}

void Alarm::Disarm() {
  if (!position_) return;
  loop_.alarms_.erase(*position_);
  position_.reset();
}

Deadline::Deadline(Loop& loop, std::move_only_function<void()> callback)
    : loop_(loop), index_(loop.slots_.size()), callback_(std::move(callback)) {
  loop_.slots_.push_back({kNever, this});
}

Deadline::~Deadline() {
  loop_.slots_[index_] = loop_.slots_.back();
  loop_.slots_[index_].owner->index_ = index_;
  loop_.slots_.pop_back();
}

void Deadline::Set(TimePoint at) {
  loop_.slots_[index_].at = at;
  if (at != kNever) loop_.StartSweep();
}

}  // namespace weir::async
