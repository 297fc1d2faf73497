#include "weir/async/readiness.h"

#include <cassert>
#include <cerrno>

#include <boost/asio/post.hpp>
#include <unistd.h>

namespace weir::async {
namespace {

// Edges: an event comes once for all bytes until the next ones come.
constexpr std::uint32_t kReads = EPOLLIN | EPOLLRDHUP | EPOLLET;
constexpr std::uint32_t kBothEnd = EPOLLHUP | EPOLLERR;

}  // namespace

Readiness::Readiness(boost::asio::io_context& io) : io_(io), epoll_(io), timer_(io) {}

Readiness::~Readiness() {
  if (!epoll_.is_open() && descriptor_ >= 0) ::close(descriptor_);
}

Readiness& Readiness::Laggards() {
  if (!laggards_) {
    laggards_ = std::make_unique<Readiness>(io_);
    laggards_->may_rest_ = true;
  }
  return *laggards_;
}

int Readiness::Open() {
  const int descriptor = ::epoll_create1(EPOLL_CLOEXEC);
  if (descriptor < 0) return errno;
  boost::system::error_code error;
  epoll_.assign(descriptor, error);
  if (error) {
    ::close(descriptor);
    return error.value();
  }
  descriptor_ = descriptor;
  Arm();
  return 0;
}

int Readiness::Add(int descriptor, ReadyDescriptor& owner) {
  // Tried anew for each: there may be descriptors again.
  if (descriptor_ < 0) {
    const int failed = Open();
    if (failed != 0) return failed;
  }
  epoll_event event{.events = kReads, .data = {.ptr = &owner}};
  return ::epoll_ctl(descriptor_, EPOLL_CTL_ADD, descriptor, &event) == 0 ? 0 : errno;
}

int Readiness::WatchWrites(int descriptor, ReadyDescriptor& owner) {
  epoll_event event{.events = kReads | EPOLLOUT, .data = {.ptr = &owner}};
  return ::epoll_ctl(descriptor_, EPOLL_CTL_MOD, descriptor, &event) == 0 ? 0 : errno;
}

void Readiness::Forget(int descriptor, const ReadyDescriptor& owner) noexcept {
  // Closing alone does not end it while a duplicate of the descriptor is open.
  ::epoll_ctl(descriptor_, EPOLL_CTL_DEL, descriptor, nullptr);
  for (int i = next_; i < count_; ++i) {
    epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.ptr == &owner) event.data.ptr = nullptr;
  }
}

void Readiness::Arm() {
  epoll_.async_wait(decltype(epoll_)::wait_read, [this](const boost::system::error_code& error) {
    if (!error) Look();
  });
}

void Readiness::Rest(std::chrono::milliseconds time) {
  // Asio would wake for each event though nobody waits for it there.
  if (epoll_.is_open()) (void)epoll_.release();
  timer_.expires_after(time);
  timer_.async_wait([this](const boost::system::error_code& error) {
    if (!error) Look();
  });
}

// While each look finds something, and comes soon upon the one before, the next one waits.
void Readiness::Look() {
  int heard = WakeReady();
  if (!may_rest_) return Arm();
  for (int i = 1; i < kMostBatches && heard == kBatch; ++i) heard = WakeReady();
  if (heard == kBatch) return Rest({});
  const SteadyClock::time_point before = std::exchange(looked_, SteadyClock::now());
  if (heard > 0 && looked_ - before < 2 * kRest) return Rest(kRest);
  boost::system::error_code error;
  if (!epoll_.is_open()) epoll_.assign(descriptor_, error);
  // Without room in Asio's set there is still the timer.
  if (error) return Rest(kRest);
  Arm();
}

// What does not fit into one batch makes the next turn of the loop come at once.
int Readiness::WakeReady() {
  const int heard = ::epoll_wait(descriptor_, events_.data(), kBatch, 0);
  count_ = heard;
  for (next_ = 0; next_ < count_; ++next_) {
    const epoll_event& event = events_[static_cast<std::size_t>(next_)];
    // Who goes on may close others, or the one that is told.
    const auto owner = [&event] { return static_cast<ReadyDescriptor*>(event.data.ptr); };
    if (owner() != nullptr) owner()->Hear(event.events);
    if (owner() != nullptr) owner()->Wake(ReadyDescriptor::Side::kRead);
    if (owner() != nullptr) owner()->Wake(ReadyDescriptor::Side::kWrite);
  }
  count_ = 0;
  return heard;
}

ReadyDescriptor::ReadyDescriptor(Readiness& readiness, int descriptor)
    : home_(readiness), heard_by_(&readiness), descriptor_(descriptor) {
  failure_ = home_.Add(descriptor_, *this);
  if (failure_ == 0) return;
  ::close(descriptor_);
  descriptor_ = -1;
}

ReadyDescriptor::Wait::~Wait() {
  if (of_ != nullptr && of_->waiting_[Index(side_)] == this) of_->waiting_[Index(side_)] = nullptr;
}

void ReadyDescriptor::Wait::await_suspend(std::coroutine_handle<> awaiting) {
  assert(of_->waiting_[Index(side_)] == nullptr);
  awaiting_ = awaiting;
  of_->waiting_[Index(side_)] = this;
  if (side_ == Side::kRead || of_->watches_writes_) return;
  of_->watches_writes_ = true;
  const int failed = of_->heard_by_->WatchWrites(of_->descriptor_, *of_);
  if (failed != 0) of_->Close();
}

void ReadyDescriptor::MayLag(bool may) {
  Readiness& next = may ? home_.Laggards() : home_;
  if (descriptor_ < 0 || heard_by_ == &next) return;
  // Both hear of it for a moment, so that nothing gets lost. Where that cannot be, all stays.
  if (next.Add(descriptor_, *this) != 0) return;
  if (watches_writes_) (void)next.WatchWrites(descriptor_, *this);
  std::exchange(heard_by_, &next)->Forget(descriptor_, *this);
}

void ReadyDescriptor::Hear(std::uint32_t events) {
  const auto hear = [&](Side side, std::uint32_t ready, std::uint32_t ends) {
    if ((events & ends) != 0) ended_[Index(side)] = true;
    if ((events & (ready | ends)) != 0) ready_[Index(side)] = true;
  };
  hear(Side::kRead, EPOLLIN, kBothEnd | EPOLLRDHUP);
  hear(Side::kWrite, EPOLLOUT, kBothEnd);
}

void ReadyDescriptor::Wake(Side side) {
  if (!ready_[Index(side)]) return;
  Wait* wait = std::exchange(waiting_[Index(side)], nullptr);
  if (wait != nullptr) wait->awaiting_.resume();
}

void ReadyDescriptor::Close() noexcept {
  if (descriptor_ < 0) return;
  heard_by_->Forget(descriptor_, *this);
  ::close(std::exchange(descriptor_, -1));
  for (Wait*& waiting : waiting_) {
    Wait* wait = std::exchange(waiting, nullptr);
    if (wait == nullptr) continue;
    wait->of_ = nullptr;
    boost::asio::post(home_.epoll_.get_executor(),
                      [awaiting = wait->awaiting_] { awaiting.resume(); });
  }
}

}  // namespace weir::async
