#include "weir/sim/request_log.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "weir/base/clock.h"
#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/writer.h"

namespace weir::sim {
namespace {

std::string AsUtf8(std::string_view bytes) {
  if (IsUtf8(bytes)) return std::string(bytes);
  std::string out;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x80) out += static_cast<char>(0xc0 | (byte >> 6));
    out += byte < 0x80 ? c : static_cast<char>(0x80 | (byte & 0x3f));
  }
  return out;
}

// The value of a header as a person may see it. Its name decides, too.
std::string Shown(std::string_view name, std::string_view value) {
  const std::string line = StrCat(name, ": ", value);
  std::string safe = Redact(line);
  const std::size_t begin = name.size() + 2;
  if (safe.size() >= begin && safe.starts_with(std::string_view(line).substr(0, begin))) {
    return safe.substr(begin);
  }
  return RedactValue(value);  // the name itself looks like a secret
}

// `lines` are "Name: value\r\n"; a name has no colon.
void WriteHeaders(std::string_view lines, std::vector<std::string>& redacted, json::Writer& out) {
  out.BeginArray();
  while (!lines.empty()) {
    const std::string_view line = lines.substr(0, lines.find("\r\n"));
    lines.remove_prefix(line.size() + 2);
    const std::size_t colon = line.find(':');
    const std::string name(line.substr(0, colon));
    const std::string_view value = line.substr(colon + 2);
    const std::string shown = Shown(name, value);
    if (shown != value) redacted.push_back(Redact(name));
    out.BeginArray();
    out.String(Redact(name));
    out.String(AsUtf8(shown));
    out.EndArray();
  }
  out.EndArray();
}

}  // namespace

void RequestLog::Add(const http::RequestHead& head, std::string_view body,
                     std::int64_t wall_nanos) {
  if (options_.entries == 0) return;
  const std::string_view lines = head.headers.lines();
  auto entry = std::make_shared<Entry>();
  entry->wall_nanos = wall_nanos;
  entry->method = head.method.size();
  entry->target = head.target.size();
  entry->headers = lines.size();
  const std::size_t size = head.method.size() + head.target.size() + lines.size() + body.size();
  if (size <= options_.bytes) {
    entry->text.reserve(size);
    entry->text.append(head.method).append(head.target).append(lines).append(body);
  }
  Shared oldest;  // freed behind the lock
  const std::lock_guard lock(mutex_);
  entry->number = ++received_;
  if (size > options_.bytes) return;
  while (!entries_.empty() &&
         (entries_.size() >= options_.entries || bytes_ > options_.bytes - size)) {
    bytes_ -= entries_.front()->text.size();
    oldest = std::move(entries_.front());
    entries_.pop_front();
  }
  bytes_ += size;
  entries_.push_back(std::move(entry));
}

std::string RequestLog::Json(std::size_t last) const {
  std::vector<Shared> shown;
  {
    const std::lock_guard lock(mutex_);
    const auto count = static_cast<std::ptrdiff_t>(std::min(last, entries_.size()));
    shown.assign(entries_.end() - count, entries_.end());
  }
  std::string out;
  json::Writer json(out);
  json.BeginArray();
  for (const Shared& entry : shown) Write(*entry, json);
  json.EndArray();
  return out;
}

void RequestLog::Write(const Entry& entry, json::Writer& out) {
  const std::string_view text = entry.text;
  const std::string_view target = text.substr(entry.method, entry.target);
  const std::string_view body = text.substr(entry.method + entry.target + entry.headers);
  const std::string safe_target = Redact(target);
  std::vector<std::string> redacted;
  out.BeginObject();
  out.PlainKey("number");
  out.Uint(entry.number);
  out.Field("time", FormatWallTime(entry.wall_nanos));
  out.Field("method", text.substr(0, entry.method));
  out.Field("target", AsUtf8(safe_target));
  out.PlainKey("headers");
  WriteHeaders(text.substr(entry.method + entry.target, entry.headers), redacted, out);
  if (IsUtf8(body)) {
    out.Field("body", body);
  } else {
    out.Field("body_base64", Base64Encode(body));
  }
  if (safe_target != target) redacted.emplace_back("target");
  if (!redacted.empty()) {
    out.PlainKey("redacted");
    out.BeginArray();
    for (const std::string& name : redacted) out.String(name);
    out.EndArray();
  }
  out.EndObject();
}

void RequestLog::Clear() {
  std::deque<Shared> dropped;
  const std::lock_guard lock(mutex_);
  dropped.swap(entries_);
  bytes_ = 0;
}

std::size_t RequestLog::size() const {
  const std::lock_guard lock(mutex_);
  return entries_.size();
}

std::uint64_t RequestLog::received() const {
  const std::lock_guard lock(mutex_);
  return received_;
}

}  // namespace weir::sim
