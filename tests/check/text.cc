#include "tests/check/text.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/model/message.h"
#include "weir/model/reply.h"
#include "weir/text/answer_reader.h"
#include "weir/text/family.h"
#include "weir/text/model_card.h"

namespace {

namespace json = weir::json;
namespace model = weir::model;
namespace text = weir::text;
using weir::Result;

// `model` is a family, one of vLLM's parsers, or the name of a model.
text::Family FamilyOf(json::View question) {
  const std::string_view name = question.Find("model").StringOr("");
  const text::Family* known = text::FindFamily(name);
  text::Family family = known != nullptr ? *known : text::FamilyOf(text::FindCard(name));
  const std::string start(question.Find("start").StringOr(""));
  const std::string end(question.Find("end").StringOr(""));
  const auto has = [](const std::vector<std::string>& marks, const std::string& mark) {
    return mark.empty() || std::ranges::find(marks, mark) != marks.end();
  };
  if (has(family.thoughts.open, start) && has(family.thoughts.close, end)) return family;
  family.thoughts = {.open = {start}, .close = {end}};
  return family;
}

Result<std::vector<model::ToolSpec>> ToolsOf(json::View tools) {
  std::vector<model::ToolSpec> out;
  for (const json::View item : tools.items()) {
    const json::View tool = item.Find("function").IsObject() ? item.Find("function") : item;
    const json::View parameters = tool.Find("parameters");
    model::ToolSpec spec{.name = std::string(tool.Find("name").StringOr(""))};
    if (parameters.exists()) {
      const std::string schema =
          parameters.IsString() ? std::string(parameters.StringOr("")) : json::Write(parameters);
      WEIR_TRY(spec.parameters, json::Read(schema));
    }
    out.push_back(std::move(spec));
  }
  return out;
}

}  // namespace

Result<std::string> AnswerText(json::View question) {
  text::AnswerReaderOptions options;
  WEIR_TRY(options.tools, ToolsOf(question.Find("tools")));
  options.prompt_tail = question.Find("prompt_tail").StringOr("");
  const std::size_t step = weir::ParseUint(question.Find("step").NumberText()).value_or(0);

  const text::Family family = FamilyOf(question);
  text::AnswerReader reader(family, std::move(options));
  model::Delta delta;
  for (std::string_view rest = question.Find("text").StringOr(""); !rest.empty();) {
    const std::size_t size = step == 0 ? rest.size() : std::min(step, rest.size());
    reader.Feed(rest.substr(0, size), delta);
    rest.remove_prefix(size);
  }
  reader.Finish(delta);

  std::string out;
  json::Writer writer(out);
  writer.BeginObject();
  writer.Field("content", delta.text);
  writer.Field("reasoning", delta.reasoning);
  writer.Key("tool_calls");
  writer.BeginArray();
  for (const model::ToolCallDelta& call : delta.tool_calls) {
    writer.BeginObject();
    writer.Field("name", call.name);
    writer.Field("arguments", call.arguments);
    writer.EndObject();
  }
  writer.EndArray();
  writer.Key("repairs");
  writer.BeginArray();
  for (const std::string& repair : reader.repairs()) writer.String(repair);
  writer.EndArray();
  writer.EndObject();
  return out;
}
