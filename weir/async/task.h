#pragma once

// Task<T>: a lazy coroutine on one loop. It is awaited once; what it needs must outlive it. Asio's
// awaitable on the concrete executor, because a type-erased one costs a microsecond per event.

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>

namespace weir::async {

using Executor = boost::asio::io_context::executor_type;

template <class T = void>
using Task = boost::asio::awaitable<T, Executor>;

}  // namespace weir::async
