#pragma once

// What the readers of the single forms share: the tools that are offered, the calls found so far,
// and the words about what was mended.

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "weir/base/limits.h"
#include "weir/json/lenient.h"
#include "weir/model/message.h"
#include "weir/text/call_forms.h"

namespace weir::text {

// Values inside each other in one call; deeper ones stay text or are refused. A call may wrap such
// a value once more and still be JSON that everybody reads.
inline constexpr std::size_t kMaxDepth = limits::kJsonDepth / 4;

class CallList {
 public:
  // `tools` must outlive the list.
  explicit CallList(std::span<const model::ToolSpec> tools);

  // Null when no tool has that name.
  const model::ToolSpec* Tool(std::string_view name) const;
  // The name without white space, "functions." before it and "()" behind it, unless a tool is
  // called so.
  std::string_view PlainName(std::string_view written) const;

  // Without a name it is none, and refused.
  void Add(std::string_view name, std::string arguments, std::string_view id = {});
  // Says what was mended; the same words are said once, and not more than kMaxNotes of them.
  void Note(std::string what);
  // The repairs of the JSON in `where`, if there were any.
  void Note(std::string_view where, const json::RepairReport& report);
  // The calls end here, and what follows in the body is something else.
  void EndAt(std::size_t end) { result_.end = end; }
  // The same when words are left of the body, and says which.
  void EndBeforeWords(std::string_view body, std::size_t end);
  // Why something that looked like a call is none. The first reason counts.
  void Refuse(std::string why);

  bool empty() const { return result_.calls.empty(); }
  const std::string& refusal() const { return refusal_; }
  ReadCallsResult Take() && { return std::move(result_); }

 private:
  static constexpr std::size_t kMaxNotes = 64;

  std::unordered_map<std::string_view, const model::ToolSpec*> tools_;
  ReadCallsResult result_;
  std::string refusal_;
};

// The arguments of one call, in the order in which they came.
class Arguments {
 public:
  explicit Arguments(CallList& list) : list_(list) {}

  // `json` is the text of one value. A key that comes again replaces what it had, with a note.
  void Set(std::string_view key, std::string json);
  bool Has(std::string_view key) const { return places_.contains(std::string(key)); }
  bool empty() const { return members_.empty(); }
  std::string Text() const;  // a JSON object

 private:
  CallList& list_;
  std::vector<std::pair<std::string, std::string>> members_;
  std::unordered_map<std::string, std::size_t> places_;
};

// One reader for each group of forms. They add what they find, and refuse by words.
void ReadJsonCalls(std::string_view body, CallList& list);
void ReadKeyedJsonCalls(std::string_view body, CallList& list);
void ReadNamedJsonCalls(std::string_view body, CallList& list);
void ReadTagCalls(CallForm form, std::string_view body, CallList& list);
void ReadElementCalls(std::string_view body, CallList& list);
void ReadPythonCalls(std::string_view body, CallList& list);
void ReadBracesCalls(std::string_view body, CallList& list);

// Arguments of `tool`, which may be null, that stand as JSON text: an object, or a list of one. An
// empty text is {}. False when it is nothing of that kind; `json` is then unchanged. `rest` becomes
// what stands behind the JSON; without it that is said to be mended.
bool ReadJsonArguments(std::string_view text, const model::ToolSpec* tool, CallList& list,
                       std::string& json, std::string_view* rest = nullptr);

}  // namespace weir::text
