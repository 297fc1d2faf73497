#include <gtest/gtest.h>

#include "weir/text/call_forms_testing.h"

namespace weir::text {
namespace {

TEST(CallTagsTest, FunctionTagsHoldRawValues) {
  const FormCase cases[] = {
      {"plain", "\n<function=run>\n<parameter=code>\nx = 1\n</parameter>\n</function>\n",
       R"(run{"code":"x = 1"})"},
      {"own breaks stay", "<function=run><parameter=code>\n\n  x\n\n</parameter></function>",
       R"(run{"code":"\n  x\n"})"},
      {"no breaks", "<function=run><parameter=code>  x\n</parameter></function>",
       R"(run{"code":"  x\n"})"},
      {"crlf", "<function=run>\r\n<parameter=code>\r\nx\r\n</parameter>\r\n</function>",
       R"(run{"code":"x"})"},
      {"types",
       "<function=set><parameter=text>12</parameter><parameter=number>1.50</parameter>"
       "<parameter=flag>True</parameter><parameter=list>[\"a\"]</parameter>"
       "<parameter=object>{\"x\": 1}</parameter></function>",
       R"(set{"text":"12","number":1.50,"flag":true,"list":["a"],"object":{"x":1}})"},
      {"union", "<function=set><parameter=either>12</parameter></function>", R"(set{"either":12})"},
      {"union null", "<function=set><parameter=either>null</parameter></function>",
       R"(set{"either":null})"},
      {"union text", "<function=set><parameter=either>12a</parameter></function>",
       R"(set{"either":"12a"})"},
      {"unknown types", "<function=set><parameter=any>[1]</parameter></function>",
       R"(set{"any":[1]})"},
      {"unknown text", "<function=fly><parameter=to>Rome, \"now\"</parameter></function>",
       R"(fly{"to":"Rome, \"now\""})"},
      {"spaces in tags", "< function = run >< parameter = code >x</ parameter ></ function >",
       R"(run{"code":"x"})"},
      {"quoted names", "<function=\"run\"><parameter='code'>x</parameter></function>",
       R"(run{"code":"x"})"},
      {"attributes", "<function name=\"run\"><param name=\"code\">x</param></function>",
       R"(run{"code":"x"})"},
      {"nothing", "<function=now>\n</function>", "now{}"},
      {"json inside", R"(<function=run>{"code": "</b>"}</function>)", R"(run{"code":"</b>"})"},
      {"two", "<function=now></function>\n<function=now></function>", "now{} now{}"},
  };
  for (const FormCase& one : cases) EXPECT_EQ(Complaint(CallForm::kFunctionTags, one), "");
}

TEST(CallTagsTest, ValuesMayHoldWhatLooksLikeTags) {
  const FormCase cases[] = {
      {"html", "<function=run><parameter=code>\n<p>a < b</p>\n</parameter></function>",
       R"(run{"code":"<p>a < b</p>"})"},
      {"closing tag", "<function=run><parameter=code>a </parameter> b</parameter></function>",
       R"(run{"code":"a </parameter> b"})"},
      {"opening tag", "<function=run><parameter=code>a <parameter=b> c</parameter></function>",
       R"(run{"code":"a <parameter=b> c"})"},
      {"end of function", "<function=run><parameter=code>a</function>b</parameter></function>",
       R"(run{"code":"a</function>b"})"},
      {"a whole call",
       "<function=run><parameter=code>\n<function=now>\n<parameter=a>\n1\n</parameter>\n</function>"
       "\n</parameter>\n<parameter=timeout>3</parameter></function>",
       "run{\"code\":\"<function=now>\\n<parameter=a>\\n1\\n</parameter>\\n</function>\","
       "\"timeout\":3}"},
      {"end of function on the last line",
       "<function=run><parameter=code>\nuse\n</function>\n</parameter>\n</function>",
       R"(run{"code":"use\n</function>"})"},
  };
  for (const FormCase& one : cases) EXPECT_EQ(Complaint(CallForm::kFunctionTags, one), "");
}

TEST(CallTagsTest, MissingTagsAreMended) {
  const FormCase cases[] = {
      {"no end of function", "<function=run><parameter=code>\nx\n</parameter>",
       R"(run{"code":"x"})"},
      {"no end of value", "<function=run>\n<parameter=code>\nx\n</function>", R"(run{"code":"x"})",
       "no closing tag"},
      {"no end of the first value",
       "<function=run><parameter=code>\nx\n<parameter=timeout>\n3\n</parameter></function>",
       R"(run{"code":"x","timeout":3})", "no closing tag"},
      {"no end at all", "<function=run><parameter=code>\nx", R"(run{"code":"x"})", "ended inside"},
      {"cut in the end", "<function=run><parameter=code>\nx\n</param", R"(run{"code":"x"})",
       "ended inside"},
      {"two functions", "<function=run><parameter=code>x</parameter><function=now></function>",
       R"(run{"code":"x"} now{})"},
      {"twice",
       "<function=run><parameter=code>x</parameter><parameter=code>y</parameter></function>",
       R"(run{"code":"y"})", "given twice"},
      {"number in quotes", "<function=set><parameter=number>\"5\"</parameter></function>",
       R"(set{"number":5})", "quotes"},
      {"loose list", "<function=set><parameter=list>['a', 'b',]</parameter></function>",
       R"(set{"list":["a","b"]})", "single_quotes"},
      {"what fits nothing stays", "<function=set><parameter=number>many</parameter></function>",
       R"(set{"number":"many"})"},
      {"words between", "<function=run>so: <parameter=code>x</parameter></function>",
       R"(run{"code":"x"})", "left out"},
      {"wrappers", "<tool_call>\n<function=now>\n</function>\n</tool_call>", "now{}"},
      {"hermes", R"({"name": "now", "arguments": {}})", "now{}", "another form"},
      {"no function", "<parameter=code>x</parameter>", "refused"},
      {"prose", "call <b>run</b>", "refused"},
      {"cut name", "<function=ru", "refused"},
      {"cut in the end of the function",
       "<function=set>\n<parameter=number>\n12\n</parameter>\n</funct", R"(set{"number":12})"},
      {"cut in the next value", "<function=run><parameter=code>x</parameter>\n<parameter=time",
       R"(run{"code":"x"})"},
      {"cut before the value", "<function=run><parameter=code>x</parameter><parameter=timeout>\n",
       R"(run{"code":"x"})", "ended inside"},
      {"cut in an attribute", "<function name=\"run\"><param name=\"code\">x</param><param na",
       R"(run{"code":"x"})"},
      {"less than at the end", "<function=run><parameter=code>a <b", R"(run{"code":"a <b"})",
       "ended inside"},
      {"json in quotes", R"(<function=run>"{\"code\": 1}"</function>)", R"(run{"code":1})"},
      {"none", "<function=set><parameter=either>None</parameter></function>",
       R"(set{"either":null})"},
      {"a sentence", "<function=run> is how to call", "refused"},
      {"json in a fence", "<function=run>```json\n{\"code\": \"x\"}\n```</function>",
       R"(run{"code":"x"})", "fence"},
      {"words behind", "<function=run><parameter=code>x</parameter></function>\nDone.",
       R"(run{"code":"x"})", "left out: Done."},
      {"tags named after keys", "<function=run><code>x</code>\n<timeout>2</timeout></function>",
       R"(run{"code":"x","timeout":2})", "tags of their names"},
      {"open tag of a value", "<function=run>\n<parameter=code\nx\n</parameter>\n</function>",
       R"(run{"code":"x"})", "not written to its end"},
      {"open tag of a call", "<function=run\n<parameter=code>x</parameter></function>",
       R"(run{"code":"x"})", "not written to its end"},
      {"closed by its key", "<function=run>\n<parameter=code>\nx\n</code>\n</function>",
       R"(run{"code":"x"})", "no closing tag"},
      {"cut key in an object", "<function=set><parameter=object>{\"x\": 1, \"le",
       R"(set{"object":{"x":1}})", "cut_off"},
      {"capitals", "<FUNCTION=run><PARAMETER=code>x</PARAMETER></FUNCTION>", R"(run{"code":"x"})"},
  };
  for (const FormCase& one : cases) EXPECT_EQ(Complaint(CallForm::kFunctionTags, one), "");
}

TEST(CallTagsTest, PairsOfKeysAndValues) {
  const FormCase cases[] = {
      {"4.5", "run\n<arg_key>code</arg_key>\n<arg_value> x </arg_value>\n", R"(run{"code":" x "})"},
      {"4.7", "run<arg_key>code</arg_key><arg_value>x</arg_value>", R"(run{"code":"x"})"},
      {"types",
       "get_weather\n<arg_key>city</arg_key>\n<arg_value>12</arg_value>\n<arg_key>days</arg_key>\n"
       "<arg_value>12</arg_value>",
       R"(get_weather{"city":"12","days":12})"},
      {"no arguments", "now", "now{}"},
      {"break", "now\n", "now{}"},
      {"inner tags",
       "run<arg_key>code</arg_key><arg_value>a </arg_value> <tool_call> b</arg_value>",
       R"(run{"code":"a </arg_value> <tool_call> b"})"},
      {"inner call",
       "run<arg_key>code</arg_key><arg_value><tool_call>now<arg_key>a</arg_key><arg_value>1"
       "</arg_value></tool_call></arg_value>",
       R"(run{"code":"<tool_call>now<arg_key>a</arg_key><arg_value>1</arg_value></tool_call>"})"},
      {"no end of value",
       "get_weather<arg_key>city</arg_key><arg_value>Rome<arg_key>days</arg_key><arg_value>2"
       "</arg_value>",
       R"(get_weather{"city":"Rome","days":2})", "no closing tag"},
      {"no end of key", "run<arg_key>code<arg_value>x</arg_value>", R"(run{"code":"x"})"},
      {"cut", "run<arg_key>code</arg_key><arg_value>x</arg_val", R"(run{"code":"x"})",
       "ended inside"},
      {"no end of value, on lines",
       "get_weather\n<arg_key>city</arg_key>\n<arg_value>Rome\n<arg_key>days</arg_key>\n"
       "<arg_value>2</arg_value>",
       R"(get_weather{"city":"Rome","days":2})", "no closing tag"},
      {"no start of value", "run\n<arg_key>code</arg_key>\nx</arg_value>\n", R"(run{"code":"x"})"},
      {"cut in a key", "run<arg_key>code</arg_key><arg_value>x</arg_value>\n<arg_key>time",
       R"(run{"code":"x"})"},
      {"words behind", "run<arg_key>code</arg_key><arg_value>x</arg_value>\n\nDone.",
       R"(run{"code":"x"})", "left out: Done."},
      {"no mark before a call",
       "run<arg_key>code</arg_key><arg_value>x</arg_value>\n"
       "run<arg_key>code</arg_key><arg_value>y</arg_value>",
       R"(run{"code":"x"} run{"code":"y"})"},
      {"the wrong end", "run<arg_key>code</arg_key><arg_value>x</arg_key></tool_call>",
       R"(run{"code":"x"})", "the wrong one"},
      {"a quoted end",
       "run<arg_key>code</arg_key><arg_value>use </arg_value> so</arg_value>\n</tool_call>",
       R"(run{"code":"use </arg_value> so"})"},
      {"cut in the end of a key",
       "run<arg_key>code</arg_key><arg_value>x</arg_value><arg_key>timeout</arg_k",
       R"(run{"code":"x"})"},
      {"cut before a value",
       "run<arg_key>code</arg_key><arg_value>x</arg_value><arg_key>timeout</arg_key><a",
       R"(run{"code":"x"})", "ended inside"},
      {"two", "now</tool_call>\n<tool_call>now</tool_call>", "now{} now{}"},
      {"unknown", "fly<arg_key>to</arg_key><arg_value>Rome</arg_value>", R"(fly{"to":"Rome"})"},
      {"unknown and bare", "fly", "refused"},
      {"json", R"({"name": "now", "arguments": {}})", "now{}", "another form"},
  };
  for (const FormCase& one : cases) EXPECT_EQ(Complaint(CallForm::kArgPairs, one), "");
}

TEST(CallTagsTest, InvokeTagsWithAnyPrefix) {
  const FormCase cases[] = {
      {"plain", "<invoke name=\"run\">\n<parameter name=\"code\">\nx</parameter>\n</invoke>",
       R"(run{"code":"\nx"})"},
      {"deepseek",
       "<｜DSML｜invoke name=\"get_weather\">\n<｜DSML｜parameter name=\"city\" string=\"true\">12"
       "</｜DSML｜parameter>\n<｜DSML｜parameter name=\"days\" string=\"false\">2"
       "</｜DSML｜parameter>\n</｜DSML｜invoke>",
       R"(get_weather{"city":"12","days":2})"},
      {"step",
       "<steptml:invoke name='run'><steptml:parameter name='code'>x</steptml:parameter>"
       "</steptml:invoke>",
       R"(run{"code":"x"})"},
      {"no quotes", "<invoke name=run><parameter name=code>x</parameter></invoke>",
       R"(run{"code":"x"})"},
      {"other prefix is text",
       "<a:invoke name=\"run\"><a:parameter name=\"code\"></parameter><parameter name=\"b\">"
       "</a:parameter></a:invoke>",
       R"(run{"code":"</parameter><parameter name=\"b\">"})"},
      {"declared json that is none",
       "<invoke name=\"run\"><parameter name=\"code\" string=\"false\">a b</parameter></invoke>",
       R"(run{"code":"a b"})"},
      {"two", "<invoke name=\"now\"></invoke><invoke name=\"now\"></invoke>", "now{} now{}"},
      {"closed at once", "<invoke name=\"now\"/>", "now{}"},
      {"cut", "<invoke name=\"run\"><parameter name=\"code\">x</", R"(run{"code":"x"})",
       "ended inside"},
      {"no end of value", "<invoke name=\"run\"><parameter name=\"code\">x</invoke>",
       R"(run{"code":"x"})", "no closing tag"},
      {"kimi",
       "<|open|>call tool=\"get_weather\" index=\"1\"<|sep|><|open|>argument key=\"city\" "
       "type=\"string\"<|sep|>12<|close|>argument<|sep|><|open|>argument key=\"days\" "
       "type=\"number\"<|sep|>2<|close|>argument<|sep|><|close|>call<|sep|>",
       R"(get_weather{"city":"12","days":2})"},
      {"kimi cut",
       "<|open|>call tool=\"run\" index=\"1\"<|sep|><|open|>argument key=\"code\" "
       "type=\"string\"<|sep|>x",
       R"(run{"code":"x"})", "ended inside"},
      {"cut in the next value",
       "<｜DSML｜invoke name=\"set\">\n<｜DSML｜parameter name=\"number\" string=\"false\">10"
       "</｜DSML｜parameter>\n<｜DSML｜parameter name=\"text\" str",
       R"(set{"number":10})"},
      {"kimi cut in a tag",
       "<|open|>call tool=\"run\" index=\"1\"<|sep|><|open|>argument key=\"code\" "
       "type=\"string\"<|sep|>x<|close|>argument<|se",
       R"(run{"code":"x"})", "ended inside"},
      {"kimi cut in a mark",
       "<|open|>call tool=\"run\" index=\"1\"<|sep|><|open|>argument key=\"code\" "
       "type=\"string\"<|sep|>x<|clo",
       R"(run{"code":"x"})", "ended inside"},
      {"no name", "<invoke><parameter name=\"code\">x</parameter></invoke>", "refused"},
  };
  for (const FormCase& one : cases) EXPECT_EQ(Complaint(CallForm::kInvokeTags, one), "");
}

TEST(CallTagsTest, ElementsAreNamedAfterTheKey) {
  const FormCase cases[] = {
      {"text",
       "]<]minimax[>[<invoke name=\"run\">]<]minimax[>[<code>a <b>c</b>]<]minimax[>[</code>"
       "]<]minimax[>[</invoke>",
       R"(run{"code":"a <b>c</b>"})"},
      {"object",
       "]<]minimax[>[<invoke name=\"set\">]<]minimax[>[<object>]<]minimax[>[<x>1]<]minimax[>[</x>"
       "]<]minimax[>[<note>2]<]minimax[>[</note>]<]minimax[>[</object>]<]minimax[>[</invoke>",
       R"(set{"object":{"x":1,"note":"2"}})"},
      {"list",
       "]<]minimax[>[<invoke name=\"set\">]<]minimax[>[<list>]<]minimax[>[<item>1]<]minimax[>["
       "</item>]<]minimax[>[<item>b]<]minimax[>[</item>]<]minimax[>[</list>]<]minimax[>[</invoke>",
       R"(set{"list":["1","b"]})"},
      {"list without schema", "<invoke name=\"fly\"><to><item>1</item><item>2</item></to></invoke>",
       R"(fly{"to":[1,2]})"},
      {"empty", "]<]minimax[>[<invoke name=\"now\">]<]minimax[>[</invoke>", "now{}"},
      {"json in it",
       "]<]minimax[>[<invoke name=\"set\">]<]minimax[>[<list>[\"a\"]]<]minimax[>[</list>"
       "]<]minimax[>[</invoke>",
       R"(set{"list":["a"]})"},
      {"no marks", "<invoke name=\"set\"><number>1.0</number></invoke>", R"(set{"number":1.0})"},
      {"no end", "]<]minimax[>[<invoke name=\"run\">]<]minimax[>[<code>a]<]minimax[>[</invoke>",
       R"(run{"code":"a"})", "no closing tag"},
      {"cut", "]<]minimax[>[<invoke name=\"run\">]<]minimax[>[<code>a", R"(run{"code":"a"})",
       "no closing tag"},
      {"cut in a tag", "]<]minimax[>[<invoke name=\"run\">]<]minimax[>[<code>a]<]minimax[>[</co",
       R"(run{"code":"a"})", "no closing tag"},
      {"cut in a tag without marks", "<invoke name=\"run\"><code>a</co", R"(run{"code":"a"})",
       "no closing tag"},
      {"two",
       "]<]minimax[>[<invoke name=\"now\">]<]minimax[>[</invoke>\n]<]minimax[>[<invoke "
       "name=\"run\">]<]minimax[>[</invoke>",
       "now{} run{}"},
  };
  for (const FormCase& one : cases) EXPECT_EQ(Complaint(CallForm::kInvokeTags, one), "");
}

}  // namespace
}  // namespace weir::text
