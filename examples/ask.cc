// Asks one question and prints the answer as it comes:
//
//   example_ask ENGINE QUESTION        e.g. example_ask http://127.0.0.1:8000 "Why is the sky
//   blue?"

#include <cstdio>

#include "weir/weir.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: example_ask ENGINE QUESTION\n", stderr);
    return 64;
  }
  weir::Result<weir::Client> client =
      weir::Client::Open({.engine = argv[1], .config = {}, .env = {}});
  if (!client) {
    std::fprintf(stderr, "%s\n", weir::Describe(client.error()).c_str());
    return 3;
  }

  weir::model::Call call;
  call.messages.push_back(weir::model::Message::Text(weir::model::Role::kUser, argv[2]));
  const weir::Result<weir::model::Reply> reply =
      client->Stream(call, [](const weir::model::Delta& piece) {
        std::fputs(piece.text.c_str(), stdout);
        return std::fflush(stdout) == 0;
      });
  std::fputs("\n", stdout);
  if (!reply) {
    std::fprintf(stderr, "%s\n", weir::Describe(reply.error()).c_str());
    return 2;
  }
  return 0;
}
