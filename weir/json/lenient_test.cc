#include "weir/json/lenient.h"

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::json {
namespace {

using testing::Contains;
using testing::HasSubstr;

struct LenientCase {
  std::string_view name;
  std::string_view text;
  std::string_view wanted;
  std::string_view kind;  // of a repair that must be noted
};

const LenientCase kLenientCases[] = {
    {"trailing_comma", R"([1, {"a": 2,},])", R"([1,{"a":2}])", "extra_comma"},
    {"doubled_comma", "[1,,2]", "[1,2]", "extra_comma"},
    {"missing_comma", R"({"a": 1 "b": 2})", R"({"a":1,"b":2})", "missing_comma"},
    {"missing_colon", R"({"a" 1})", R"({"a":1})", "missing_colon"},
    {"arrow", R"({a => 1})", R"({"a":1})", "missing_colon"},
    {"equals_sign", "{a=1, b = x}", R"({"a":1,"b":"x"})", "missing_colon"},
    {"equals_signs_and_semicolons", R"({"a" = 1; "b" => 2})", R"({"a":1,"b":2})", "missing_colon"},
    {"equals_sign_and_no_comma", R"({"a" = "x" "b" => "y"})", R"({"a":"x","b":"y"})",
     "missing_comma"},
    {"semicolon", R"({"a": "x;y"; "b": [1; 2], "c": {}; "d": e})",
     R"({"a":"x;y","b":[1,2],"c":{},"d":"e"})", "missing_comma"},
    {"semicolons_between_strings", R"(["a"; "b"; "c;"])", R"(["a","b","c;"])", "missing_comma"},
    {"trailing_semicolon", "{a = b; c = \"d\";\n}", R"({"a":"b","c":"d"})", "extra_comma"},
    {"semicolon_and_equals_sign_in_text", R"({"a": "x = "b"; y = "c";", "d": "return "e"; }"})",
     R"({"a":"x = \"b\"; y = \"c\";","d":"return \"e\"; }"})", "unescaped_quote"},
    {"equals_sign_without_a_key", R"({=, "a" = 1})", R"({"a":1})", "extra_colon"},
    {"missing_value", R"({"a": , "b": 1})", R"({"a":null,"b":1})", "missing_value"},
    {"bare_key_behind_a_string", R"({a: ["x", {b: "y", c: 1}], d: "z"})",
     R"({"a":["x",{"b":"y","c":1}],"d":"z"})", "unquoted_key"},
    {"single_quotes_and_a_bare_key_behind_one", R"({'a': ['x', {b: 'y'}]})",
     R"({"a":["x",{"b":"y"}]})", "unquoted_key"},
    {"bare_list_behind_a_string", R"(["x", [b, c], "z"])", R"(["x",["b","c"],"z"])",
     "unquoted_string"},
    {"odd_numbers_behind_a_string", R"(["x", [.5], "y", [+1], "z"])", R"(["x",[0.5],"y",[1],"z"])",
     "number"},
    {"comments_behind_a_string", R"(["x", [/* c */ 1], "y", {/* c */ "b": 1}])",
     R"(["x",[1],"y",{"b":1}])", "comment"},
    {"items_of_all_kinds_on_lines", "[\"a b\"\n\"c d\"\n[]\n\"e\"\n47\n{\"n\": \"x\"}\n]",
     R"(["a b","c d",[],"e",47,{"n":"x"}])", "missing_comma"},
    {"list_in_words", R"({"a": "he said "hi", [laughs] and left", "b": 1})",
     R"({"a":"he said \"hi\", [laughs] and left","b":1})", "unescaped_quote"},
    {"missing_brace", R"([{"a": 1, {"a": 2}])", R"([{"a":1},{"a":2}])", "missing_closer"},
    {"missing_bracket", R"({"a": [1, 2, "b": 3})", R"({"a":[1,2],"b":3})", "missing_closer"},
    {"missing_bracket_after_an_object", R"({"a":[1,2,{"b":3},"c":4})",
     R"({"a":[1,2,{"b":3}],"c":4})", "missing_closer"},
    {"missing_bracket_in_a_list", R"([{"a":[{"b":1},"c":{"d":[1]}},{"a":[],"c":2}])",
     R"([{"a":[{"b":1}],"c":{"d":[1]}},{"a":[],"c":2}])", "missing_closer"},
    {"two_missing_brackets", R"({"a":[[{"b":3},"c":4})", R"({"a":[[{"b":3}]],"c":4})",
     "missing_closer"},
    {"two_missing_brackets_after_a_string", R"({"a":[["b","c":4})", R"({"a":[["b"]],"c":4})",
     "missing_closer"},
    {"missing_bracket_before_a_bare_key", "{a: [1, {b: 3}, c: 4, d: [e: f]}",
     R"({"a":[1,{"b":3}],"c":4,"d":["e: f"]})", "missing_closer"},
    {"missing_opening_brace", R"("a": 1, "b": 2})", R"({"a":1,"b":2})", "missing_opener"},
    {"missing_opening_bracket", R"({"a": "x", "y"], "b": 1})", R"({"a":["x","y"],"b":1})",
     "missing_opener"},
    {"wrong_bracket", R"({"a": [1, 2}, "b": 3})", R"({"a":[1,2],"b":3})", "wrong_closer"},
    {"bracket_too_early", R"({"a": 1}, "b": 2})", R"({"a":1,"b":2})", "extra_closer"},
    {"bracket_too_early_in_an_item", R"({"a":[{"b":1},"c":2},{"b":3,"c":4}]})",
     R"({"a":[{"b":1,"c":2},{"b":3,"c":4}]})", "extra_closer"},
    {"doubled_braces", R"({{"a": 1}})", R"({"a":1})", "extra_opener"},
    {"single_quotes", R"(['it's', 'b'])", R"(["it's","b"])", "single_quotes"},
    {"smart_quotes", "{“a”: “it’s”}", R"({"a":"it’s"})", "smart_quotes"},
    {"backticks", "[`a`]", R"(["a"])", "backtick_quotes"},
    {"triple_quotes", "[\"\"\"a \"b\"\nc\"\"\"]", R"(["a \"b\"\nc"])", "triple_quotes"},
    {"doubled_quotes", R"({""a"": ""b""})", R"({"a":"b"})", "doubled_quotes"},
    {"escaped_document", R"({\"a\": \"b\\nc\"})", R"({"a":"b\nc"})", "escaped_quotes"},
    {"unescaped_quotes", R"({"a": "say "hi", ok", "b": 1})", R"({"a":"say \"hi\", ok","b":1})",
     "unescaped_quote"},
    {"json_in_a_string", R"({"a": "it is {"b": "c"}, so", "d": 1})",
     R"({"a":"it is {\"b\": \"c\"}, so","d":1})", "unescaped_quote"},
    {"no_last_quote", R"({"a": "b, "c": "d"})", R"({"a":"b","c":"d"})", "missing_quote"},
    {"no_last_quote_before_brackets", R"([{"a": "b}, {"a": "c"}])", R"([{"a":"b"},{"a":"c"}])",
     "missing_quote"},
    {"no_first_quote", R"(["a", b c", "d"])", R"(["a","b c","d"])", "missing_quote"},
    {"no_quote_of_a_key", R"({"a: 1, "b": 2})", R"({"a":1,"b":2})", "missing_quote"},
    {"bare_words", "{a: b c, d: e}", R"({"a":"b c","d":"e"})", "unquoted_string"},
    {"url", "[https://a.b/c?d=1]", R"(["https://a.b/c?d=1"])", "unquoted_string"},
    {"python", "{'a': None, 'b': True}", R"({"a":null,"b":true})", "constant"},
    {"not_a_number", "[NaN, -Infinity, undefined]", "[null,null,null]", "constant"},
    {"half_a_constant", "[true, fal", "[true,false]", "constant"},
    {"numbers", "[+1, .5, 1., 0x1F, 1_000, -.5]", "[1,0.5,1.0,31,1000,-0.5]", "number"},
    {"thousands", R"({"a": 1,000})", R"({"a":"1,000"})", "unquoted_string"},
    {"thousands_between_members", R"({"a": -1,000,000.50 , "b": 12,345 "c": 2})",
     R"({"a":"-1,000,000.50","b":"12,345","c":2})", "unquoted_string"},
    {"thousands_and_bare_keys", "{a: 1,000, 2: 3}", R"({"a":"1,000","2":3})", "unquoted_string"},
    {"number_with_leading_zeros", "[007, 1/3]", R"(["007","1/3"])", "unquoted_string"},
    {"line_break", "[\"a\nb\"]", R"(["a\nb"])", "control_character"},
    {"line_break_before_the_mark", "[\"a\n\", 'b\r\n']", R"(["a\n","b\r\n"])", "control_character"},
    {"line_break_at_the_end_of_a_key", "{\"a\n\": 1}", R"({"a":1})", "line_break_at_end"},
    {"line_break_behind_a_fence", "[\"```\nx\n```\n\"]", R"(["```\nx\n```"])", "line_break_at_end"},
    {"unknown_escape", R"(["\d+\'\q"])", R"(["\\d+'\\q"])", "invalid_escape"},
    {"half_a_pair", R"(["\ud800x"])", "[\"\xEF\xBF\xBDx\"]", "invalid_unicode"},
    {"bad_utf8", "[\"\xFFx\"]", "[\"\xEF\xBF\xBDx\"]", "invalid_unicode"},
    {"concatenation", R"("a" + "b")", R"("ab")", "concatenation"},
    {"comments", "{/* a */ \"b\": 1, // c: [\n # d\n}", R"({"b":1})", "comment"},
    {"ellipsis", "[1, 2, ...]", "[1,2]", "ellipsis"},
    {"call", R"({"a": ObjectId("1")})", R"({"a":"1"})", "call"},
    {"jsonp", R"(f({"a": 1});)", R"({"a":1})", "call"},
    {"tuple", "{'a': (1, 2), 'b': (3)}", R"({"a":[1,2],"b":3})", "parentheses"},
    {"set", "{'a', 'b'}", R"(["a","b"])", "set"},
    {"odd_space", "{\"a\":\xC2\xA0\"b\"}", R"({"a":"b"})", "special_space"},
    {"odd_space_behind_a_mark", "{\"a\":\"x\",\xC2\xA0\"b\":\"y\"\xE3\x80\x80,\"c\":1}",
     R"({"a":"x","b":"y","c":1})", "special_space"},
    {"odd_indents", "{\n\xC2\xA0\xC2\xA0\"a\": \"x\",\n\xC2\xA0\xC2\xA0\"b\": 1\n}",
     R"({"a":"x","b":1})", "special_space"},
    {"doubled_quotes_behind_a_number", R"({"a": 1, ""b"": 2, ""c"": true, ""d"": "e"})",
     R"({"a":1,"b":2,"c":true,"d":"e"})", "doubled_quotes"},
    {"commas_behind_brackets", R"({"a": {"b": "c"},, "d": ["e"],, "f": [["g"],, 2]})",
     R"({"a":{"b":"c"},"d":["e"],"f":[["g"],2]})", "extra_comma"},
    {"three_letters_of_a_constant", R"({"a": tru, "b": [nul]})", R"({"a":true,"b":[null]})",
     "constant"},
    {"escaped_line_breaks", R"({\n  \"a\": \"x\",\n  \"b\": \"y\"\n})", R"({"a":"x","b":"y"})",
     "escaped_quotes"},
    {"long_numbers", "[\"a\", 55555555555555555555555555555555555555555555555,]",
     R"(["a",55555555555555555555555555555555555555555555555])", "extra_comma"},
    {"cut_in_a_key", R"({"score": 0.97, "sum)", R"({"score":0.97,"sum":null})", "cut_off"},
    {"cut_in_a_constant", "[\"a/b\",\n  tr", R"(["a/b",true])", "constant"},
    {"stray_word", R"({"a": 1, NOTE "b": 2})", R"({"a":1,"b":2})", "stray_text"},
    {"fence", "```json\n{\"a\": 1}\n```", R"({"a":1})", "fence"},
    {"fence_in_text", "It is {x}:\n```json\n[1]\n```\nbye [2]", "[1]", "text_before"},
    {"fence_inside", "{\"a\": ```json\n{\"b\": 1}\n```, \"c\": 2}", R"({"a":{"b":1},"c":2})",
     "fence"},
    {"fence_without_end", "```\n{\"a\": [1", R"({"a":[1]})", "cut_off"},
    {"reasoning", "<think>{\"x\": 1}</think>\n{\"a\": 1}", R"({"a":1})", "reasoning"},
    {"reasoning_without_start", "so [1]\n</think>\n{\"a\": 1}", R"({"a":1})", "reasoning"},
    {"text_around", "Sure: {\"a\": 1} - done.", R"({"a":1})", "text_after"},
    {"lines", "{\"a\": 1}\n{\"a\": 2}\n", R"([{"a":1},{"a":2}])", "several_documents"},
    {"several_in_text", "x {\"a\": 1} y {\"a\": 2} z", R"([{"a":1},{"a":2}])", "several_documents"},
    {"only_text", "I cannot do that.", R"("I cannot do that.")", "unquoted_string"},
    {"cut_in_a_string", R"({"a": ["b", "c d)", R"({"a":["b","c d"]})", "cut_off"},
    {"cut_after_a_key", R"({"a": 1, "b":)", R"({"a":1,"b":null})", "cut_off"},
    {"cut_in_an_escape", R"({"a": "b\u20)", R"({"a":"b"})", "cut_off"},
    {"nothing_of_a_string_came", R"(["a", ")", R"(["a"])", "cut_off"},
    {"json_in_a_string_with_several_keys", R"({"args": "{"city": "Paris", "unit": "c"}", "n": 1})",
     R"({"args":"{\"city\": \"Paris\", \"unit\": \"c\"}","n":1})", "unescaped_quote"},
    {"json_in_an_item_with_several_keys", R"(["p","{"a": {"b": ["c", "d"]}}","n"])",
     R"(["p","{\"a\": {\"b\": [\"c\", \"d\"]}}","n"])", "unescaped_quote"},
    {"bracket_in_marks_in_a_string", R"({"a": "use "}" to close", "b": [1], "c": "d"})",
     R"({"a":"use \"}\" to close","b":[1],"c":"d"})", "unescaped_quote"},
    {"bracket_in_marks_deeper", R"({"a": {"b": "use "}" to close", "c": 1}})",
     R"({"a":{"b":"use \"}\" to close","c":1}})", "unescaped_quote"},
    {"bracket_behind_marks_in_a_string", R"({"a": "he said "ok"} and", "b": 2})",
     R"({"a":"he said \"ok\"} and","b":2})", "unescaped_quote"},
    {"bracket_behind_another_mark", R"([`[^"']+`, `x`])", R"(["[^\"']+","x"])", "unescaped_quote"},
    {"doubled_bracket_in_a_list", R"({"r": [{"a": 1}}, {"a": 2}], "z": 3})",
     R"({"r":[{"a":1},{"a":2}],"z":3})", "extra_closer"},
    {"doubled_bracket_in_an_item", R"({"r": [{"a": [1]]}, {"a": 2}], "z": 3})",
     R"({"r":[{"a":[1]},{"a":2}],"z":3})", "extra_closer"},
    {"doubled_bracket_in_an_object", R"({"d": {"r": [[1]]], "c": 2}, "z": 3})",
     R"({"d":{"r":[[1]],"c":2},"z":3})", "extra_closer"},
    {"bracket_too_early_in_a_root_list", R"(["a", "b"], "c"])", R"(["a","b","c"])", "extra_closer"},
    {"root_list_without_opener", R"("x", "y"])", R"(["x","y"])", "missing_opener"},
    {"object_without_opener_in_a_list", R"({"t": [100, "k": 3, "m": 4}], "z": 1})",
     R"({"t":[100,{"k":3,"m":4}],"z":1})", "missing_opener"},
    {"list_of_objects_without_opener", R"({"p": 1, {"k": 2}], "q": 1})",
     R"({"p":[1,{"k":2}],"q":1})", "missing_opener"},
    {"list_of_numbers_without_opener", R"({"p": 1, 2, 3], "q": "r", 4]})",
     R"({"p":[1,2,3],"q":["r",4]})", "missing_opener"},
    {"list_without_opener_with_colons", R"({"p": "q", "at: 4"], "r": 1})",
     R"({"p":["q","at: 4"],"r":1})", "missing_opener"},
    {"escaped_line_breaks_as_layout", R"({\n  "a": "x",\n  "b": 1\n})", R"({"a":"x","b":1})",
     "escaped_quotes"},
    {"label_before", R"([TOOL_CALLS] [{"a": 1}])", R"([{"a":1}])", "text_before"},
    {"label_and_text_before", R"([1] See {"a": 1})", R"({"a":1})", "text_before"},
    {"single_backticks_around", R"(`json {"a": 1}`)", R"({"a":1})", "fence"},
    {"other_think_tags", R"(◁think▷so {"a": 1}◁/think▷{"b": 2})", R"({"b":2})", "reasoning"},
    {"channels",
     R"(<|channel|>analysis<|message|>so {"a": 1}<|end|><|start|>assistant<|channel|>final<|message|>{"b": 2})",
     R"({"b":2})", "reasoning"},
    {"sketch_before", R"(The schema {"type": ...} gives: {"a": 1})", R"({"a":1})", "text_before"},
    {"cdata", R"(<![CDATA[{"a": 1}]]>)", R"({"a":1})", "text_before"},
    {"quoted_name_before", R"("result" = {"a": 1})", R"({"a":1})", "text_before"},
    {"fence_with_a_title", "```json title=\"x.json\"\n{\"a\": \"```\\n[1]\\n```\"}\n```",
     R"({"a":"```\n[1]\n```"})", "fence"},
    {"list_of_marks_in_a_string", R"({"x": "options: "yes", "no", "maybe"", "y": 2})",
     R"({"x":"options: \"yes\", \"no\", \"maybe\"","y":2})", "unescaped_quote"},
    {"sentence_with_marks_in_a_list", R"(["She replied, "I don't know", then left."])",
     R"(["She replied, \"I don't know\", then left."])", "unescaped_quote"},
    {"marks_and_a_colon_in_a_string", R"({"a": "so-called "AI", "ML": both", "b": 1})",
     R"({"a":"so-called \"AI\", \"ML\": both","b":1})", "unescaped_quote"},
    {"marks_at_both_ends_and_between", R"({"a": ""A" and "B""})", R"({"a":"\"A\" and \"B\""})",
     "unescaped_quote"},
    {"no_last_quote_behind_a_bracket", "{\"a\": \"x },\n \"b\": \"c\"}", R"({"a":"x }","b":"c"})",
     "missing_quote"},
    {"ellipsis_behind_a_value", "[1, 2 ...]", "[1,2]", "ellipsis"},
    {"ellipsis_behind_a_string", R"(["a" …])", R"(["a"])", "ellipsis"},
    {"ellipsis_in_brackets", R"({"a": 5, [...]})", R"({"a":5})", "ellipsis"},
    {"ellipsis_behind_an_escaped_document", R"({"a": [{"b": "{\"x\": 0, \"q\": 1}"}, …]})",
     R"({"a":[{"b":"{\"x\": 0, \"q\": 1}"}]})", "ellipsis"},
    {"stray_line", "{\"a\": \"x\",\n--- next ---\n \"b\": 2}", R"({"a":"x","b":2})", "stray_text"},
    {"stray_line_with_a_colon", "{\"a\": 1,\nHere is more:\n \"b\": 2}", R"({"a":1,"b":2})",
     "stray_text"},
    {"new_object", R"(["x", new Date("2024-01-01"), "y"])", R"(["x","2024-01-01","y"])", "call"},
    {"python_prefix", R"(["x", f"hello", rb'y'])", R"(["x","hello","y"])", "stray_text"},
    {"backslash_before_the_last_mark", R"({"p": "C:\Users\", "b": 1})",
     R"({"p":"C:\\Users\\","b":1})", "invalid_escape"},
    {"backslash_before_the_last_mark_of_all", R"(["a", "C:\Users\"])", R"(["a","C:\\Users\\"])",
     "invalid_escape"},
    {"wide_colon", R"({"a"： 2024})", R"({"a":2024})", "missing_colon"},
    {"wide_comma", R"({"a": [1，2]，"b": "c"， "d": "e，f"})", R"({"a":[1,2],"b":"c","d":"e，f"})",
     "missing_comma"},
    {"cut_in_a_closed_fence", "```json\n{\"a\": \"b\n```", R"({"a":"b"})", "cut_off"},
    {"cut_in_a_key_in_a_closed_fence", "```json\n{\"ab\n```", R"({"ab":null})", "cut_off"},
    {"extra_mark_behind_a_key", R"({"a"": "x"})", R"({"a":"x"})", "doubled_quotes"},
    {"extra_mark_behind_a_value", R"({"a": "x"", "b": ["y""]})", R"({"a":"x","b":["y"]})",
     "doubled_quotes"},
    {"inches", R"({"a": "5"", "b": 1})", R"({"a":"5\"","b":1})", "unescaped_quote"},
    {"plain_marks_in_smart_ones", R"({“a”: “"b"”})", R"({"a":"\"b\""})", "smart_quotes"},
    {"smart_mark_at_the_end", R"({"a”: 1, "b": "c”, "d": ["e”]})", R"({"a":1,"b":"c","d":["e"]})",
     "smart_quotes"},
    {"mark_in_a_smart_string_at_its_end", R"({“a”: “b", "c": 1})", R"({"a":"b","c":1})",
     "smart_quotes"},
    {"parenthesis_for_a_bracket", R"({"a": "b", "c": [1, 2)})", R"({"a":"b","c":[1,2]})",
     "wrong_closer"},
    {"parenthesis_for_the_last_bracket", R"({"a": "b"))", R"({"a":"b"})", "wrong_closer"},
    {"document_in_a_string_in_a_tuple", R"(({"x":"{\"q\": \"a b\"}"},))",
     R"([{"x":"{\"q\": \"a b\"}"}])", "parentheses"},
    {"set_with_marks_and_a_colon", R"({"a \"b\": c", "d"})", R"(["a \"b\": c","d"])", "set"},
    {"semicolon_behind", R"({"a": 1};)", R"({"a":1})", "extra_comma"},
    {"parenthesis_behind", R"({"a": 1}))", R"({"a":1})", "extra_closer"},
    {"cut_before_a_closed_fence", "```json\n{\"a\": \"b\",\n```", R"({"a":"b"})", "cut_off"},
    {"cut_in_a_key_in_single_quotes", "{'a': 'b',\n 'cd", R"({"a":"b","cd":null})", "cut_off"},
    {"cut_in_a_key_behind_a_missing_comma", "{\"a\": \"b\"\n \"cd", R"({"a":"b","cd":null})",
     "cut_off"},
    {"adjacent_strings", "{'a': 'b '\n 'c '\n 'd', 'e': 1}", R"({"a":"b c d","e":1})",
     "concatenation"},
    {"missing_brace_by_the_column", "{\n  \"a\": {\n    \"b\": 1,\n  \"c\": 2\n}",
     R"({"a":{"b":1},"c":2})", "missing_closer"},
    {"two_missing_braces_by_the_column",
     "{\n  \"a\": {\n    \"b\": {\n      \"c\": 1\n  \"d\": 2\n}", R"({"a":{"b":{"c":1}},"d":2})",
     "missing_closer"},
    {"bracket_in_marks_in_an_item", R"([{"a": "use "}" to close", "b": "c"}])",
     R"([{"a":"use \"}\" to close","b":"c"}])", "unescaped_quote"},
    {"extra_mark_behind_escaped_ones", R"({"a": "x \"y\"."", "b": 1})", R"({"a":"x \"y\".","b":1})",
     "doubled_quotes"},
    {"wide_commas_and_smart_marks", "{“a”：[“b c”，42，null]}", R"({"a":["b c",42,null]})",
     "missing_comma"},
    {"code_in_single_quotes", R"({'a': 'x {"b": c, 'd': [1]}; y', 'e': 30})",
     R"({"a":"x {\"b\": c, 'd': [1]}; y","e":30})", "unescaped_quote"},
    {"code_without_marks", R"({"a": const b = {c: 1, d: [2]}; f();", "e": 1})",
     R"({"a":"const b = {c: 1, d: [2]}; f();","e":1})", "missing_quote"},
    {"code_without_its_last_mark", "{\"a\": \"b\", \"c\": \"d = {e: 1, f: 2};\n}",
     R"({"a":"b","c":"d = {e: 1, f: 2};"})", "missing_quote"},
    {"object_without_opener_between_items", R"({"a": ["x", "b": 1}, "y"], "c": 2})",
     R"({"a":["x",{"b":1},"y"],"c":2})", "missing_opener"},
    {"stray_word_behind_an_object", "[{\"a\": \"\\w\"\n }, also\n\n {\"b\": 1}]",
     R"([{"a":"\\w"},"also",{"b":1}])", "invalid_escape"},
    {"brackets_too_early", R"({"a": 1}]}, "b": [2], "c": "d"})", R"({"a":1,"b":[2],"c":"d"})",
     "extra_closer"},
    {"cut_in_a_number", "1.5e", "1.5e0", "cut_off"},
    {"nothing_of_a_number_came", R"({"a": -)", R"({"a":null})", "cut_off"},
    {"nothing_of_an_item_came", "[1, -", "[1]", "cut_off"},
    {"html_comment", R"({"a": "b", <!-- c: "d" --> "e": [1, <!-- f -->2]})",
     R"({"a":"b","e":[1,2]})", "comment"},
    {"html_entities",
     R"({&quot;a&quot;: &quot;b \&quot;c\&quot; &amp;lt; d, e&quot;, &quot;f&quot;: 1})",
     R"({"a":"b \"c\" &lt; d, e","f":1})", "escaped_quotes"},
    {"smart_marks_in_bare_text", R"({"a": sagte er: „Zu teuer!“, "b": 1})",
     R"({"a":"sagte er: „Zu teuer!“","b":1})", "unquoted_string"},
    {"extra_mark_behind_a_key_in_a_list",
     R"({"r": [{"a": "b", "c"": "5 g"}, {"a": "b", "c": "d"}]})",
     R"({"r":[{"a":"b","c":"5 g"},{"a":"b","c":"d"}]})", "doubled_quotes"},
    {"number_with_a_unit_on_a_line", "[\"a\",\n 5 km,\n true]", R"(["a","5 km",true])",
     "unquoted_string"},
    {"call_in_a_list", "[datetime.date(2024, 5, 1), 2]", R"_(["datetime.date(2024, 5, 1)",2])_",
     "unquoted_string"},
    {"fence_in_a_string_behind_text",
     "x := {\"a\": \"so:\n```json\n{\"b\": [1]}\n```\nend\", \"c\": 2}",
     R"({"a":"so:\n```json\n{\"b\": [1]}\n```\nend","c":2})", "text_before"},
    {"leading_comma_behind_text", R"(It is {, "a": "b"})", R"({"a":"b"})", "extra_comma"},
    {"word_before_a_cut_document", R"(json {"a": [1)", R"({"a":[1]})", "cut_off"},
    {"bold_keys", R"({**"a"**: "b", **"c d"**: [1], **"e"**: {**"f"**: 2}})",
     R"({"a":"b","c d":[1],"e":{"f":2}})", "stray_text"},
    {"bare_key_of_two_words", "{\"a\": 1,\n my key: 5\n \"b\": 2}", R"({"a":1,"my key":5,"b":2})",
     "unquoted_key"},
    {"stars_at_the_end", R"({"k": {**)", R"({"k":{"**":null}})", "cut_off"},
    {"duplicate_keys_stay", R"({"a": 1, "a": 2,})", R"({"a":1,"a":2})", "extra_comma"},
    {"stray_mark_behind_a_number", "[8”, 1]", R"(["8",1])", "missing_quote"},
    {"stray_mark_behind_a_constant", R"({"a": true“})", R"({"a":"true"})", "missing_quote"},
    {"stray_mark_and_a_key_with_an_apostrophe", R"({"q": 5", "a'b": 1})", R"({"q":"5","a'b":1})",
     "missing_quote"},
    {"key_with_an_apostrophe", R"({"a": "x" "user's name": 2})", R"({"a":"x","user's name":2})",
     "missing_comma"},
    {"key_with_an_apostrophe_behind_words",
     R"({"a": +1, "b's c": 2, "d": .5, "e`f": None, "http://g": 3})",
     R"({"a":1,"b's c":2,"d":0.5,"e`f":null,"http://g":3})", "constant"},
    {"key_with_an_apostrophe_in_smart_marks", "{“a”: “x”, “user's name”: 2}",
     R"({"a":"x","user's name":2})", "smart_quotes"},
    {"key_with_an_apostrophe_in_an_escaped_document", R"({\"a\": \"x\", \"user's name\": 2})",
     R"({"a":"x","user's name":2})", "escaped_quotes"},
    {"key_with_an_apostrophe_in_single_quotes", "{'user's name': 2}", R"({"user's name":2})",
     "unescaped_quote"},
    {"escapes_of_markdown", R"({"is\_active": true, "b": "x\_y \$5 \d"})",
     R"({"is_active":true,"b":"x_y $5 \\d"})", "invalid_escape"},
    {"path_without_escapes", R"({"u": "C:\Users\bob\new"})", R"({"u":"C:\\Users\\bob\\new"})",
     "invalid_escape"},
    {"latex_without_escapes", R"(["\alpha + \beta", "\left( x \right)\n\frac"])",
     R"(["\\alpha + \\beta","\\left( x \\right)\n\\frac"])", "invalid_escape"},
    {"line_breaks_beside_a_regular_expression", R"(["m = '\d+'\nnext\tx"])",
     R"(["m = '\\d+'\nnext\tx"])", "invalid_escape"},
    {"other_mark_at_the_end_of_a_key", R"({"a': 1, "b": 2})", R"({"a":1,"b":2})", "missing_quote"},
    {"other_mark_at_the_end_of_a_single_one", R"({'a": 1, 'b': 'c", "d": 2})",
     R"({"a":1,"b":"c","d":2})", "missing_quote"},
    {"other_mark_at_the_end_of_a_value", R"({"a": "x', "b": ["y', "z"]})",
     R"({"a":"x","b":["y","z"]})", "missing_quote"},
    {"double_mark_at_the_end_of_a_single_value", R"({"a": 'x", "b": 'y'})", R"({"a":"x","b":"y"})",
     "single_quotes"},
    {"possessive_at_the_end", R"({"a": "the dogs', it's, "b": 2})",
     R"({"a":"the dogs', it's","b":2})", "missing_quote"},
    {"colon_inside_of_the_mark", R"({"a:" 1, "b:" "x", "c:"true})", R"({"a":1,"b":"x","c":true})",
     "missing_colon"},
    {"plus_in_code", R"({"code": "s = "a" + "b";"})", R"({"code":"s = \"a\" + \"b\";"})",
     "unescaped_quote"},
    {"no_comma_and_no_blank", R"({"a": 1"b": true"c": [2"d"]})", R"({"a":1,"b":true,"c":[2,"d"]})",
     "missing_comma"},
    {"missing_bracket_on_a_line_before_a_key",
     "{\n  \"a\": [\n    \"x\",\n    \"y\"\n  \"b\": 1\n}", R"({"a":["x","y"],"b":1})",
     "missing_closer"},
    {"number_sign_in_a_value", R"({"a": #ff00aa, "b": [#1, #2], "c": #tag", "d": 1})",
     R"({"a":"#ff00aa","b":["#1","#2"],"c":"#tag","d":1})", "missing_quote"},
    {"number_sign_of_a_comment", "{\"a\": #note\n 2, \"b\": 1}", R"({"a":2,"b":1})", "comment"},
    {"sketch_of_keys_and_values", "The format is {key: value}.\n{\"a\": 1}", R"({"a":1})",
     "text_before"},
    {"sketch_of_types_behind", "{\"a\": 1}\nUse {\"a\": int, \"b\": \"str\", \"c\": <d>} for that.",
     R"({"a":1})", "text_after"},
    {"placeholder_before", R"({Note} this is it: {"a": 1})", R"({"a":1})", "text_before"},
    {"empty_braces_in_a_sentence", R"(Not {} but {"a": 1})", R"({"a":1})", "text_before"},
    {"answer_of_one_number", "Answer: [2024]", "[2024]", "text_before"},
    {"answer_of_no_items", "const x = [];", "[]", "extra_comma"},
    {"answer_of_one_constant", "Result [true]", "[true]", "text_before"},
    {"answer_before_other_brackets", "[2024]\n\nNote: the values [1, 2] are fine.", "[2024]",
     "text_after"},
    {"single_quotes_around", R"('{"a": 1}')", R"({"a":1})", "single_quotes"},
    {"marks_around", R"("{"a": 1}")", R"({"a":1})", "unescaped_quote"},
    {"triple_quotes_around", "'''json\n{\"a\": 1}\n'''", R"({"a":1})", "triple_quotes"},
    {"call_with_a_document_in_marks", R"(json.loads('''{"a": 1}'''))", R"({"a":1})",
     "triple_quotes"},
    {"call_in_backticks", R"(`callback({"a": 1})`)", R"({"a":1})", "fence"},
    {"bare_keys_of_words", R"({a: "x", two words: 2, @id: "y"})",
     R"({"a":"x","two words":2,"@id":"y"})", "unquoted_key"},
    {"key_of_two_words_without_its_first_mark", "{\"a\": \"x\",\n two words\": \"y\",\n \"b\": 1}",
     R"({"a":"x","two words":"y","b":1})", "missing_quote"},
    {"bare_items_behind_strings", R"(["x", two words, "y", 12:30, "z"])",
     R"(["x","two words","y","12:30","z"])", "unquoted_string"},
    {"wrong_bracket_in_an_object", R"({"o": {"a": [1}, "c": 5}, "d": 6})",
     R"({"o":{"a":[1],"c":5},"d":6})", "wrong_closer"},
    {"wrong_bracket_and_nothing_lost",
     R"({"p": [{"q": [[0, 4}, [1, 1]], "k": true}, "x"], "e": true})",
     R"({"p":[{"q":[[0,4],[1,1]],"k":true},"x"],"e":true})", "wrong_closer"},
    {"doubled_bracket_before_a_key", R"({"l": [{"t": ["a"]], "n": 1}, {"t": ["b"], "n": 2}]})",
     R"({"l":[{"t":["a"],"n":1},{"t":["b"],"n":2}]})", "extra_closer"},
    {"parenthesis_for_a_bracket_in_an_object", R"({"a": {"b": 1), "c": {"d": "e"}})",
     R"({"a":{"b":1},"c":{"d":"e"}})", "wrong_closer"},
    {"braces_of_a_template", R"({{"a": {{"b": {{}}, "c": {{"d": 1}}}}, "e": 2}})",
     R"({"a":{"b":{},"c":{"d":1}},"e":2})", "extra_closer"},
    {"wide_colon_of_a_bare_key", R"({a："x"})", R"({"a":"x"})", "missing_colon"},
    {"wide_comma_behind_words", R"({"a": None，"b": foo，"c": "你好”，"d": 1})",
     R"({"a":null,"b":"foo","c":"你好","d":1})", "missing_comma"},
    {"no_colon_between_smart_marks", "{“a”: “x”, “b” “y”}", R"({"a":"x","b":"y"})", "smart_quotes"},
    {"equals_sign_and_no_last_mark", R"({"a" = "x", "b = 1})", R"({"a":"x","b":1})",
     "missing_colon"},
    {"equals_sign_and_no_first_mark", R"({a" = 1})", R"({"a":1})", "missing_colon"},
    {"stray_line_in_single_quotes", "{\n 'a': 'x',\nThe rest:\n 'b': 1\n}", R"({"a":"x","b":1})",
     "single_quotes"},
    {"stray_line_behind_a_bracket", "{\n \"a\": [\"x\"],\nThe rest:\n \"b\": \"y\"\n}",
     R"({"a":["x"],"b":"y"})", "stray_text"},
    {"stray_line_between_objects", "[\n {\"a\": \"x\"},\nAnd more:\n {\"a\": \"y\"}\n]",
     R"([{"a":"x"},{"a":"y"}])", "stray_text"},
    {"bullets", "[\n - \"x\",\n - \"y\"\n]", R"(["x","y"])", "stray_text"},
    {"numbers_of_a_list", "[\n 1. \"x\",\n 2. \"y\"\n]", R"(["x","y"])", "stray_text"},
    {"call_behind_an_object", R"([{"a": "x"}, dict({"a": "y"})])", R"([{"a":"x"},{"a":"y"}])",
     "call"},
    {"nothing_of_a_number_came_behind_a_string", R"(["x", -)", R"(["x"])", "cut_off"},
    {"cut_behind_a_key_in_smart_marks", "{“a”: “x”, “b”", R"({"a":"x","b":null})", "cut_off"},
    {"cut_in_a_bare_key", R"({a: "x", e)", R"({"a":"x","e":null})", "cut_off"},
    {"cut_between_the_halves_of_a_pair", R"(["hi \ud83d)", R"(["hi "])", "cut_off"},
    {"numbers_of_other_languages", "[10L, 5n]", "[10,5]", "number"},
    {"other_arrows", R"({"a" -> 1, "b" := 2})", R"({"a":1,"b":2})", "missing_colon"},
    {"entities_with_numbers", "{&#34;a&#34;: &#39;x &amp; y&#39;}", R"({"a":"x & y"})",
     "escaped_quotes"},
    {"arrays_of_php", "['a' => ['b' => 1, 'c' => 'x'], 'd' => array('e' => 2, 'f' => [3])]",
     R"({"a":{"b":1,"c":"x"},"d":{"e":2,"f":[3]}})", "wrong_closer"},
    {"arrays_of_php_in_double_quotes", R"(["a" => 1, "b" => ["c" => "x"]])",
     R"({"a":1,"b":{"c":"x"}})", "missing_colon"},
    {"arrow_in_an_item", "['x', 'if y => 2']", R"(["x","if y => 2"])", "single_quotes"},
    {"key_with_an_apostrophe_behind_single_quotes", "{'a': 'x', 'user's name': 2}",
     R"({"a":"x","user's name":2})", "unescaped_quote"},
    {"marks_in_bare_text", R"({a: foo "bar", b: 1})", R"({"a":"foo \"bar\"","b":1})",
     "unquoted_string"},
    {"braces_of_one_doubled_object", R"({"a": {{"b": 1}}, "c": [{{"d": 2}}]})",
     R"({"a":{"b":1},"c":[{"d":2}]})", "extra_opener"},
    {"colon_inside_of_a_mark_that_is_missing", R"({"a:"x", "b": 2})", R"({"a":"x","b":2})",
     "missing_quote"},
    {"checkbox", "- [ ] to do [1](x) int[]", R"("- [ ] to do [1](x) int[]")", "unquoted_string"},
    {"answer_of_no_items_before_a_document", "If there is none, the answer is [].\n{\"a\": 1}",
     R"({"a":1})", "text_before"},
    {"no_answer_in_a_sentence", "Return [] if there is none.", R"("Return [] if there is none.")",
     "unquoted_string"},
    {"document_behind_a_wrong_bracket", R"({"a": {"b": [1}, "c": 2})", R"({"a":{"b":[1]},"c":2})",
     "missing_closer"},
};

class LenientCaseTest : public testing::TestWithParam<LenientCase> {};

TEST_P(LenientCaseTest, IsMended) {
  const LenientCase& c = GetParam();
  std::string out;

  const auto report = RepairText(c.text, out);

  ASSERT_TRUE(report.has_value()) << report.error().message;
  EXPECT_EQ(out, c.wanted);
  std::vector<std::string_view> kinds;
  for (const Repair& repair : report->repairs) kinds.push_back(RepairName(repair.kind));
  EXPECT_THAT(kinds, Contains(c.kind));
  EXPECT_EQ(report->complete, !testing::Matches(Contains(std::string_view("cut_off")))(kinds));
  EXPECT_EQ(Write(ReadLenient(c.text).value().value), c.wanted);
}

INSTANTIATE_TEST_SUITE_P(Defects, LenientCaseTest, testing::ValuesIn(kLenientCases),
                         [](const auto& param) { return std::string(param.param.name); });

TEST(LenientTest, RefusesWhatHoldsNoDocument) {
  for (const std::string_view text : {"", "  \n", "}", "...", "<think>so {\"a\": 1}", "```"}) {
    std::string out = "kept";
    const auto report = RepairText(text, out);
    ASSERT_FALSE(report.has_value()) << text;
    EXPECT_EQ(report.error().code, Code::kInvalidJson);
    EXPECT_EQ(out, "kept");
  }
}

TEST(LenientTest, TextIsDroppedFromACutDocumentOnlyToSalvage) {
  constexpr std::string_view kText = "Here it is: {\"a\": [1";
  EXPECT_FALSE(ReadLenient(kText).has_value());

  const auto mended = ReadLenient(kText, {.strictness = Strictness::kSalvage});
  ASSERT_TRUE(mended.has_value());
  EXPECT_EQ(Write(mended->value), R"({"a":[1]})");
  EXPECT_FALSE(mended->report.complete);
}

TEST(LenientTest, StrictMendsNothing) {
  std::string out;
  EXPECT_FALSE(RepairText("[1,]", out, {.strictness = Strictness::kStrict}).has_value());
  EXPECT_FALSE(ReadLenient("[1,]", {.strictness = Strictness::kStrict}).has_value());
  EXPECT_TRUE(ReadLenient("[1]", {.strictness = Strictness::kStrict}).has_value());
}

TEST(LenientTest, LimitsHold) {
  EXPECT_FALSE(ReadLenient("[[[1]]]", {.max_depth = 2}).has_value());
  EXPECT_TRUE(ReadLenient("[[1]]", {.max_depth = 2}).has_value());
  const auto too_long = ReadLenient("[1, 2]", {.max_bytes = 5});
  ASSERT_FALSE(too_long.has_value());
  EXPECT_THAT(too_long.error().message, HasSubstr("max_bytes"));

  const auto mended = ReadLenient("['a', 'b', 'c']", {.max_repairs = 2});
  ASSERT_TRUE(mended.has_value());
  EXPECT_EQ(mended->report.repairs.size(), 2u);
  EXPECT_EQ(mended->report.count, 3u);
}

TEST(LenientTest, EveryKindHasAName) {
  for (std::size_t kind = 0; kind < kRepairKinds; ++kind) {
    EXPECT_FALSE(RepairName(static_cast<RepairKind>(kind)).empty()) << kind;
  }
  EXPECT_EQ(RepairName(RepairKind::kMissingComma), "missing_comma");
  EXPECT_EQ(RepairName(RepairKind::kStrayText), "stray_text");
  EXPECT_EQ(RepairName(RepairKind::kCutOff), "cut_off");
}

TEST(LenientTest, RepairsSayWhere) {
  std::string out;
  const auto report = RepairText(R"([1 2, 'a',])", out);
  ASSERT_TRUE(report.has_value());
  EXPECT_THAT(report->repairs, testing::ElementsAre(Repair{RepairKind::kMissingComma, 3},
                                                    Repair{RepairKind::kSingleQuotes, 6},
                                                    Repair{RepairKind::kExtraComma, 9}));
}

TEST(LenientTest, EveryPrefixIsRefusedOrMarkedAsCut) {
  constexpr std::string_view kText =
      R"({"a": [1, 2.5e3, "x\n\u00e9"], "b": {"c": null, "d": true}, "e": "f"})";
  for (std::size_t size = 0; size < kText.size(); ++size) {
    std::string out;
    const auto report = RepairText(kText.substr(0, size), out);
    if (!report) continue;
    EXPECT_FALSE(report->complete) << out;
    EXPECT_TRUE(Read(out).has_value()) << out;
  }
}

TEST(LenientTest, EveryPrefixOfADamagedTextGivesJson) {
  for (const LenientCase& c : kLenientCases) {
    for (std::size_t size = 0; size <= c.text.size(); ++size) {
      std::string out;
      const auto report =
          RepairText(c.text.substr(0, size), out, {.strictness = Strictness::kSalvage});
      if (!report) continue;
      EXPECT_TRUE(Read(out).has_value()) << c.text.substr(0, size) << "\n" << out;
    }
  }
}

// Words that meet in damaged documents; any sequence of them is an input.
std::string RandomText() {
  const auto words = *rc::gen::container<std::vector<std::string>>(rc::gen::element<std::string>(
      "{", "}", "[", "]", ",", ":", "\"", "'", "\"a\"", "\"b c\"", "1", "-2.5", "true", "None", "x",
      "y z", "\n", " ", "\\", "\\\"", "//", "/*", "*/", "#", "```", "...", "(", ")", "+", "“", "”",
      "é", "\xFF", "\"\"", "<think>", "</think>", "\\u12", "0x1F", "f(", "，", "：", "[...]", "**",
      "`", "&quot;", "<!--", "-->", "=", ";", "\\n", "\"k\": ", "[INFO] ", "=>", "- ", "{{", "}}",
      "#f", "&#39;", "C:\\", "\\d", "\\b", "\'s", "array(", "Note:\n"));
  std::string text;
  for (const std::string& word : words) text += word;
  return text;
}

// R-TST-12.
RC_GTEST_PROP(LenientPropertyTest, WhatComesOutIsJsonAndStaysAsItIs, ()) {
  const std::string text = RandomText();
  std::string once;
  const auto report = RepairText(text, once);
  const auto mended = ReadLenient(text);
  RC_ASSERT(report.has_value() == mended.has_value());
  RC_PRE(report.has_value());
  RC_ASSERT(Read(once).has_value());
  RC_ASSERT(Write(mended->value) == once);
  RC_ASSERT(mended->report.repairs == report->repairs);
  std::string twice;
  const auto again = RepairText(once, twice);
  RC_ASSERT(again.has_value());
  RC_ASSERT(again->count == 0u);
  RC_ASSERT(twice == once);
  const auto strict = Read(text);
  if (strict) {
    RC_ASSERT(report->count == 0u);
    RC_ASSERT(Write(*strict) == once);
  }
}

}  // namespace
}  // namespace weir::json
