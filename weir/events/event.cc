#include "weir/events/event.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/events/event_file.h"
#include "weir/events/line_writer.h"
#include "weir/json/writer.h"

namespace weir::events {
namespace {

constexpr std::size_t kShortestKeyShape = 19;  // "sk-" and 16 characters
constexpr std::size_t kMostKept = 64 * 1024;   // of the memory of a line
constexpr std::size_t kShortText = 64;         // that may come again: a name, not what was said
constexpr std::size_t kPlaces = 4;             // where a field name may be kept
constexpr std::string_view kMask = "***";

// What can stand between a name and its secret.
constexpr std::array<bool, 256> kSeparators = [] {
  std::array<bool, 256> set{};
  for (const char c : {' ', '\t', '\n', '\r', ':', '=', '"', '\'', '\\'}) {
    set[static_cast<unsigned char>(c)] = true;
  }
  return set;
}();

// Whether Redact() could change the text. It changes a single word only when that looks like a key.
bool MayHoldSecret(std::string_view text) {
  for (const char c : text) {
    if (kSeparators[static_cast<unsigned char>(c)]) return true;
  }
  return text.size() >= kShortestKeyShape &&
         (text.find("sk-") != text.npos || text.find("hf_") != text.npos);
}

bool IsPlain(char c) { return (c >= 'a' && c <= 'z') || c == '_'; }

// Whether a document is made of numbers under names that hide nothing, such as counts of tokens.
bool IsPlainCounts(std::string_view json) {
  for (std::size_t at = json.find('"'); at != json.npos; at = json.find('"', at)) {
    const std::size_t end = json.find('"', at + 1);
    if (end == json.npos || end + 1 >= json.size() || json[end + 1] != ':') return false;
    const std::string_view name = json.substr(at + 1, end - at - 1);
    if (!name.ends_with("_tokens")) return false;
    at = end + 1;
  }
  return json.find('\n') == json.npos;
}

// A line break between the tokens of a document would end the line.
void WriteJson(json::Writer& out, std::string_view json) {
  if (IsPlainCounts(json)) return out.Raw(json.empty() ? "null" : json);
  std::string text = Redact(json);
  std::ranges::replace_if(text, [](char c) { return c == '\n' || c == '\r'; }, ' ');
  out.Raw(text.empty() ? "null" : text);
}

// A value that is no text.
void WriteValue(json::Writer& out, const TraceField& field, bool secret) {
  if (const auto* flag = std::get_if<bool>(&field.value)) return out.Bool(*flag);
  if (secret) return out.String(kMask);
  if (const auto* json = std::get_if<JsonText>(&field.value)) return WriteJson(out, json->text);
  if (const auto* whole = std::get_if<std::int64_t>(&field.value)) return out.Int(*whole);
  const double number = std::get<double>(field.value);
  std::isfinite(number) ? out.Double(number) : out.Null();
}

}  // namespace

JsonlSink::JsonlSink(const Clock& clock, Write write, bool wants_spans, Wanted wanted)
    : TraceSink(wants_spans), clock_(clock), write_(std::move(write)), wanted_(std::move(wanted)) {}

std::string_view JsonlSink::Now() {
  constexpr std::int64_t kMilli = 1'000'000;
  const std::int64_t millis = clock_.WallNanos() / kMilli;
  if (millis / 1000 != second_) {
    second_ = millis / 1000;
    now_ = FormatWallTime(millis * kMilli);
  }
  char* const digits = &now_[sizeof "2026-01-31T23:59:59." - 1];
  digits[0] = static_cast<char>('0' + millis / 100 % 10);
  digits[1] = static_cast<char>('0' + millis / 10 % 10);
  digits[2] = static_cast<char>('0' + millis % 10);
  return now_;
}

// Field names are few and come again: asking IsSecretName() of each would be half of the work.
JsonlSink::KnownKey& JsonlSink::Known(std::string_view key) {
  const std::size_t hash = key.empty() ? 0
                                       : key.size() + 5U * static_cast<unsigned char>(key.front()) +
                                             11U * static_cast<unsigned char>(key[key.size() / 2]) +
                                             3U * static_cast<unsigned char>(key.back());
  KnownKey* free = nullptr;
  for (std::size_t i = 0; i < kPlaces; ++i) {
    KnownKey& known = keys_[(hash + i) % keys_.size()];
    if (known.key == key) return known;
    if (free == nullptr && known.key.empty()) free = &known;
  }
  if (free == nullptr) free = &keys_[hash % keys_.size()];
  *free = {.key = std::string(key),
           .secret = IsSecretName(key),
           .plain = std::ranges::all_of(key, IsPlain),
           .text = {},
           .written = {}};
  return *free;
}

void JsonlSink::WriteText(json::Writer& out, KnownKey& known, std::string_view text) {
  if (known.secret) return out.String(RedactValue(text));
  if (text.size() > kShortText) {
    return MayHoldSecret(text) ? out.String(Redact(text)) : out.String(text);
  }
  if (known.written.empty() || known.text != text) {
    known.text = text;
    known.written.clear();
    const std::string masked = MayHoldSecret(text) ? Redact(text) : std::string();
    json::AppendQuoted(known.written, masked.empty() ? text : masked);
  }
  out.Raw(known.written);
}

void JsonlSink::OnEvent(std::string_view name, std::span<const TraceField> fields) {
  const std::scoped_lock lock(mutex_);
  if (wanted_ && !wanted_()) return;
  line_.clear();
  json::Writer writer(line_);
  writer.BeginObject();
  writer.PlainKey("ts");
  writer.String(Now());
  writer.PlainKey("seq");
  writer.Uint(++seq_);
  writer.PlainKey("event");
  writer.String(name);
  for (const TraceField& field : fields) {
    KnownKey& known = Known(field.key);
    known.plain ? writer.PlainKey(field.key) : writer.Key(field.key);
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      WriteText(writer, known, *text);
    } else {
      WriteValue(writer, field, known.secret);
    }
  }
  writer.EndObject();
  line_ += '\n';
  if (!write_(line_)) lost_.fetch_add(1, std::memory_order_relaxed);
  if (line_.capacity() > kMostKept) line_ = {};
}

void JsonlSink::OnSpanStart(const SpanRecord& span) {
  const TraceField fields[] = {{"span", span.name},
                               {"id", static_cast<std::int64_t>(span.id)},
                               {"parent", static_cast<std::int64_t>(span.parent)}};
  OnEvent("span.start", fields);
}

void JsonlSink::OnSpanEnd(const SpanRecord& span) {
  const std::chrono::duration<double, std::milli> duration = span.end - span.start;
  std::string error;
  TraceField fields[6] = {{"span", span.name},
                          {"id", static_cast<std::int64_t>(span.id)},
                          {"duration_ms", duration.count()}};
  std::size_t count = 3;
  if (!span.detail.empty()) fields[count++] = {"detail", span.detail};
  if (span.error != nullptr) {
    error = Name(*span.error);
    fields[count++] = {"error", std::string_view(error)};
    fields[count++] = {"message", std::string_view(span.error->message)};
  }
  OnEvent("span.end", {fields, count});
}

Result<std::unique_ptr<JsonlSink>> OpenJsonl(const Clock& clock, JsonlOptions options) {
  const bool spans = options.spans;
  const Duration hold = options.hold;
  WEIR_TRY(const std::shared_ptr<EventFile> file, EventFile::Open(clock, std::move(options)));
  if (hold > Duration::zero()) {
    const auto writer = std::make_shared<LineWriter>(file, LineWriter::Options{.hold = hold});
    return std::make_unique<JsonlSink>(
        clock, [writer](std::string_view line) { return writer->Push(line); }, spans,
        [writer] { return writer->wanted(); });
  }
  return std::make_unique<JsonlSink>(
      clock, [file](std::string_view line) { return file->Write(line); }, spans,
      [file] { return file->Wanted(); });
}

}  // namespace weir::events
