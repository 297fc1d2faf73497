#include "weir/base/log.h"

#include <string>
#include <utility>

#include "weir/base/redact.h"
#include "weir/base/text.h"

namespace weir {
namespace {

constexpr char kHex[] = "0123456789abcdef";

void AppendEscaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      out += "\\n";
    } else if (c == '\r') {
      out += "\\r";
    } else if (c == '\t') {
      out += "\\t";
    } else if (byte < 0x20 || byte == 0x7F) {
      StrAppend(out, "\\x", kHex[byte >> 4], kHex[byte & 15]);
    } else {
      out += c;
    }
  }
}

}  // namespace

Log::Log(Sink sink, LogLevel level) : sink_(std::move(sink)), level_(level) {}

void Log::Error(std::string_view message) const { Write(LogLevel::kError, "error", message); }

void Log::Warn(std::string_view message) const { Write(LogLevel::kWarning, "warning", message); }

void Log::Info(std::string_view message) const { Write(LogLevel::kInfo, "info", message); }

void Log::Debug(std::string_view message) const { Write(LogLevel::kDebug, "debug", message); }

void Log::Write(LogLevel level, std::string_view word, std::string_view message) const {
  if (!Enabled(level)) return;
  std::string line = StrCat("weir: ", word, ": ");
  AppendEscaped(line, Redact(message));
  sink_(line);
}

}  // namespace weir
