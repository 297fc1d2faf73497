#pragma once

// How a task awaits one of Asio's operations:
//   const auto [error, count] = co_await socket.async_read_some(buffer, async::kAwait);
// What the operation completes with comes back as a tuple, an error code among it: nothing throws.

#include <coroutine>
#include <optional>
#include <tuple>
#include <utility>

#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>

namespace weir::async {

using Executor = boost::asio::io_context::executor_type;

struct Await {};
inline constexpr Await kAwait;

namespace internal {

// Lives in the frame of the awaiting task until the operation has completed, which it does even
// when it is aborted; the loop outlives it.
template <class Begin, class... Values>
class Operation {
 public:
  explicit Operation(Begin begin) : begin_(std::move(begin)) {}

  bool await_ready() const noexcept { return false; }

  void await_suspend(std::coroutine_handle<> awaiting) {
    awaiting_ = awaiting;
    begin_([this](Values... values) {
      values_.emplace(std::move(values)...);
      awaiting_.resume();
    });
  }

  std::tuple<Values...> await_resume() { return *std::move(values_); }

 private:
  Begin begin_;
  std::coroutine_handle<> awaiting_;
  std::optional<std::tuple<Values...>> values_;
};

}  // namespace internal
}  // namespace weir::async

template <class... Values>
class boost::asio::async_result<weir::async::Await, void(Values...)> {
 public:
  template <class Initiation, class... Args>
  static auto initiate(Initiation initiation, weir::async::Await, Args... args) {
    auto begin = [initiation = std::move(initiation),
                  ... args = std::move(args)](auto handler) mutable {
      std::move(initiation)(std::move(handler), std::move(args)...);
    };
    return weir::async::internal::Operation<decltype(begin), Values...>(std::move(begin));
  }
};
