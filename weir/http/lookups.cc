#include "weir/http/lookups.h"

#include <deque>
#include <mutex>
#include <thread>
#include <unordered_map>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "weir/async/wait.h"

namespace weir::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

Lookups::Found AskSystem(const std::string& host) {
  asio::io_context unused;  // the question is asked here, on this thread
  tcp::resolver resolver(unused);
  boost::system::error_code error;
  const tcp::resolver::results_type results = resolver.resolve(host, "", error);
  Lookups::Found found;
  if (error) found.error = error.message();
  for (const auto& result : results) found.addresses.push_back(result.endpoint().address());
  return found;
}

// One who waits for an answer. It belongs to its loop, but for the loop's address.
struct Waiter {
  explicit Waiter(async::Loop& its_loop) : loop(its_loop) {}

  async::Loop& loop;
  async::WaitPoint* answer = nullptr;  // null once the wait is over
  Lookups::Found found;
};

}  // namespace

class Lookups::State {
 public:
  State(Ask ask, std::size_t most_threads) : ask_(std::move(ask)), most_threads_(most_threads) {}

  // Adds one who waits for `host`. Fails when that needs a thread and there is none to be had.
  static Result<void> Join(const std::shared_ptr<State>& state, const std::string& host,
                           const std::shared_ptr<Waiter>& waiter);
  // From here on nothing is posted to the waiter's loop.
  void Leave(const std::string& host, const std::shared_ptr<Waiter>& waiter);

 private:
  using Waiters = std::vector<std::shared_ptr<Waiter>>;

  void Work();
  void Answer(const std::string& host, const Found& found);

  const Ask ask_;
  const std::size_t most_threads_;
  std::mutex mutex_;
  std::size_t threads_ = 0;
  std::deque<std::string> queue_;                   // names that nobody has begun to ask for
  std::unordered_map<std::string, Waiters> asked_;  // these and those that are being asked for
};

Result<void> Lookups::State::Join(const std::shared_ptr<State>& state, const std::string& host,
                                  const std::shared_ptr<Waiter>& waiter) {
  const std::scoped_lock lock(state->mutex_);
  const auto [question, is_new] = state->asked_.try_emplace(host);
  question->second.push_back(waiter);
  if (!is_new) return {};
  state->queue_.push_back(host);
  if (state->threads_ == state->most_threads_) return {};
  try {
    std::thread([state] { state->Work(); }).detach();
    ++state->threads_;
  } catch (const std::system_error& error) {
    if (state->threads_ > 0) return {};  // one of those will come to it
    state->queue_.pop_back();
    state->asked_.erase(question);
    return Fail(Code::kIoError, "cannot start a thread to look a name up", error.what());
  }
  return {};
}

void Lookups::State::Leave(const std::string& host, const std::shared_ptr<Waiter>& waiter) {
  const std::scoped_lock lock(mutex_);
  const auto question = asked_.find(host);
  if (question != asked_.end()) std::erase(question->second, waiter);
}

void Lookups::State::Work() {
  std::unique_lock lock(mutex_);
  while (!queue_.empty()) {
    const std::string host = std::move(queue_.front());
    queue_.pop_front();
    if (asked_[host].empty()) {  // they have all given up
      asked_.erase(host);
      continue;
    }
    lock.unlock();
    const Found found = ask_(host);
    lock.lock();
    Answer(host, found);
  }
  --threads_;
}

// Posts under the lock: a loop is there for as long as one of its waiters has not left.
void Lookups::State::Answer(const std::string& host, const Found& found) {
  const auto question = asked_.find(host);
  for (const std::shared_ptr<Waiter>& waiter : question->second) {
    waiter->loop.Post([waiter, found] {
      if (waiter->answer == nullptr) return;
      waiter->found = found;
      waiter->answer->Notify();
    });
  }
  asked_.erase(question);
}

Lookups::Lookups(Ask ask, std::size_t most_threads)
    : state_(std::make_shared<State>(std::move(ask), most_threads)) {}

Lookups::~Lookups() = default;

Lookups& Lookups::OfSystem() {
  static Lookups lookups(AskSystem);
  return lookups;
}

async::Task<Result<Lookups::Found>> Lookups::Find(async::Context ctx, std::string host) {
  if (ctx.cancelled()) co_return Fail(async::CancelledError());
  const auto waiter = std::make_shared<Waiter>(*ctx.loop);
  async::WaitPoint answer(ctx);
  waiter->answer = &answer;
  WEIR_CO_CHECK(State::Join(state_, host, waiter));
  struct Leaving {
    ~Leaving() {
      waiter->answer = nullptr;
      state.Leave(host, waiter);
    }
    State& state;
    const std::string& host;
    const std::shared_ptr<Waiter>& waiter;
  };
  const Leaving leaving{*state_, host, waiter};
  const async::Wake wake = co_await answer.Wait();
  if (wake == async::Wake::kCancelled) co_return Fail(async::CancelledError());
  if (wake == async::Wake::kDeadline) co_return Fail(async::TotalTimeoutError(ctx));
  co_return std::move(waiter->found);
}

}  // namespace weir::http
