// C++ functions as tools: the model calls them until it can answer.
//
//   example_agent ENGINE QUESTION      e.g. example_agent sim "Is it warmer in Rome or in Oslo?"

#include <cstdio>
#include <map>
#include <string>

#include "weir/weir.h"

struct Place {
  std::string city;
};
BOOST_DESCRIBE_STRUCT(Place, (), (city))

struct Weather {
  std::string sky;
  double degrees = 0;
};
BOOST_DESCRIBE_STRUCT(Weather, (), (sky, degrees))

// What it fails with is told to the model, which may then ask for another place.
static weir::Result<Weather> WeatherOf(const Place& place) {
  static const std::map<std::string, Weather> known = {{"Rome", {"clear", 24.5}},
                                                       {"Oslo", {"rain", 11}}};
  const auto found = known.find(place.city);
  if (found != known.end()) return found->second;
  return weir::Fail(weir::Code::kInvalidRequest, "there is no station; try Rome or Oslo");
}

static int Complain(const weir::Error& error) {
  std::fprintf(stderr, "%s\n", weir::Describe(error).c_str());
  return 2;
}

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: example_agent ENGINE QUESTION\n", stderr);
    return 64;
  }
  auto client = weir::Client::Open({.engine = argv[1]});
  if (!client) return Complain(client.error());

  const weir::ToolBox tools = {
      weir::Tool::Of("weather", "The weather in a city, now.", WeatherOf),
      weir::Tool::Of("today", "The day of the week.", [] { return "Tuesday"; }),
  };
  const auto tell = [](const weir::model::ToolCall& call, const weir::Result<std::string>& result) {
    std::printf("%s(%s) -> %s\n", call.name.c_str(), call.arguments.c_str(),
                result ? result->c_str() : result.error().message.c_str());
  };
  const auto run = client->Run(argv[2], tools, {.max_turns = 6, .on_tool = tell});
  if (!run) return Complain(run.error());
  std::printf("%s\n(%d turns, %d calls)\n", run->reply.text().c_str(), run->turns, run->calls);
  return 0;
}
