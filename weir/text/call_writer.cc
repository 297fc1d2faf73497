#include "weir/text/call_writer.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::text {
namespace {

// Strings as they are, everything else as JSON.
std::string Plain(json::View value) {
  return value.IsString() ? std::string(value.StringOr("")) : json::Write(value);
}

void WritePython(std::string& out, json::View value) {
  if (value.IsNull()) {
    out += "None";
  } else if (const std::optional<bool> truth = value.AsBool()) {
    out += *truth ? "True" : "False";
  } else if (value.IsArray()) {
    out += '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += ", ";
      WritePython(out, value[i]);
    }
    out += ']';
  } else if (value.IsObject()) {
    out += '{';
    bool first = true;
    for (const auto& [key, member] : value.members()) {
      if (!std::exchange(first, false)) out += ", ";
      json::AppendQuoted(out, key);
      out += ": ";
      WritePython(out, member);
    }
    out += '}';
  } else {
    out += json::Write(value);
  }
}

void WriteBraces(std::string& out, json::View value, std::string_view quote) {
  if (value.IsString()) {
    StrAppend(out, quote, value.StringOr(""), quote);
  } else if (value.IsArray()) {
    out += '[';
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (i > 0) out += ',';
      WriteBraces(out, value[i], quote);
    }
    out += ']';
  } else if (value.IsObject()) {
    out += '{';
    bool first = true;
    for (const auto& [key, member] : value.members()) {
      if (!std::exchange(first, false)) out += ',';
      StrAppend(out, key, ":");
      WriteBraces(out, member, quote);
    }
    out += '}';
  } else {
    out += json::Write(value);
  }
}

std::string WriteBody(CallForm form, std::string_view name, json::View arguments,
                      std::string_view quote) {
  std::string out;
  switch (form) {
    case CallForm::kJson:
      out = "{\"name\": ";
      json::AppendQuoted(out, name);
      StrAppend(out, ", \"arguments\": ", json::Write(arguments), "}");
      break;
    case CallForm::kNamedJson:
      StrAppend(out, name, json::Write(arguments));
      break;
    case CallForm::kKeyedJson:
      out = "[{";
      json::AppendQuoted(out, name);
      StrAppend(out, ": ", json::Write(arguments), "}]");
      break;
    case CallForm::kFunctionTags:
      StrAppend(out, "<function=", name, ">\n");
      for (const auto& [key, value] : arguments.members()) {
        StrAppend(out, "<parameter=", key, ">\n", Plain(value), "\n</parameter>\n");
      }
      out += "</function>";
      break;
    case CallForm::kArgPairs:
      StrAppend(out, name, "\n");
      for (const auto& [key, value] : arguments.members()) {
        StrAppend(out, "<arg_key>", key, "</arg_key>\n<arg_value>", Plain(value), "</arg_value>\n");
      }
      break;
    case CallForm::kInvokeTags:
      StrAppend(out, "<invoke name=\"", name, "\">\n");
      for (const auto& [key, value] : arguments.members()) {
        StrAppend(out, "<parameter name=\"", key, "\">", Plain(value), "</parameter>\n");
      }
      out += "</invoke>";
      break;
    case CallForm::kPython: {
      StrAppend(out, "[", name, "(");
      bool first = true;
      for (const auto& [key, value] : arguments.members()) {
        StrAppend(out, std::exchange(first, false) ? "" : ", ", key, "=");
        WritePython(out, value);
      }
      out += ")]";
      break;
    }
    case CallForm::kBraces:
      StrAppend(out, "call:", name);
      WriteBraces(out, arguments, quote);
      break;
  }
  return out;
}

// Marks that a body keeps are written by its form.
std::string Enclosed(const CallMarks& marks, std::string_view body) {
  if (marks.keep_marks) return std::string(body);
  const bool closed = !marks.close.empty();
  return StrCat(marks.open.front(), "\n", body, closed ? "\n" : "",
                closed ? marks.close.front() : "");
}

}  // namespace

const Family& CallFamilyOf(const Family& family) {
  const Family& other = *FindFamily("hermes");
  if (family.channels || family.calls.empty()) return other;
  const CallMarks& marks = family.calls.front();
  if (!marks.keep_marks) return family;
  const std::string sample = WriteBody(marks.forms.front(), "f", {}, {});
  const bool has_mark = std::ranges::any_of(
      marks.open, [&sample](const std::string& mark) { return sample.starts_with(mark); });
  return has_mark ? family : other;
}

std::string WriteCall(const Family& family, std::string_view name, std::string_view arguments) {
  const CallMarks& marks = CallFamilyOf(family).calls.front();
  const auto read = json::Read(arguments);
  const json::Value none = *json::Read("{}");
  const json::View values = read && read->IsObject() ? json::View(*read) : json::View(none);
  const std::string quote = marks.shields.empty() ? "<escape>" : marks.shields.front().open;
  return Enclosed(marks, WriteBody(marks.forms.front(), name, values, quote));
}

std::string DescribeTools(const Family& family, std::span<const model::ToolSpec> tools,
                          const model::ToolChoice& choice) {
  std::string out =
      "You can call tools. Here they are, each with the JSON Schema of its arguments:\n<tools>\n";
  for (const model::ToolSpec& tool : tools) {
    out += "{\"name\": ";
    json::AppendQuoted(out, tool.name);
    if (!tool.description.empty()) {
      out += ", \"description\": ";
      json::AppendQuoted(out, tool.description);
    }
    StrAppend(out, ", \"parameters\": ",
              tool.parameters.IsNull() ? R"({"type":"object","properties":{}})"
                                       : json::Write(tool.parameters),
              "}\n");
  }
  StrAppend(out,
            "</tools>\n\nTo call a tool, write exactly this, with its name and its arguments:\n",
            WriteCall(family, "NAME", R"({"ARGUMENT": "VALUE"})"),
            "\n\nThen stop: the result comes as <tool_response>. You may write several calls in a "
            "row.");
  using Kind = model::ToolChoice::Kind;
  if (choice.kind == Kind::kRequired) {
    out += " You must call a tool now.";
  } else if (choice.kind == Kind::kNamed) {
    StrAppend(out, " You must call the tool ", choice.name, " now.");
  } else {
    out += " When no tool is needed, answer in plain text.";
  }
  return out;
}

std::string WriteToolResult(std::string_view result) {
  return StrCat("<tool_response>\n", result, "\n</tool_response>");
}

}  // namespace weir::text
