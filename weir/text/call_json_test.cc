#include <gtest/gtest.h>

#include "weir/text/call_forms_testing.h"

namespace weir::text {
namespace {

TEST(CallJsonTest, ObjectsWithANameAndArgumentsAreCalls) {
  const FormCase cases[] = {
      {"hermes", "\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Rome\"}}\n",
       R"(get_weather{"city":"Rome"})"},
      {"llama", R"({"name": "get_weather", "parameters": {"days": 1.50}})",
       R"(get_weather{"days":1.50})"},
      {"list", R"([{"name":"now","arguments":{}},{"name":"run","arguments":{"code":"x"}}])",
       R"(now{} run{"code":"x"})"},
      {"cohere", R"([{"tool_call_id":"0","tool_name":"now","parameters":{}}])", "now#0{}"},
      {"nested", R"({"id":"c1","type":"function","function":{"name":"now","arguments":"{}"}})",
       "now#c1{}"},
      {"text", R"({"name":"run","arguments":"{\"code\":\"a\\nb\"}"})", R"(run{"code":"a\nb"})"},
      {"lines", "{\"name\":\"now\",\"arguments\":{}}\n{\"name\":\"now\",\"arguments\":{}}",
       "now{} now{}"},
      {"semicolons", R"({"name":"now","parameters":{}}; {"name":"now","parameters":{}})",
       "now{} now{}"},
      {"commas", R"({"name":"now","parameters":{}}, {"name":"now","parameters":{}})", "now{} now{}",
       "mended"},
      {"fence", "```json\n{\"name\":\"now\",\"arguments\":{}}\n```", "now{}", "fence"},
      {"namespace", R"({"name":"functions.now","arguments":{}})", "now{}"},
      {"unknown", R"({"name":"fly","arguments":{"to":"Rome"}})", R"(fly{"to":"Rome"})"},
      {"wrapped", R"({"tool_calls":[{"name":"now","arguments":null}]})", "now{}"},
      {"no arguments", R"({"name":"now"})", "now{}"},
      {"inner text", R"({"name":"run","arguments":{"code":"{\"name\":\"now\",\"arguments\":{}}"}})",
       R"(run{"code":"{\"name\":\"now\",\"arguments\":{}}"})"},
  };
  for (const FormCase& one : cases) EXPECT_EQ(Complaint(CallForm::kJson, one), "");
}

TEST(CallJsonTest, DamagedObjectsAreMendedAndNamed) {
  const FormCase cases[] = {
      {"name with parentheses", R"j({"name":"now()","arguments":{}})j", "now{}"},
      {"arguments under another key", R"({"name":"run","kwargs":{"code":"x"}})",
       R"(run{"code":"x"})", "under a key"},
      {"another object", R"({"name":"run","note":{"why":"x"}})", "run{}",
       "left out beside the name"},
      {"a call in the arguments",
       R"({"name":"run","arguments":{"name":"run","arguments":{"code":"x"}}})",
       R"(run{"code":"x"})", "inside of them"},
      {"arguments in the arguments", R"({"name":"run","arguments":{"arguments":{"code":"x"}}})",
       R"(run{"code":"x"})", "inside of them"},
      {"single quotes", "{'name': 'run', 'arguments': {'code': 'x'}}", R"(run{"code":"x"})",
       "single_quotes"},
      {"constants", R"({"name":"set","arguments":{"flag":True,"any":None,}})",
       R"(set{"flag":true,"any":null})", "constant"},
      {"missing brace", R"({"name":"run","arguments":{"code":"x"})", R"(run{"code":"x"})",
       "cut_off"},
      {"cut value", R"({"name":"run","arguments":{"code":"print(1)\nprin)",
       R"(run{"code":"print(1)\nprin"})", "cut_off"},
      {"cut before the value", R"({"name": "run", "arguments": {"code")", R"(run{})", "cut_off"},
      {"unquoted keys", R"({name: "run", arguments: {code: "x"}})", R"(run{"code":"x"})",
       "unquoted_key"},
      {"words around", R"(Sure: {"name":"now","arguments":{}} there.)", "now{}", "text_before"},
      {"flat", R"({"name":"get_weather","city":"Rome","days":2})",
       R"(get_weather{"city":"Rome","days":2})", "beside its name"},
      {"list of one", R"({"name":"run","arguments":[{"code":"x"}]})", R"(run{"code":"x"})",
       "list of one"},
      {"another value", R"([{"name":"now","arguments":{}}, 3])", "now{}", "left out"},
      {"bad text", R"({"name":"run","arguments":"{'code': 'x'}"})", R"(run{"code":"x"})",
       "single_quotes"},
      {"python", R"([now()])", "now{}", "another form"},
  };
  for (const FormCase& one : cases) EXPECT_EQ(Complaint(CallForm::kJson, one), "");
}

TEST(CallJsonTest, WhatNamesNoToolIsNoCall) {
  const FormCase cases[] = {
      {"person", R"({"name":"Bob","age":3})", "refused"},
      {"description",
       R"({"name":"run","parameters":{"type":"object","properties":{"code":{"type":"string"}}}})",
       "refused"},
      {"key like a tool", R"({"now":{},"then":{}})", "refused"},
      {"key like a tool without arguments", R"({"now":null})", "refused"},
      {"key like a tool with something else", R"({"run":{"speed":3}})", "refused"},
      {"only a name", R"({"name":"Bob"})", "refused"},
      {"loose key", R"({"name":"Bob","input":{"a":1}})", "refused"},
      {"no object", R"([1,2,3])", "refused"},
      {"prose", "I would call get_weather now.", "refused"},
      {"empty", "", "refused"},
      {"cut name", R"({"name": "get_we)", "refused"},
      {"text arguments", R"j({"name":"run","arguments":"print(1)"})j", "refused"},
      {"list arguments", R"({"name":"run","arguments":[1,2]})", "refused"},
  };
  for (const FormCase& one : cases) EXPECT_EQ(Complaint(CallForm::kJson, one), "");
}

TEST(CallJsonTest, KeysMayBeTheNames) {
  const FormCase cases[] = {
      {"one", R"([{"run": {"code": "x"}}])", R"(run{"code":"x"})"},
      {"two", R"([{"run": {"code": "x"}}, {"now": {}}])", R"(run{"code":"x"} now{})"},
      {"one object", R"({"run": {"code": "x"}, "now": null})", R"(run{"code":"x"} now{})"},
      {"bare", R"({"now": {}})", "now{}"},
      {"unknown", R"([{"fly": {"to": "Rome"}}])", R"(fly{"to":"Rome"})"},
      {"unknown without an object", R"([{"fly": 1}])", "refused"},
      {"text", R"([{"run": "{\"code\": \"x\"}"}])", R"(run{"code":"x"})"},
      {"named after all", R"([{"name": "run", "arguments": {"code": "x"}}])", R"(run{"code":"x"})"},
      {"cut", R"([{"run": {"code": "x)", R"(run{"code":"x"})", "cut_off"},
      {"single quotes", R"([{'now': {}}])", "now{}", "single_quotes"},
  };
  for (const FormCase& one : cases) EXPECT_EQ(Complaint(CallForm::kKeyedJson, one), "");
}

TEST(CallJsonTest, NamesMayStandBeforeTheArguments) {
  const FormCase cases[] = {
      {"bare", R"(run{"code": "x"})", R"(run{"code":"x"})"},
      {"args", R"(run[ARGS]{"code": "x"})", R"(run{"code":"x"})"},
      {"id", R"(run[CALL_ID]aB3[ARGS]{"code": "x"})", R"(run#aB3{"code":"x"})"},
      {"kimi", R"(functions.run:0<|tool_call_argument_begin|>{"code": "x"})",
       R"(run#functions.run:0{"code":"x"})"},
      {"deepseek v3", "function<｜tool▁sep｜>run\n```json\n{\"code\": \"x\"}\n```",
       R"(run{"code":"x"})"},
      {"deepseek v3.1", R"(run<｜tool▁sep｜>{"code": "x"})", R"(run{"code":"x"})"},
      {"functionary", "run\n{\"code\": \"x\"}", R"(run{"code":"x"})"},
      {"several", R"(run{"code": "}"}now{})", R"(run{"code":"}"} now{})"},
      {"several lines", "run{\"code\": \"x\"}\nnow{};now{}", R"(run{"code":"x"} now{} now{})"},
      {"no arguments", "now", "now{}"},
      {"text", R"(run"{\"code\": \"x\"}")", R"(run{"code":"x"})"},
      {"list", R"([{"name": "now", "arguments": {}}])", "now{}", "another form"},
      {"colon", R"(run: {"code": "x"})", R"(run{"code":"x"})"},
      {"cut", R"(run[ARGS]{"code": "x)", R"(run{"code":"x"})", "cut_off"},
      {"inner quotes", R"(run{"code": "say "hi" now"})", R"(run{"code":"say \"hi\" now"})",
       "unescaped_quote"},
      {"single quotes", R"(run{'code': 'x}'})", R"(run{"code":"x}"})", "single_quotes"},
      {"unknown", R"(fly{"to": 1})", R"(fly{"to":1})"},
      {"code", R"(print("x"))", "refused"},
      {"prose", "nothing to call", "refused"},
  };
  for (const FormCase& one : cases) EXPECT_EQ(Complaint(CallForm::kNamedJson, one), "");
}

}  // namespace
}  // namespace weir::text
