// A conversation: every line of the input is a turn, and the answers come as they are written.
//
//   example_chat ENGINE

#include <cstdio>
#include <iostream>
#include <string>

#include "weir/weir.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: example_chat ENGINE\n", stderr);
    return 64;
  }
  auto client = weir::Client::Open({.engine = argv[1]});
  if (!client) {
    std::fprintf(stderr, "%s\n", weir::Describe(client.error()).c_str());
    return 3;
  }
  weir::Session session =
      client->OpenSession({.run = {.call = {.system = "Answer in one sentence."}}});
  for (std::string line; std::getline(std::cin, line);) {
    auto stream = session.Stream(line);
    if (!stream) {
      std::fprintf(stderr, "%s\n", weir::Describe(stream.error()).c_str());
      continue;
    }
    for (const auto& piece : *stream) {
      std::fputs(piece.text.c_str(), stdout);
      std::fflush(stdout);
    }
    std::puts("");
    // A question whose answer broke off is forgotten: the next line goes on without it.
    if (!stream->reply()) std::fprintf(stderr, "%s\n", stream->reply().error().message.c_str());
  }
  session.Close();
  std::printf("(%zu messages)\n", session.messages().size());
  return 0;
}
