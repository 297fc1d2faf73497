#include "weir/http/resolve.h"

#include <memory>

#include <boost/asio/ip/tcp.hpp>

#include "weir/async/completion.h"
#include "weir/async/wait.h"
#include "weir/base/text.h"

namespace weir::http {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

using Resolver = tcp::resolver::rebind_executor<async::Executor>::other;
using Found = Resolver::results_type;

// One question to the system's resolver. It cannot be interrupted, so whoever gives up leaves it
// behind, to be forgotten when it ends.
struct Lookup {
  explicit Lookup(async::Loop& loop) : resolver(loop.io()) {}

  Resolver resolver;
  boost::system::error_code error;
  Found found;
  async::WaitPoint* answer = nullptr;
};

}  // namespace

async::Task<Result<Endpoints>> Resolve(async::Context ctx, std::string host, std::uint16_t port) {
  boost::system::error_code not_literal;
  const asio::ip::address address = asio::ip::make_address(host, not_literal);
  if (!not_literal) co_return Endpoints{tcp::endpoint(address, port)};

  const auto lookup = std::make_shared<Lookup>(*ctx.loop);
  async::WaitPoint answer(ctx);
  lookup->answer = &answer;
  lookup->resolver.async_resolve(host, std::to_string(port),
                                 [lookup](boost::system::error_code error, Found found) {
                                   lookup->error = error;
                                   lookup->found = std::move(found);
                                   if (lookup->answer != nullptr) lookup->answer->Notify();
                                 });
  const async::Wake wake = co_await answer.Wait();
  lookup->answer = nullptr;
  if (wake == async::Wake::kCancelled) co_return Fail(async::CancelledError());
  if (wake == async::Wake::kDeadline) co_return Fail(async::TotalTimeoutError(ctx));
  if (lookup->error || lookup->found.empty()) {
    co_return Fail(Code::kConnectionError,
                   StrCat("cannot find the host '", host,
                          "'; check the spelling of the address and the DNS of this machine"),
                   lookup->error.message());
  }
  Endpoints endpoints;
  for (const auto& result : lookup->found) endpoints.push_back(result.endpoint());
  co_return Interleave(endpoints);
}

}  // namespace weir::http
