#pragma once

// For tests of a server on real sockets.

#include <gtest/gtest.h>

#include "weir/http/listener.h"
#include "weir/http/server.h"

namespace weir::http {

inline async::Task<void> ServeIn(async::Context ctx, Server& server, const Listener& listener) {
  const Result<void> served = co_await server.Serve(ctx, listener);
  EXPECT_TRUE(served.has_value());
}

}  // namespace weir::http
