#pragma once

// The operator's log: one line per thing worth saying. What a run did is told by events, not here.

#include <cstdint>
#include <functional>
#include <string_view>

namespace weir {

enum class LogLevel : std::uint8_t { kError, kWarning, kInfo, kDebug };

// Writes lines such as "weir: warning: weir.yaml:7: ...": redacted, control characters escaped, so
// that a message is one line whatever it quotes. Messages above the level cost one comparison.
class Log {
 public:
  // Gets each line without a newline at its end. Called on the thread that logs: a sink shared by
  // several threads does its own locking.
  using Sink = std::function<void(std::string_view line)>;

  explicit Log(Sink sink, LogLevel level = LogLevel::kWarning);

  void Error(std::string_view message) const;
  void Warn(std::string_view message) const;
  void Info(std::string_view message) const;
  void Debug(std::string_view message) const;

  // For messages that are expensive to put together.
  bool Enabled(LogLevel level) const { return level <= level_; }

 private:
  void Write(LogLevel level, std::string_view word, std::string_view message) const;

  const Sink sink_;
  const LogLevel level_;
};

}  // namespace weir
