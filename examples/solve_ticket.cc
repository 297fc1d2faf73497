// One server, several experts: a support ticket is classified, and its class picks the LoRA adapter
// that answers it. solve_ticket.sh does the same with the command line alone.
//
//   example_solve_ticket ENGINE TICKET
//
//   weir sim --listen 127.0.0.1:8000 --instant --adapter billing-lora --adapter network-lora &
//   example_solve_ticket http://127.0.0.1:8000 "I was charged twice in May."

#include <cstdio>
#include <map>
#include <string>

#include "weir/weir.h"

static int Complain(const weir::Error& error) {
  std::fprintf(stderr, "%s\n", weir::Describe(error).c_str());
  return 2;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: example_solve_ticket ENGINE TICKET\n", stderr);
    return 64;
  }
  // Which expert a class has; the base model answers what is left.
  const std::map<std::string, std::string> experts = {
      {"billing", "billing-lora"}, {"network", "network-lora"}, {"other", ""}};
  auto client = weir::Client::Open({.engine = argv[1]});
  if (!client) return Complain(client.error());

  const std::string ticket = argv[2];
  const auto kind =
      client->Classify("What is this ticket about?\n\n" + ticket, {"billing", "network", "other"});
  if (!kind) return Complain(kind.error());

  const std::string& adapter = experts.at(*kind);
  const auto solution = client->Call(
      ticket, {.adapter = adapter, .system = "Solve the customer's problem in a few steps."});
  if (!solution) return Complain(solution.error());
  std::printf("[%s, %s]\n%s\n", kind->c_str(), adapter.empty() ? "base model" : adapter.c_str(),
              solution->text().c_str());
  return 0;
}
