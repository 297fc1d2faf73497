#include <utility>

#include "weir/base/text.h"
#include "weir/flow/read_nodes.h"

namespace weir::flow {
namespace {

std::vector<std::pair<std::string, Source>> ReadSet(Keys& keys) {
  std::vector<std::pair<std::string, Source>> fields;
  const json::View value = keys.Find("set");
  if (!value.exists()) return fields;
  Keys inner(keys.reading(), keys.file(), value, keys.PointerOf("set"),
             StrCat("`set` of ", keys.what()));
  for (const auto& [name, field] : value.members()) {
    if (field.IsNull()) {
      fields.emplace_back(name, Source{.text = "none", .place = inner.PlaceOf(name)});
      continue;
    }
    Source source = inner.Code(name);
    if (!source.empty()) {
      fields.emplace_back(name, std::move(source));
    } else if (field.IsString()) {
      inner.Wrong(name, "is empty; an empty text is '\"\"'");
    }
  }
  if (value.IsObject() && value.empty()) keys.Wrong("set", "gives no field");
  return fields;
}

std::optional<Program> ReadProgram(Keys& keys) {
  const json::View value = keys.Find("exec");
  const auto timeout = keys.Seconds("timeout");
  const auto processes = keys.Whole("processes", {.least = 1, .most = 256});
  if (!value.exists()) {
    for (const std::string_view key : {"timeout", "processes"}) {
      if (keys.Has(key)) keys.Wrong(key, "belongs to `exec`, which is not there");
    }
    return std::nullopt;
  }
  Program program;
  program.argv = keys.Texts("exec").value_or(std::vector<std::string>{});
  if (value.IsString()) {
    program.argv.clear();
    for (const std::string_view word : Split(*value.AsString(), ' ')) {
      if (!Trim(word).empty()) program.argv.emplace_back(Trim(word));
    }
  }
  const FlowFileText& file = keys.file();
  const bool beside = !program.argv.empty() && program.argv[0].contains('/');
  if (beside && file.included && !program.argv[0].starts_with('/')) {
    program.argv[0] = RelativeTo(keys.reading().folder, PathFrom(file.folder, program.argv[0]));
  }
  if (timeout) program.timeout = *timeout;
  if (processes) program.processes = static_cast<int>(*processes);
  return program;
}

}  // namespace

Apply ReadApply(Keys& keys) {
  Apply apply;
  apply.where = keys.Code("where");
  apply.set = ReadSet(keys);
  apply.each = keys.Code("each");
  apply.program = ReadProgram(keys);
  apply.output = ReadShape(keys, "output");
  int kinds = 0;
  for (const std::string_view key : {"where", "set", "each", "exec"}) {
    if (keys.Has(key)) ++kinds;
  }
  if (kinds != 1) {
    keys.reading().Wrong(keys.place(),
                         StrCat(keys.what(), kinds == 0 ? " does nothing" : " does several things",
                                ": give it exactly one of `where`, `set`, `each` and `exec`"));
  }
  return apply;
}

}  // namespace weir::flow
