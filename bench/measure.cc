#include "bench/measure.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <limits>

#include <sys/resource.h>

namespace weir::bench {
namespace {

double Microseconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_usec);
}

double Quantile(std::vector<float>& values, double share) {
  if (values.empty()) return 0;
  const auto rank = static_cast<std::ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), values.begin() + rank, values.end());
  return values[static_cast<std::size_t>(rank)];
}

}  // namespace

Flags::Flags(int argc, char** argv) {
  int at = 1;
  if (at < argc && !std::string_view(argv[at]).starts_with("--")) mode_ = argv[at++];
  for (; at < argc; at += 2) {
    const std::string_view name = argv[at];
    if (!name.starts_with("--") || at + 1 == argc) Die("flags come as --name value");
    values_[std::string(name.substr(2))] = argv[at + 1];
  }
}

std::size_t Flags::Number(const std::string& name, std::size_t fallback) {
  const std::string text = Text(name, "");
  if (text.empty()) return fallback;
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) Die("--" + name + ": no number");
  return value;
}

std::string Flags::Text(const std::string& name, std::string fallback) {
  const auto node = values_.extract(name);
  return node.empty() ? std::move(fallback) : std::move(node.mapped());
}

void Flags::RefuseOthers() const {
  if (!values_.empty()) Die("unknown flag --" + values_.begin()->first);
}

void Die(std::string_view why) {
  std::fprintf(stderr, "bench: %.*s\n", static_cast<int>(why.size()), why.data());
  std::exit(1);
}

void RaiseFileLimit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) Die("cannot raise the limit of open files");
}

CpuTime CpuNow() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return {.user_us = Microseconds(usage.ru_utime), .system_us = Microseconds(usage.ru_stime)};
}

std::size_t RssKibNow() {
  std::ifstream status("/proc/self/status");
  for (std::string word; status >> word;) {
    std::size_t kib = 0;
    if (word == "VmRSS:" && status >> kib) return kib;
    status.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return 0;
}

void Print(Outcome outcome) {
  const auto units = static_cast<double>(outcome.events > 0 ? outcome.events : outcome.requests);
  const double seconds = std::chrono::duration<double>(outcome.wall).count();
  const double reads = static_cast<double>(std::max<std::size_t>(outcome.reads, 1));
  const double rss = static_cast<double>(outcome.rss_kib);
  std::printf(
      "{\"mode\":\"%s\",\"connections\":%zu,\"requests\":%zu,\"events\":%zu,\"cpu_us\":%.3f,"
      "\"user_us\":%.3f,\"wall_s\":%.3f,\"per_second\":%.0f,\"p50_us\":%.1f,\"p99_us\":%.1f,"
      "\"events_per_read\":%.2f,\"rss_kib_per_stream\":%.2f}\n",
      outcome.mode.c_str(), outcome.connections, outcome.requests, outcome.events,
      (outcome.cpu.user_us + outcome.cpu.system_us) / units, outcome.cpu.user_us / units, seconds,
      units / seconds, Quantile(outcome.latencies_us, 0.5), Quantile(outcome.latencies_us, 0.99),
      outcome.reads == 0 ? 0 : static_cast<double>(outcome.events) / reads,
      outcome.events == 0 ? 0 : rss / static_cast<double>(outcome.connections));
}

}  // namespace weir::bench
