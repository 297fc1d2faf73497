#include <cstdio>

#include <weir/weir.h>

int main(int argc, char** argv) {
  auto client = weir::Client::Open({.engine = argc > 1 ? argv[1] : "sim"});
  if (!client) return 3;
  const auto answer = client->Ask("Why is the sky blue?");
  std::puts(answer ? answer->c_str() : answer.error().message.c_str());
  return answer ? 0 : 2;
}
