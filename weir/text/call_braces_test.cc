#include <gtest/gtest.h>

#include "weir/text/call_forms_testing.h"

namespace weir::text {
namespace {

TEST(CallBracesTest, TextsStandBetweenMarks) {
  const FormCase cases[] = {
      {"escape", "call:run{code:<escape>a{b},c:d<escape>}", R"(run{"code":"a{b},c:d"})"},
      {"gemma 4", R"(call:run{code:<|"|>a "b"<|"|>,timeout:3})",
       R"(run{"code":"a \"b\"","timeout":3})"},
      {"numbers as text", "call:get_weather{city:<escape>12<escape>,days:<escape>12<escape>}",
       R"(get_weather{"city":"12","days":12})"},
      {"constants", "call:set{flag:true,any:null,number:-1.50e3}",
       R"(set{"flag":true,"any":null,"number":-1.50e3})"},
      {"list", R"(call:set{list:[<|"|>a<|"|>,<|"|>b<|"|>]})", R"(set{"list":["a","b"]})"},
      {"nested", R"(call:set{object:{x:1,note:<|"|>2<|"|>},any:[{a:[1,2]},{}]})",
       R"(set{"object":{"x":1,"note":"2"},"any":[{"a":[1,2]},{}]})"},
      {"marked keys", R"(call:run{<|"|>code<|"|>:<|"|>x<|"|>})", R"(run{"code":"x"})"},
      {"nothing", "call:now{}", "now{}"},
      {"two", "call:now{}\ncall:now{}", "now{} now{}"},
      {"no call", "now{}", "now{}"},
      {"unknown", "call:fly{to:<escape>Rome<escape>}", R"(fly{"to":"Rome"})"},
      {"bare text", "call:get_weather{unit:celsius,city:New York, NY}",
       R"(get_weather{"unit":"celsius","city":"New York, NY"})"},
      {"plain quotes", R"(call:run{"code": "a\n, b"})", R"(run{"code":"a\n, b"})", "plain quotes"},
      {"no closing mark", "call:get_weather{city:<escape>Rome,days:<escape>1<escape>}",
       R"(get_weather{"city":"Rome","days":1})", "no closing mark"},
      {"no brace", "call:run{code:<escape>x<escape>", R"(run{"code":"x"})", "ended inside"},
      {"cut text", R"(call:run{code:<|"|>x)", R"(run{"code":"x"})", "ended inside"},
      {"no bracket", R"(call:set{list:[<|"|>a<|"|>})", R"(set{"list":["a"]})", "not closed"},
      {"json", R"({"name": "now", "arguments": {}})", "now{}", "another form"},
      {"prose", "nothing to call", "refused"},
      {"cut name", "call:ru", "refused"},
      {"cut key", "call:set{number:-42,te", R"(set{"number":-42})", "ended inside"},
      {"cut mark behind a text", R"(call:run{code:<|"|>Rome<|")", R"(run{"code":"Rome"})",
       "ended inside"},
      {"cut mark before a text", "call:run{timeout:3,code:<esc", R"(run{"timeout":3})",
       "ended inside"},
      {"cut mark in a list", R"(call:set{list:[<|"|>a<|"|>,<|)", R"(set{"list":["a"]})",
       "ended inside"},
  };
  for (const FormCase& one : cases) EXPECT_EQ(Complaint(CallForm::kBraces, one), "");
}

}  // namespace
}  // namespace weir::text
