#include "weir/agent/tools/inputs.h"

#include "weir/json/writer.h"

namespace weir::agent {

std::string MergedInputs(json::View row, json::View fixed, json::View arguments) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  for (const json::Member member : row.members()) {
    if (fixed.Find(member.key).exists() || arguments.Find(member.key).exists()) continue;
    out.Field(member.key, member.value);
  }
  for (const json::Member member : fixed.members()) {
    if (!arguments.Find(member.key).exists()) out.Field(member.key, member.value);
  }
  for (const json::Member member : arguments.members()) out.Field(member.key, member.value);
  out.EndObject();
  return text;
}

}  // namespace weir::agent
