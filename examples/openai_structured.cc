// The same struct from a live OpenAI, which keeps the schema in its strict form; weir brings the
// answer back from it and checks it. Without OPENAI_API_KEY it says so and skips.
//
//   OPENAI_API_KEY=... example_openai_structured [MODEL]
//
// OPENAI_BASE_URL sends it elsewhere, for example to `weir sim --dialect openai`.

#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include "weir/weir.h"

struct Triage {
  std::string summary;
  int severity = 0;
  std::optional<std::string> component;
  std::vector<std::string> steps;
};
BOOST_DESCRIBE_STRUCT(Triage, (), (summary, severity, component, steps))

template <>
struct weir::Notes<Triage> {
  static void Describe(weir::schema::Fields<Triage>& f) {
    f(&Triage::severity).Text("1 is cosmetic, 5 is an outage").Min(1).Max(5);
  }
};

static int Complain(const weir::Error& error) {
  std::fprintf(stderr, "%s\n", weir::Describe(error).c_str());
  return 2;
}

int main(int argc, char** argv) {
  const char* const key = std::getenv("OPENAI_API_KEY");
  if (key == nullptr || *key == '\0') {
    std::puts("skipped: OPENAI_API_KEY is not set");
    return 0;
  }
  const char* const elsewhere = std::getenv("OPENAI_BASE_URL");
  weir::Env env;
  env.variables["OPENAI_API_KEY"] = key;
  env.variables["WEIR_API_KEY"] = key;
  auto client = weir::Client::Open(
      {.engine = elsewhere != nullptr ? elsewhere : "https://api.openai.com", .env = env});
  if (!client) return Complain(client.error());

  const auto triage = client->Extract<Triage>(
      "Triage this report: after the update the login page stays white for half of our users.",
      {.model = argc > 1 ? argv[1] : "gpt-4.1-mini"});
  if (!triage) return Complain(triage.error());
  std::printf("severity %d: %s\n", triage->severity, triage->summary.c_str());
  for (const std::string& step : triage->steps) std::printf("- %s\n", step.c_str());
  return 0;
}
