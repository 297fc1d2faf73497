#include "weir/text/call_forms.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/text/call_forms_testing.h"

namespace weir::text {
namespace {

// The arguments of one random call of the tool "set", as values and as it is rendered.
struct RandomCall {
  std::string text;
  std::string number;
  bool flag = false;
  std::vector<std::string> list;
  int x = 0;
};

std::string Quoted(std::string_view text) {
  std::string out;
  json::AppendQuoted(out, text);
  return out;
}

std::string ListJson(const RandomCall& call) {
  std::string out = "[";
  for (const std::string& item : call.list) StrAppend(out, out.size() > 1 ? "," : "", Quoted(item));
  return out + "]";
}

std::string ObjectJson(const RandomCall& call) {
  return StrCat(R"({"text":)", Quoted(call.text), R"(,"number":)", call.number, R"(,"flag":)",
                call.flag, R"(,"list":)", ListJson(call), R"(,"object":{"x":)", call.x, "}}");
}

// Texts as they stand in code, prose and markup.
std::string RandomText() {
  const std::vector<std::string> parts = {
      "a",  " ",  "\n",   "\"",   "'",    "\\",  "{",  "}",  "[",  "]",  "(",
      ")",  ",",  ":",    "=",    "12",   "é",   "<",  ">",  "</", "\t", "`",
      "/*", "//", "true", "null", "</b>", "<p>", "f(", "]}", "😀", ";",  "\\n"};
  std::string out;
  for (const std::string& part :
       *rc::gen::container<std::vector<std::string>>(rc::gen::elementOf(parts))) {
    out += part;
  }
  return out;
}

RandomCall DrawCall() {
  RandomCall call;
  call.text = RandomText();
  call.number = *rc::gen::elementOf(
      std::vector<std::string>{"0", "-1", "1.50", "2e10", "12345678901234567890.125"});
  call.flag = *rc::gen::arbitrary<bool>();
  const int items = *rc::gen::inRange(0, 4);
  for (int i = 0; i < items; ++i) call.list.push_back(RandomText());
  call.x = *rc::gen::inRange(-1000, 1000);
  return call;
}

std::string PythonText(std::string_view text) {
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'' || c == '\\') out += '\\';
    if (c == '\n') {
      out += "\\n";
    } else {
      out += c;
    }
  }
  return out + "'";
}

std::string Parameter(std::string_view open, std::string_view key, std::string_view value,
                      std::string_view close) {
  std::string out(open);
  const std::size_t place = out.find('$');
  return out.replace(place, 1, key).append(value).append(close);
}

std::string Tagged(const RandomCall& call, std::string_view open, std::string_view close) {
  const std::string object = StrCat("{\"x\": ", call.x, "}");
  return StrCat(
      Parameter(open, "text", call.text, close), Parameter(open, "number", call.number, close),
      Parameter(open, "flag", call.flag ? "true" : "false", close),
      Parameter(open, "list", ListJson(call), close), Parameter(open, "object", object, close));
}

std::string Rendered(CallForm form, const RandomCall& call) {
  switch (form) {
    case CallForm::kJson:
      return StrCat(R"({"name": "set", "arguments": )", ObjectJson(call), "}");
    case CallForm::kNamedJson:
      return StrCat("set[ARGS]", ObjectJson(call));
    case CallForm::kKeyedJson:
      return StrCat(R"([{"set": )", ObjectJson(call), "}]");
    case CallForm::kFunctionTags:
      return StrCat("<function=set>\n", Tagged(call, "<parameter=$>\n", "\n</parameter>\n"),
                    "</function>");
    case CallForm::kArgPairs:
      return StrCat("set\n", Tagged(call, "<arg_key>$</arg_key>\n<arg_value>", "</arg_value>\n"));
    case CallForm::kInvokeTags:
      return StrCat("<invoke name=\"set\">\n",
                    Tagged(call, "<parameter name=\"$\">", "</parameter>\n"), "</invoke>");
    case CallForm::kPython: {
      std::string list;
      for (const std::string& item : call.list) StrAppend(list, PythonText(item), ", ");
      return StrCat("[set(text=", PythonText(call.text), ", number=", call.number,
                    ", flag=", call.flag ? "True" : "False", ", list=[", list,
                    "], object={'x': ", call.x, "})]");
    }
    case CallForm::kBraces: {
      constexpr std::string_view kMark = "<|\"|>";
      std::string list;
      for (const std::string& item : call.list) {
        StrAppend(list, list.empty() ? "" : ",", kMark, item, kMark);
      }
      return StrCat("call:set{text:", kMark, call.text, kMark, ",number:", call.number,
                    ",flag:", call.flag, ",list:[", list, "],object:{x:", call.x, "}}");
    }
  }
  return {};
}

const CallForm kForms[] = {CallForm::kJson,         CallForm::kNamedJson, CallForm::kKeyedJson,
                           CallForm::kFunctionTags, CallForm::kArgPairs,  CallForm::kInvokeTags,
                           CallForm::kPython,       CallForm::kBraces};

RC_GTEST_PROP(CallFormsTest, WhatWasRenderedIsReadBackWithoutRepairs, ()) {
  const RandomCall call = DrawCall();
  for (const CallForm form : kForms) {
    const std::string body = Rendered(form, call);
    const auto read = ReadCalls(form, body, TestTools());
    RC_LOG() << body << "\n";
    RC_ASSERT(read.has_value());
    RC_ASSERT(read->calls.size() == 1U);
    RC_ASSERT(read->calls[0].name == "set");
    RC_ASSERT(read->calls[0].arguments == ObjectJson(call));
    RC_ASSERT(read->repairs.empty());
  }
}

RC_GTEST_PROP(CallFormsTest, ABodyThatIsCutGivesValidArgumentsOrNothing, ()) {
  const RandomCall call = DrawCall();
  const CallForm form = *rc::gen::elementOf(std::vector<CallForm>(kForms, kForms + 8));
  const std::string body = Rendered(form, call);
  for (std::size_t cut = 0; cut <= body.size(); ++cut) {
    const auto read = ReadCalls(form, std::string_view(body).substr(0, cut), TestTools());
    if (!read) continue;
    for (const model::ToolCall& found : read->calls) {
      const auto arguments = json::Read(found.arguments);
      RC_ASSERT(arguments.has_value());
      RC_ASSERT(arguments->IsObject());
    }
  }
}

// Everything that is said twice the size takes no more than a small multiple of the time; a square
// would not end at all.
TEST(CallFormsTest, LongDamageIsReadInLinearTime) {
  const std::string_view parts[] = {"<function=run><parameter=code>",
                                    "</parameter>x",
                                    "<parameter=code>",
                                    "<invoke name=\"run\">",
                                    "]<]minimax[>[<a>",
                                    "<arg_key>a</arg_key><arg_value>",
                                    "<tool_call>run",
                                    "f(a=",
                                    "[f('",
                                    "{'a': ",
                                    "call:f{a:",
                                    "<|\"|>,a:",
                                    "f[ARGS]{",
                                    "{\"name\":\"run\",\"arguments\":",
                                    "\\\"",
                                    "<a \"",
                                    "a=1 ",
                                    "a, "};
  for (const std::string_view part : parts) {
    std::string body;
    while (body.size() < 200'000) body += part;
    for (const CallForm form : kForms) (void)ReadCalls(form, body, TestTools());
  }
}

TEST(CallFormsTest, DeepValuesAreRefusedOrStayText) {
  const std::string deep(100'000, '[');
  EXPECT_EQ(FoundCalls(CallForm::kJson, StrCat(R"({"name":"set","arguments":{"any":)", deep)),
            "refused");
  EXPECT_EQ(FoundCalls(CallForm::kPython, StrCat("set(any=", deep, ")")).substr(0, 3), "set");
  EXPECT_EQ(FoundCalls(CallForm::kBraces, StrCat("call:set{any:", deep)).substr(0, 3), "set");
}

TEST(CallFormsTest, AStringThatIsMendedToItselfIsReadAFewTimesAtMost) {
  constexpr std::string_view kBody("\x8A\x8B\x8B\"\x0B\"{\0\0\0\0\0\xFB[\x01\0\0\0\0\0\0\0l", 23);
  for (const CallForm form : {CallForm::kJson, CallForm::kNamedJson, CallForm::kKeyedJson}) {
    (void)ReadCalls(form, kBody, {});
  }
  std::string deep = R"({"a":1})";
  for (int i = 0; i < 10; ++i) deep = json::Write(json::Value::Of(std::string_view(deep)));
  EXPECT_FALSE(ReadCalls(CallForm::kNamedJson, "f" + deep, {}));
}

TEST(CallFormsTest, FailuresSayWhy) {
  const auto read = ReadCalls(CallForm::kJson, "no call at all", TestTools());
  ASSERT_FALSE(read.has_value());
  EXPECT_EQ(read.error().code, Code::kInvalidJson);
  EXPECT_TRUE(read.error().message.starts_with("there is no tool call in this text"));
}

}  // namespace
}  // namespace weir::text
