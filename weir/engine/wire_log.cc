#include "weir/engine/wire_log.h"

#include <algorithm>
#include <functional>
#include <unordered_map>
#include <vector>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::engine {
namespace {

constexpr std::string_view kMasked =
    "*** (a secret came in pieces, which cannot be masked one by one)";

// The texts of several documents, in which those that stand at one place are one text in pieces.
class TextsByPlace {
 public:
  // An item that says its index goes by that: choices and tool calls take turns in a stream.
  void Add(json::View value, std::size_t place = 0) {
    const auto inside = [place](std::string_view name) {
      return place * 31 + std::hash<std::string_view>{}(name);
    };
    if (value.IsString()) texts_[place] += value.StringOr("");
    for (const auto& [key, member] : value.members()) Add(member, inside(key));
    std::size_t at = 0;
    for (const json::View item : value.items()) {
      const std::string_view index = item.Find("index").NumberText();
      Add(item, index.empty() ? inside(StrCat(at)) : inside(index));
      ++at;
    }
  }

  bool HoldSecret() const {
    return std::ranges::any_of(texts_,
                               [](const auto& at) { return Redact(at.second) != at.second; });
  }

 private:
  std::unordered_map<std::size_t, std::string> texts_;
};

// Whether the events of a stream say a secret together. One whole answer is no stream: a secret
// stands in it as it is.
bool HoldsSecretInPieces(std::string_view body) {
  TextsByPlace texts;
  int events = 0;
  for (std::string_view line : Split(body, '\n')) {
    if (line.starts_with("data:")) line.remove_prefix(sizeof "data:" - 1);
    line = Trim(line);
    if (!line.starts_with('{')) continue;
    const Result<json::Value> event = json::Read(line);
    if (!event) continue;
    texts.Add(*event);
    ++events;
  }
  return events > 1 && texts.HoldSecret();
}

}  // namespace

void WireLog::Sent(std::string_view path, std::string_view body) {
  Tell("llm:request:raw", {"path", path}, body);
}

void WireLog::Came(std::string_view bytes) {
  const std::size_t kept = std::min(bytes.size(), max_bytes_ - body_.size());
  body_ += bytes.substr(0, kept);
  left_out_ += bytes.size() - kept;
}

WireLog::~WireLog() {
  if (status_ == 0) return;
  if (HoldsSecretInPieces(body_)) {
    body_ = kMasked;
  } else if (left_out_ > 0) {
    StrAppend(body_, "...(truncated ", left_out_, " bytes)");
  }
  Tell("llm:response:raw", {"status", std::int64_t{status_}}, body_);
}

void WireLog::Tell(std::string_view event, const TraceField& what, std::string_view body) const {
  std::vector<TraceField> fields = {{"engine", whose_.engine}, {"provider", whose_.provider}};
  if (!whose_.model.empty()) fields.push_back({"model", whose_.model});
  fields.insert(fields.end(), {{"request_id", whose_.request_id}, what, {"body", body}});
  trace_.OnEvent(event, fields);
}

}  // namespace weir::engine
