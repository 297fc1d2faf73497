#include "weir/text/call_forms_testing.h"

#include <utility>

#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::text {
namespace {

model::ToolSpec Tool(std::string_view name, std::string_view properties) {
  model::ToolSpec tool;
  tool.name = name;
  auto schema = json::Read(StrCat(R"({"type":"object","properties":)", properties, "}"));
  if (schema) tool.parameters = *std::move(schema);
  return tool;
}

}  // namespace

const std::vector<model::ToolSpec>& TestTools() {
  static const std::vector<model::ToolSpec> kTools = {
      Tool("get_weather", R"({"city":{"type":"string"},"days":{"type":"integer"},
                             "unit":{"enum":["celsius","fahrenheit"]}})"),
      Tool("run", R"({"code":{"type":"string"},"timeout":{"type":"float"}})"),
      Tool("set", R"({"text":{"type":"string"},"number":{"type":"number"},
                      "flag":{"type":"boolean"},
                      "list":{"type":"array","items":{"type":"string"}},
                      "object":{"type":"dict","properties":{"x":{"type":"integer"},
                                                           "note":{"type":"string"}}},
                      "either":{"anyOf":[{"type":"string"},{"type":"integer"},{"type":"null"}]},
                      "any":{}})"),
      Tool("now", "{}"),
  };
  return kTools;
}

std::string FoundCalls(CallForm form, std::string_view body) {
  const auto read = ReadCalls(form, body, TestTools());
  if (!read) return "refused";
  std::string out;
  for (const model::ToolCall& call : read->calls) {
    StrAppend(out, out.empty() ? "" : " ", call.name, call.id.empty() ? "" : "#", call.id,
              call.arguments);
  }
  return out;
}

std::string FoundRepairs(CallForm form, std::string_view body) {
  const auto read = ReadCalls(form, body, TestTools());
  return read ? Join(read->repairs, "; ") : read.error().message;
}

std::string Complaint(CallForm form, const FormCase& one) {
  const std::string calls = FoundCalls(form, one.body);
  if (calls != one.calls) return StrCat(one.name, ": found ", calls, ", expected ", one.calls);
  const std::string repairs = FoundRepairs(form, one.body);
  const bool said =
      one.repair.empty() ? repairs.empty() || calls == "refused" : repairs.contains(one.repair);
  return said ? "" : StrCat(one.name, ": repairs \"", repairs, "\", expected \"", one.repair, "\"");
}

}  // namespace weir::text
