#include "weir/text/call_list.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/writer.h"

namespace weir::text {

CallList::CallList(std::span<const model::ToolSpec> tools) {
  for (const model::ToolSpec& tool : tools) tools_.emplace(tool.name, &tool);
}

const model::ToolSpec* CallList::Tool(std::string_view name) const {
  const auto found = tools_.find(name);
  return found == tools_.end() ? nullptr : found->second;
}

std::string_view CallList::PlainName(std::string_view written) const {
  constexpr std::string_view kNamespace = "functions.";
  std::string_view name = Trim(written);
  if (name.starts_with(kNamespace) && Tool(name) == nullptr) name.remove_prefix(kNamespace.size());
  if (name.ends_with("()") && Tool(name) == nullptr) name.remove_suffix(2);
  return name;
}

void CallList::Add(std::string_view name, std::string arguments, std::string_view id) {
  if (name.empty()) return Refuse("a call without the name of a tool");
  model::ToolCall call;
  call.id = id;
  call.name = name;
  call.arguments = std::move(arguments);
  result_.calls.push_back(std::move(call));
}

void CallList::Note(std::string what) {
  std::vector<std::string>& notes = result_.repairs;
  if (notes.size() >= kMaxNotes || std::ranges::find(notes, what) != notes.end()) return;
  notes.push_back(std::move(what));
}

void CallList::Note(std::string_view where, const json::RepairReport& report) {
  if (report.count == 0) return;
  std::vector<std::string> names;
  for (const json::Repair& repair : report.repairs) {
    std::string name(json::RepairName(repair.kind));
    if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
  }
  Note(StrCat("the JSON of ", where, " was mended: ", Join(names, ", ")));
}

void CallList::EndBeforeWords(std::string_view body, std::size_t end) {
  const std::string_view left = body.substr(std::min(end, body.size()));
  if (left.find_first_not_of("` \t\r\n,;") == left.npos) return;
  EndAt(end);
  Note(StrCat("left out: ", Truncate(Trim(left), 80)));
}

void CallList::Refuse(std::string why) {
  if (refusal_.empty()) refusal_ = std::move(why);
}

void Arguments::Set(std::string_view key, std::string json) {
  const auto [place, is_new] = places_.try_emplace(std::string(key), members_.size());
  if (is_new) {
    members_.emplace_back(key, std::move(json));
    return;
  }
  list_.Note(StrCat("\"", Truncate(key, 80), "\" was given twice; the last one counts"));
  members_[place->second].second = std::move(json);
}

std::string Arguments::Text() const {
  std::string out;
  json::Writer writer(out);
  writer.BeginObject();
  for (const auto& [key, json] : members_) {
    writer.Key(key);
    writer.Raw(json);
  }
  writer.EndObject();
  return out;
}

}  // namespace weir::text
