// Prints an answer as it comes, and leaves it when it has become long enough: the server is told,
// and stops writing.
//
//   example_stream ENGINE QUESTION [MOST_CHARACTERS]

#include <cstdio>
#include <cstdlib>

#include "weir/weir.h"

static int Complain(const weir::Error& error) {
  std::fprintf(stderr, "%s\n", weir::Describe(error).c_str());
  return 2;
}

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: example_stream ENGINE QUESTION [MOST_CHARACTERS]\n", stderr);
    return 64;
  }
  const std::size_t most = argc > 3 ? std::strtoul(argv[3], nullptr, 10) : 100'000;
  auto client = weir::Client::Open({.engine = argv[1]});
  if (!client) return Complain(client.error());

  auto stream = client->Stream(argv[2]);
  if (!stream) return Complain(stream.error());
  std::size_t seen = 0;
  for (const auto& piece : *stream) {
    std::fputs(piece.text.c_str(), stdout);
    std::fflush(stdout);
    seen += piece.text.size();
    if (seen >= most) break;
  }
  std::puts("");

  const auto& reply = stream->reply();
  if (reply) {
    std::printf("(%lld tokens)\n",
                static_cast<long long>(reply->usage.completion_tokens.value_or(0)));
    return 0;
  }
  if (reply.error().code != weir::Code::kCancelled) return Complain(reply.error());
  std::puts("(that is enough)");
  return 0;
}
