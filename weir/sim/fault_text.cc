#include "weir/sim/fault_text.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>

#include "weir/base/utf8.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::sim {
namespace {

// Inside of a JSON string every quotation mark has a backslash before it. So none of these can be
// found in one: they are members.
constexpr std::string_view kFinishReason = "\"finish_reason\":\"";
constexpr std::string_view kFinishes[] = {
    kFinishReason, "\"done\":true", "\"type\":\"response.completed\"",
    "\"type\":\"response.incomplete\"", "\"type\":\"response.failed\""};
constexpr std::string_view kTexts[] = {
    "\"content\":\"",           "\"text\":\"",      "\"reasoning\":\"",
    "\"reasoning_content\":\"", "\"delta\":\"",     "\"response\":\"",
    "\"thinking\":\"",          "\"arguments\":\"", "\":\""};
// An overlong form, a lone head and a byte that UTF-8 does not have.
constexpr std::string_view kGarbage = "\xc0\xaf\xe2\x82\xff";

// Where the counts of tokens stand: members of the reply itself, or of what it wraps.
constexpr std::string_view kCounts[] = {"prompt_eval_count", "eval_count"};

bool IsOneOf(std::string_view key, std::span<const std::string_view> keys) {
  return std::ranges::find(keys, key) != keys.end();
}

// The numbers of a usage and of what it holds, times ten.
void WriteTenfold(json::View view, json::Writer& out) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max() / 10;
  const auto number = view.AsInt64();
  if (number && *number > 0 && *number < kMost) {
    out.Int(*number * 10);
  } else if (view.IsObject()) {
    out.BeginObject();
    for (const json::Member member : view.members()) {
      out.Key(member.key);
      WriteTenfold(member.value, out);
    }
    out.EndObject();
  } else {
    out.Value(view);
  }
}

void WriteWrongUsage(json::View view, json::Writer& out) {
  if (!view.IsObject()) return out.Value(view);
  out.BeginObject();
  for (const json::Member member : view.members()) {
    out.Key(member.key);
    if (member.key == "usage" || IsOneOf(member.key, kCounts)) {
      WriteTenfold(member.value, out);
    } else if (member.key == "response") {
      WriteWrongUsage(member.value, out);
    } else {
      out.Value(member.value);
    }
  }
  out.EndObject();
}

}  // namespace

EventSpan EventAt(std::string_view events, std::size_t from) {
  constexpr std::string_view kData = "data: ";
  const bool sse = events.substr(from).starts_with("data:") ||
                   events.substr(from).starts_with("event:") || events[from] == ':';
  const std::string_view mark = sse ? "\n\n" : "\n";
  EventSpan span{.begin = from, .end = events.size(), .data = from, .data_end = events.size()};
  if (const std::size_t end = events.find(mark, from); end != events.npos) {
    span.end = end + mark.size();
    span.data_end = end;
  }
  if (!sse) return span;
  span.data = events.find(kData, from);
  span.data = span.data < span.data_end ? span.data + kData.size() : span.data_end;
  return span;
}

bool IsFinish(std::string_view json) {
  return std::ranges::any_of(kFinishes, [&](std::string_view mark) { return json.contains(mark); });
}

bool IsDone(std::string_view json) { return json == "[DONE]"; }

std::string_view HalfOf(std::string_view text) { return Utf8Prefix(text, text.size() / 2); }

std::string WithGarbage(std::string_view json) {
  std::string out(json);
  for (const std::string_view mark : kTexts) {
    const std::size_t at = out.find(mark);
    if (at == out.npos) continue;
    out.insert(at + mark.size(), kGarbage);
    return out;
  }
  out.insert(out.size() / 2, kGarbage);
  return out;
}

std::string WithoutChoices(std::string_view json) {
  constexpr std::string_view kContent[] = {"message", "response", "delta"};
  const auto value = json::Read(json);
  if (!value || !value->IsObject()) return std::string(json);
  std::string out;
  json::Writer writer(out);
  writer.BeginObject();
  for (const json::Member member : value->members()) {
    if (IsOneOf(member.key, kContent)) continue;
    writer.Key(member.key);
    writer.Raw(member.key == "choices" ? "[]" : json::Write(member.value));
  }
  writer.EndObject();
  return out;
}

std::string WithWrongUsage(std::string_view json) {
  if (!json.contains("\"usage\":") && !json.contains("eval_count\":")) return std::string(json);
  const auto value = json::Read(json);
  if (!value) return std::string(json);
  std::string out;
  json::Writer writer(out);
  WriteWrongUsage(*value, writer);
  return out;
}

std::string WithoutFinish(std::string_view json) {
  if (!IsFinish(json)) return std::string(json);
  if (!json.contains(kFinishReason)) return {};
  std::string out;
  while (!json.empty()) {
    const std::size_t at = json.find(kFinishReason);
    out += json.substr(0, at);
    if (at == json.npos) break;
    json.remove_prefix(at + kFinishReason.size());
    out += kFinishReason.substr(0, kFinishReason.size() - 1);
    out += "null";
    json.remove_prefix(std::min(json.find('"'), json.size() - 1) + 1);
  }
  return out;
}

}  // namespace weir::sim
