// What run.json says of a run, and whether another run is the same.

#include <algorithm>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/flow/folder_core.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

constexpr std::size_t kShownBytes = 80;  // of a value that changed

std::string Shown(json::View value) {
  if (!value.exists()) return "nothing";
  return Truncate(Redact(json::Write(value)), kShownBytes);
}

bool IsDigest(std::string_view key) { return key == "count" || key == "bytes" || key == "digest"; }

void Compare(const std::string& name, json::View was, json::View is,
             std::vector<std::string>& differences) {
  if (was == is) return;
  if (!was.IsObject() || !is.IsObject()) {
    differences.push_back(StrCat(name, ": ", Shown(was), " is now ", Shown(is)));
    return;
  }
  const std::string prefix = name.empty() ? "" : StrCat(name, ".");
  for (const json::Member member : was.members()) {
    Compare(StrCat(prefix, member.key), member.value, is.Find(member.key), differences);
  }
  // Folders of earlier versions have no digest of files behind a glob.
  const bool no_digest =
      name == "input" && was.Find("files").exists() && !was.Find("digest").exists();
  for (const json::Member member : is.members()) {
    if (was.Find(member.key).exists()) continue;
    if (no_digest && IsDigest(member.key)) continue;
    Compare(StrCat(prefix, member.key), {}, member.value, differences);
  }
}

}  // namespace

std::vector<std::string> Differences(json::View was, json::View is) {
  std::vector<std::string> differences;
  Compare("", was, is, differences);
  return differences;
}

std::string RunJson(json::View run, std::string_view state, json::View summary) {
  std::string text;
  json::Writer json(text, {.indent = 2});
  json.BeginObject();
  for (const json::Member member : run.members()) {
    if (member.key != "state" && member.key != "summary") json.Field(member.key, member.value);
  }
  json.Field("state", state);
  if (summary.exists()) {
    json.Key("summary");
    json.Raw(Redact(json::Write(summary)));
  }
  json.EndObject();
  return text += '\n';
}

}  // namespace weir::flow
