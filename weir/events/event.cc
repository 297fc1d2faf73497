#include "weir/events/event.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/json/writer.h"

namespace weir::events {
namespace {

// Closes with the last copy of the function that writes to it.
struct File {
  explicit File(int descriptor) : fd(descriptor) {}
  ~File() { ::close(fd); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  const int fd;
};

}  // namespace

JsonlSink::JsonlSink(const Clock& clock, Write write) : clock_(clock), write_(std::move(write)) {}

void JsonlSink::Emit(const Event& event) {
  const std::scoped_lock lock(mutex_);
  std::string line;
  json::Writer writer(line);
  writer.BeginObject();
  writer.Field("ts", FormatWallTime(clock_.WallNanos()));
  writer.Key("seq");
  writer.Uint(++seq_);
  writer.Field("event", event.name);
  for (const auto& [name, value] : event.fields) writer.Field(name, json::View(value));
  writer.EndObject();
  line = Redact(line);
  line += '\n';
  write_(line);
}

void JsonlSink::OnSpanStart(const SpanRecord& span) {
  Event event{.name = "span.start"};
  event.fields.emplace_back("span", json::Value::Of(span.name));
  event.fields.emplace_back("id", json::Value::Of(span.id));
  event.fields.emplace_back("parent", json::Value::Of(span.parent));
  Emit(event);
}

void JsonlSink::OnSpanEnd(const SpanRecord& span) {
  const std::chrono::duration<double, std::milli> duration = span.end - span.start;
  Event event{.name = "span.end"};
  event.fields.emplace_back("span", json::Value::Of(span.name));
  event.fields.emplace_back("id", json::Value::Of(span.id));
  event.fields.emplace_back("duration_ms", json::Value::Of(duration.count()));
  if (!span.detail.empty()) event.fields.emplace_back("detail", json::Value::Of(span.detail));
  if (span.error != nullptr) {
    event.fields.emplace_back("error", json::Value::Of(Name(*span.error)));
    event.fields.emplace_back("message", json::Value::Of(span.error->message));
  }
  Emit(event);
}

Result<std::unique_ptr<JsonlSink>> OpenJsonl(const Clock& clock, const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) {
    return Fail(Code::kIoError, StrCat("cannot write events to ", path), std::strerror(errno));
  }
  const auto file = std::make_shared<File>(fd);
  return std::make_unique<JsonlSink>(clock, [file](std::string_view line) {
    // A full disk must not stop the work that is being reported on.
    while (!line.empty()) {
      const ssize_t written = ::write(file->fd, line.data(), line.size());
      if (written <= 0) return;
      line.remove_prefix(static_cast<std::size_t>(written));
    }
  });
}

}  // namespace weir::events
