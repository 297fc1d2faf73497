// Asks one question and prints the answer:
//
//   example_ask ENGINE QUESTION        e.g. example_ask sim "Why is the sky blue?"
//
// ENGINE is an address such as http://127.0.0.1:8000, an engine of your weir.yaml, or `sim`.

#include <cstdio>

#include "weir/weir.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: example_ask ENGINE QUESTION\n", stderr);
    return 64;
  }
  auto client = weir::Client::Open({.engine = argv[1]});
  if (!client) {
    std::fprintf(stderr, "%s\n", weir::Describe(client.error()).c_str());
    return 3;
  }
  const auto answer = client->Ask(argv[2]);
  if (!answer) {
    std::fprintf(stderr, "%s\n", weir::Describe(answer.error()).c_str());
    return 2;
  }
  std::puts(answer->c_str());
  return 0;
}
