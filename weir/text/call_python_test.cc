#include <gtest/gtest.h>

#include "weir/text/call_forms_testing.h"

namespace weir::text {
namespace {

TEST(CallPythonTest, CallsWithLiterals) {
  const FormCase cases[] = {
      {"list", "[get_weather(city='Rome', days=2), now()]",
       R"(get_weather{"city":"Rome","days":2} now{})"},
      {"lines", "run(code=\"x\")\nnow()\n", R"(run{"code":"x"} now{})"},
      {"literals", "[set(number=-1.50, flag=True, any=None, list=['a', \"b\"], object={'x': 1})]",
       R"(set{"number":-1.50,"flag":true,"any":null,"list":["a","b"],"object":{"x":1}})"},
      {"json words", "set(flag=false, any=null)", R"(set{"flag":false,"any":null})"},
      {"nested", "set(any={'a': [(1, 2), {'b': ()}], 3: {}})",
       R"(set{"any":{"a":[[1,2],{"b":[]}],"3":{}}})"},
      {"triple", "run(code='''a 'b' \"c\"\nd''')", R"(run{"code":"a 'b' \"c\"\nd"})"},
      {"escapes", R"(run(code="a\n\t\"\\\x41\u00e9\ud83d\ude00\q"))",
       R"(run{"code":"a\n\t\"\\Aé😀\\q"})"},
      {"raw", R"(run(code=r"\d+\n"))", R"(run{"code":"\\d+\\n"})"},
      {"side by side", "run(code=('a' \"b\"))", R"(run{"code":"ab"})"},
      {"set", "set(any={1, 2})", R"(set{"any":[1,2]})"},
      {"numbers", "set(any=[1_000, 0x1F, .5, 1e5, 12345678901234567890.10])",
       R"(set{"any":[1000,31,0.5,1e5,12345678901234567890.10]})"},
      {"dots", "[geo.find(place='x')]", R"(geo.find{"place":"x"})"},
      {"fence", "```python\n[now()]\n```", "now{}"},
      {"inner call", "[run(code='now(a=1), now()')]", R"j(run{"code":"now(a=1), now()"})j"},
      {"trailing comma", "[now(),]", "now{}"},
  };
  for (const FormCase& one : cases) EXPECT_EQ(Complaint(CallForm::kPython, one), "");
}

TEST(CallPythonTest, DamageIsMendedAndNamed) {
  const FormCase cases[] = {
      {"no bracket", "[run(code='x')", R"(run{"code":"x"})"},
      {"no parenthesis", "[run(code='x'", R"(run{"code":"x"})", "ended inside"},
      {"cut text", "[run(code='x, y", R"(run{"code":"x, y"})", "ended inside"},
      {"cut list", "set(list=['a', 'b", R"(set{"list":["a","b"]})", "ended inside"},
      {"cut before the value", "[run(code=", "run{}", "ended inside"},
      {"cut dict", "set(object={'x': 1, 'note", R"(set{"object":{"x":1}})", "ended inside"},
      {"apostrophe", "[run(code='It's fine')]", R"(run{"code":"It's fine"})", "not escaped"},
      {"quotes before a comma", "run(code='say 'hi', ok', timeout=1)",
       R"(run{"code":"say 'hi', ok","timeout":1})", "not escaped"},
      {"bare word", "get_weather(city='Rome', unit=celsius)",
       R"(get_weather{"city":"Rome","unit":"celsius"})", "no literal"},
      {"expression", "set(number=2 * 3)", R"(set{"number":"2 * 3"})", "no literal"},
      {"positions", "get_weather('Rome', 2)", R"(get_weather{"city":"Rome","days":2})",
       "order of the tool's parameters"},
      {"dict", "run({'code': 'x'})", R"(run{"code":"x"})", "dict"},
      {"stars", "run(**{'code': 'x'})", R"(run{"code":"x"})", "dict"},
      {"dashes", "set(flag=True, a-b='x')", R"(set{"flag":true,"a-b":"x"})"},
      {"dashes behind a text", "set(text='x', a-b='y')", R"(set{"text":"x","a-b":"y"})"},
      {"no parenthesis before a call", "[run(code=\"x\", now()]", R"(run{"code":"x"} now{})",
       "parenthesis was missing"},
      {"no closing quote", "[run(code=\"x)]", R"(run{"code":"x"})", "closing quote"},
      {"typographic quotes", "[run(code=“x”)]", R"(run{"code":"x"})", "typographic"},
      {"cut keyword with a dash", "set(text='x', a-", R"(set{"text":"x"})", "ended inside"},
      {"cut escape", "run(code='x\\", R"(run{"code":"x"})", "ended inside"},
      {"no comma", "get_weather(city='Rome' days=2)", R"(get_weather{"city":"Rome","days":2})",
       "comma was missing"},
      {"twice", "run(code='x', code='y')", R"(run{"code":"y"})", "given twice"},
      {"words behind", "[now()] is all", "now{}", "left out"},
      {"json", R"([{"name": "now", "arguments": {}}])", "now{}", "another form"},
      {"words between", "run(code='x')\nAnd then:\nnow()\n", R"(run{"code":"x"} now{})",
       "left out: And then:"},
      {"cut keyword", "[get_weather(city='Rome', day", R"(get_weather{"city":"Rome"})",
       "ended inside"},
      {"cut keyword behind a number", "[set(number=-42, te", R"(set{"number":-42})",
       "ended inside"},
      {"cut constant", "[set(number=1, flag=Fa", R"(set{"number":1})", "ended inside"},
      {"positions go on behind names", "get_weather(city='Rome', 2)",
       R"(get_weather{"city":"Rome","days":2})", "order of the tool's parameters"},
      {"bracket for a parenthesis", "[set(number=5]", R"(set{"number":5})",
       "parenthesis was missing"},
      {"bracket behind a text", "[run(code='x']", R"(run{"code":"x"})", "parenthesis was missing"},
      {"bracket for no arguments", "[now(]", "now{}", "parenthesis was missing"},
      {"constant behind a text", "[set('a', 1, True)]", R"(set{"text":"a","number":1,"flag":true})",
       "order of the tool's parameters"},
      {"constant right behind a text", "run('a', None)", R"(run{"code":"a","timeout":null})",
       "order of the tool's parameters"},
      {"no space between calls", "get_weather(city='Rome')now()",
       R"(get_weather{"city":"Rome"} now{})"},
  };
  for (const FormCase& one : cases) EXPECT_EQ(Complaint(CallForm::kPython, one), "");
}

TEST(CallPythonTest, ProseIsNoCall) {
  const FormCase cases[] = {
      {"prose", "Hello (world)", "refused"},
      {"unknown without arguments", "hello()", "refused"},
      {"unknown with positions", "[print('x')]", "refused"},
      {"too many positions", "run('a', 1, 2)", "refused"},
      {"list", "[1, 2]", "refused"},
      {"note", "see [1](a)", "refused"},
      {"empty", "[]", "refused"},
      {"name", "now", "refused"},
  };
  for (const FormCase& one : cases) EXPECT_EQ(Complaint(CallForm::kPython, one), "");
}

}  // namespace
}  // namespace weir::text
