#pragma once

// What every load program here shares: its flags, what it measures of itself, and the one line of
// JSON it ends with. All of them use the same prompt and report in the same units, so that
// report.py can divide one by another.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace weir::bench {

inline constexpr std::string_view kModel = "bench-model";
inline constexpr std::string_view kPrompt =
    "You are given a river, a dam and a mill. Say in two sentences how the dam steers the water to "
    "the mill when the river is low, and what the miller has to watch for when it is high.";

// Around the content events of a stream: the role, the finish reason, the usage and [DONE].
inline constexpr std::size_t kFramingEvents = 4;

// `PROGRAM MODE --name value ...`; MODE may be absent. A flag nobody asked about ends the program
// with a sentence, and so does anything else that makes the command line senseless.
class Flags {
 public:
  Flags(int argc, char** argv);

  const std::string& mode() const { return mode_; }
  std::size_t Number(const std::string& name, std::size_t fallback);
  std::string Text(const std::string& name, std::string fallback);
  void RefuseOthers() const;

 private:
  std::string mode_;
  std::map<std::string, std::string> values_;
};

[[noreturn]] void Die(std::string_view why);

// As many files as the hard limit allows: every stream is one.
void RaiseFileLimit();

struct CpuTime {
  double user_us = 0;
  double system_us = 0;
};
CpuTime CpuNow();         // of this process, all threads
std::size_t RssKibNow();  // VmRSS

// What a run was asked to do and what came of it.
struct Outcome {
  std::string mode;
  std::size_t connections = 0;
  std::size_t requests = 0;
  std::size_t events = 0;   // streams only; framing events included
  std::size_t reads = 0;    // reads that brought bytes; 0: not counted
  std::size_t rss_kib = 0;  // grown until every stream had its first event
  CpuTime cpu;              // spent, connecting included
  std::chrono::nanoseconds wall{};
  std::vector<float> latencies_us;  // of requests, in any order
};

// Prints the line. CPU time is per event when there are events, per request otherwise.
void Print(Outcome outcome);

}  // namespace weir::bench
