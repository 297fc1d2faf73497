#pragma once

// What happened, told from event lines: one readable line each, and figures over all of them.

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/value.h"
#include "weir/json/writer.h"

namespace weir::events {

// One event in words, without its time: "llm:response  fast answered in 1.8 s (first token after
// 83 ms), 1042 + 311 tokens, stop". Events that have no words of their own show their fields as
// key=value; what happened inside an agent begins with its name. One line, control characters
// escaped; it may be long.
std::string Tell(json::View event);
// The words alone, without the names of the event and of the agent.
std::string TellBriefly(json::View event);

// Milliseconds since 1970 of an event's "ts"; nullopt when it has none that can be read.
std::optional<std::int64_t> TimeOf(json::View event);

// Counts events. Memory grows by two numbers per answer.
class Statistics {
 public:
  void Add(json::View event);
  // A line that is no event.
  void AddInvalid() { ++invalid_; }

  // One JSON object, as docs/events.md describes it.
  void Write(json::Writer& out) const;
  // Tables for people.
  std::string Text() const;

 private:
  struct Engine {
    std::int64_t ok = 0;
    std::int64_t failed = 0;
    std::vector<double> durations;
    std::vector<double> first_tokens;
    std::int64_t input_tokens = 0;
    std::int64_t output_tokens = 0;
  };
  using Counts = std::map<std::string, std::int64_t, std::less<>>;

  std::int64_t Count(std::string_view event) const;

  Counts events_;
  Counts errors_;
  std::map<std::string, Engine, std::less<>> engines_;
  std::int64_t lines_ = 0;
  std::int64_t invalid_ = 0;
};

}  // namespace weir::events
