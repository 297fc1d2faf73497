#include "weir/text/template.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::text {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

constexpr std::string_view kVariables = R"({
  "name": "Ada", "empty": "", "price": 1.50, "huge": 123456789012345678901234567890, "n": 7,
  "yes": true, "no": false, "nothing": null, "greek": "Größe Ωμέγα жук",
  "list": [3, 1, 2], "words": ["pear", "Apple", "fig", "apple"], "none_at_all": [],
  "answer": {"text": "blue", "confidence": 0.82, "first name": "x"},
  "rows": [{"id": 1, "tag": "b", "ok": true}, {"id": 2, "tag": "a"}, {"id": 3, "tag": "b"}],
  "lines": "one\ntwo\n\nfour"
})";

std::string Render(std::string_view source, std::string_view variables = kVariables,
                   const TemplateOptions& options = {}) {
  const auto compiled = Template::Compile(source, "t", options);
  if (!compiled) return "compile: " + compiled.error().message;
  const auto read = json::Read(variables);
  if (!read) return "variables: " + read.error().message;
  const auto rendered = compiled->Render(*read);
  return rendered ? *rendered : "render: " + rendered.error().message;
}

struct TemplateCase {
  std::string_view source;
  std::string_view text;
};

void ExpectTable(std::span<const TemplateCase> cases) {
  for (const TemplateCase& c : cases) {
    SCOPED_TRACE(c.source);
    EXPECT_EQ(Render(c.source), c.text);
  }
}

TEST(Template, WritesValues) {
  const TemplateCase cases[] = {
      {"", ""},
      {"plain { text } %} }} #}", "plain { text } %} }} #}"},
      {"ends with a line\n", "ends with a line\n"},
      {"{{ name }}!", "Ada!"},
      {"{{name}}{{ name }}", "AdaAda"},
      {"{{ answer.text }}", "blue"},
      {"{{ answer['text'] }} {{ answer[\"first name\"] }}", "blue x"},
      {"{{ list[0] }} {{ list[-1] }} {{ list.1 }} {{ rows.0.tag }}", "3 2 1 b"},
      {"{{ price }} {{ huge }}", "1.50 123456789012345678901234567890"},
      {"{{ 1.50 }} {{ -1.50 }} {{ 1e400 }}", "1.50 -1.50 1e400"},
      {"{{ yes }} {{ no }} {{ nothing }}", "true false null"},
      {"{{ True }} {{ False }} {{ None }}", "true false null"},
      {"{{ list }} {{ rows[0] }}", R"([3,1,2] {"id":1,"tag":"b","ok":true})"},
      {"{{ [1, 'a', none,] }} {{ {'a': {'b': []}} }}", R"([1,"a",null] {"a":{"b":[]}})"},
      {R"({{ "a\n\t\\\"\u00e9\ud83d\ude00\x41" }})", "a\n\t\\\"é😀A"},
      {"{{ '}}' }} {{ '%}' }}", "}} %}"},
  };
  ExpectTable(cases);
}

TEST(Template, Calculates) {
  const TemplateCase cases[] = {
      {"{{ 1 + 2 * 3 }} {{ (1 + 2) * 3 }} {{ 7 - 2 - 1 }}", "7 9 4"},
      {"{{ 7 // 2 }} {{ -7 // 2 }} {{ 7 % 3 }} {{ -7 % 3 }} {{ 7 % -3 }}", "3 -4 1 2 -2"},
      {"{{ 9223372036854775807 // -1 }} {{ 5 % -1 }}", "-9223372036854775807 0"},
      {"{{ 7 / 2 }} {{ 0.1 + 0.2 }} {{ 1.5 * 2 }} {{ 7.5 // 2 }}", "3.5 0.30000000000000004 3 3"},
      {"{{ -n }} {{ - price }} {{ --n }}", "-7 -1.50 7"},
      {"{{ 'a' + 'b' }} {{ [1] + [2] }}", "ab [1,2]"},
      {"{{ 'n=' ~ n ~ ' ' ~ yes ~ ' ' ~ list }}", "n=7 true [3,1,2]"},
      {"{{ 1 ~ 2 * 3 }}", "16"},
  };
  ExpectTable(cases);
  EXPECT_THAT(Render("{{ 1 + 2 ~ 3 }}"), HasSubstr("join texts with `~`"));
  EXPECT_THAT(Render("{{ n / 0 }}"), HasSubstr("`/` by zero"));
  EXPECT_THAT(Render("{{ n % (1 - 1) }}"), HasSubstr("`%` by zero"));
  EXPECT_THAT(Render("{{ huge + 1 }}"), HasSubstr("too large"));
  EXPECT_THAT(Render("{{ 9223372036854775807 + 1 }}"), HasSubstr("too large"));
  EXPECT_THAT(Render("{{ 1e308 * 10 }}"), HasSubstr("too large"));
  EXPECT_THAT(Render("{{ 'a' * 3 }}"), HasSubstr("does not work on a string and a number"));
}

TEST(Template, ComparesAndDecides) {
  const TemplateCase cases[] = {
      {"{{ 1 == 1.0 }} {{ 1 != 2 }} {{ 'a' == 1 }} {{ [1] == [1.0] }}", "true true false true"},
      {"{{ 1 < 2 }} {{ 2 <= 2 }} {{ 'a' > 'b' }} {{ 'b' >= 'b' }}", "true true false true"},
      {"{{ 123456789012345678901234567891 > huge }}", "true"},
      {"{{ 1 in list }} {{ 9 not in list }} {{ 'd' in name }} {{ 'text' in answer }}",
       "true true true true"},
      {"{{ yes and no }} {{ yes or no }} {{ not yes }} {{ not no and yes }}",
       "false true false true"},
      {"{{ empty or 'nobody' }} {{ name and 'somebody' }}", "nobody somebody"},
      {"{{ 'a' if yes else 'b' }} {{ 'a' if no else 'b' if no else 'c' }}", "a c"},
      {"{{ 1 + 1 if no else 2 + 2 }}", "4"},
      {"{% for x in [0, 0.0, '', [], {}, none, false] if x %}!{% else %}none{% endfor %}", "none"},
      {"{% for x in [1, 0.1, ' ', [0], {'a': 0}, true] if x %}!{% endfor %}", "!!!!!!"},
      {"{{ no and missing }} {{ yes or missing }}", "false true"},  // the rest is not looked at
  };
  ExpectTable(cases);
  EXPECT_THAT(Render("{{ 1 < 'a' }}"), HasSubstr("a number and a string have no order"));
  EXPECT_THAT(Render("{{ 1 in 1 }}"), HasSubstr("`in` does not work"));
  EXPECT_THAT(Render("{{ 1 < 2 < 3 }}"), HasSubstr("write `a < b and b < c`"));
}

TEST(Template, TestsKinds) {
  const TemplateCase cases[] = {
      {"{{ name is defined }} {{ x is defined }} {{ x.y.z is defined }} {{ x is not defined }}",
       "true false false true"},
      {"{{ answer.nope is undefined }} {{ nothing is defined }}", "true true"},
      {"{{ nothing is none }} {{ name is none }} {{ nothing is None }}", "true false true"},
      {"{{ name is string }} {{ n is number }} {{ yes is number }}", "true true false"},
      {"{{ answer is mapping }} {{ list is sequence }} {{ name is sequence }}", "true true false"},
      {"{{ n is integer }} {{ price is float }} {{ no is boolean }}", "true true true"},
      {"{{ yes is true }} {{ n is true }} {{ no is false }}", "true false true"},
      {"{{ n is odd }} {{ n is even }} {{ 9 is divisibleby(3) }} {{ 9 is divisibleby 2 }}",
       "true false true false"},
      {"{{ n is eq 7 }} {{ n is in [7] }} {{ not n is string }}", "true true true"},
      {"{{ n is not string and yes }}", "true"},
  };
  ExpectTable(cases);
}

TEST(Template, Branches) {
  const TemplateCase cases[] = {
      {"{% if yes %}a{% endif %}b", "ab"},
      {"{% if no %}a{% else %}b{% endif %}", "b"},
      {"{% if n < 5 %}a{% elif n < 8 %}b{% elif n < 9 %}c{% else %}d{% endif %}", "b"},
      {"{% if answer.confidence >= 0.7 %}sure{% endif %}", "sure"},
  };
  ExpectTable(cases);
}

TEST(Template, Loops) {
  const TemplateCase cases[] = {
      {"{% for x in list %}{{ x }},{% endfor %}", "3,1,2,"},
      {"{% for x in none_at_all %}x{% else %}empty{% endfor %}", "empty"},
      {"{% for k in answer %}{{ k }};{% endfor %}", "text;confidence;first name;"},
      {"{% for k, v in answer.items() %}{{ k }}={{ v }};{% endfor %}",
       "text=blue;confidence=0.82;first name=x;"},
      {"{% for k, v in answer | items %}{{ k }};{% endfor %}", "text;confidence;first name;"},
      {"{% for (a, b) in [[1, 2], [3, 4]] %}{{ a }}{{ b }} {% endfor %}", "12 34 "},
      {"{% for x in list %}{{ loop.index }}/{{ loop.length }}{{ ', ' if not loop.last }}"
       "{% endfor %}",
       "render: t:1:62: the condition is false and there is no `else`; write `else \"\"`"},
      {"{% for x in list %}{{ loop.index0 }}{{ loop.first }}{{ loop.last }} {% endfor %}",
       "0truefalse 1falsefalse 2falsetrue "},
      {"{% for r in rows if r.tag == 'b' %}{{ loop.index }}:{{ r.id }} {% endfor %}", "1:1 2:3 "},
      {"{% for a in [1, 2] %}{% for b in [3, 4] %}{{ loop.index }}{{ a }}{{ b }} {% endfor %}"
       "{{ loop.index }};{% endfor %}",
       "113 214 1;123 224 2;"},
      {"{% for x in 'ab' | list %}{{ x }}.{% endfor %}", "a.b."},
  };
  ExpectTable(cases);
  EXPECT_THAT(Render("{% for x in name %}{% endfor %}"), HasSubstr("write `| list`"));
  EXPECT_THAT(Render("{% for k, v in answer %}{% endfor %}"), HasSubstr("object.items()"));
  EXPECT_THAT(Render("{% for a, b in list %}{% endfor %}"), HasSubstr("2 names"));
}

TEST(Template, SetsVariables) {
  const TemplateCase cases[] = {
      {"{% set x = n + 1 %}{{ x }}", "8"},
      {"{% set name = 'Bob' %}{{ name }}", "Bob"},
      {"{% if no %}{% set name = 'Bob' %}{% endif %}{{ name }}", "Ada"},
      {"{% set x = 0 %}{% for y in list %}{% set x = x + y %}{{ x }} {% endfor %}{{ x }}",
       "3 1 2 0"},  // what is set in a turn ends with it
      {"{% for y in list %}{{ name }}{% set name = y %}{{ name }} {% endfor %}", "Ada3 Ada1 Ada2 "},
      {"{% set rows = rows | map(attribute='id') %}{{ rows }}", "[1,2,3]"},
      {"{% for name in list %}{{ name }}{% endfor %}{{ name }}", "312Ada"},
  };
  ExpectTable(cases);
}

TEST(Template, ControlsWhiteSpaceCommentsAndRawText) {
  const TemplateCase cases[] = {
      {"a  {{- name -}}  b", "aAdab"},
      {"a \n {%- if yes -%} \n b \n {%- endif %} c", "ab c"},
      {"a {#- gone {{ x }} -#} b{# x #}c", "abc"},
      {"a {# {% if %} #} b", "a  b"},
      {"{% raw %}{{ x }} {% if %}{% endraw %}!", "{{ x }} {% if %}!"},
      {"a {%- raw -%}  {{ x }}  {%- endraw -%}  b", "a{{ x }}b"},
      {"{{ name }}\n{{ name }}\n", "Ada\nAda\n"},
      {"{{ 3 -}}  x", "3x"},
      {"{{-3}}", "3"},
  };
  ExpectTable(cases);
}

TEST(Template, FiltersTexts) {
  const TemplateCase cases[] = {
      {"{{ greek | upper }} {{ greek | lower }}", "GRÖßE ΩΜέΓΑ ЖУК größe ωμέγα жук"},
      {"{{ 'the quick-brown FOX' | title }} {{ 'aBC d' | capitalize }}",
       "The Quick-Brown Fox Abc d"},
      {"[{{ '  a b ' | trim }}] [{{ 'xxaxx' | trim('x') }}]", "[a b] [a]"},
      {"{{ 'a-b-c' | replace('-', '+') }} {{ 'a-b-c' | replace('-', '', 1) }}", "a+b+c ab-c"},
      {"{{ 'one two three four' | truncate(10) }}", "one..."},
      {"{{ 'one two three four' | truncate(9, true, end='~', leeway=0) }}", "one two ~"},
      {"{{ 'one two' | truncate(5) }}", "one two"},
      {"{{ lines | indent(2) }}", "one\n  two\n\n  four"},
      {"{{ lines | indent(1, first=true, blank=true) }}", " one\n two\n \n four"},
      {"{{ 5 | string ~ '!' }} {{ greek | length }} {{ answer | length }}", "5! 15 3"},
      {"{{ answer | tojson }}", R"({"text":"blue","confidence":0.82,"first name":"x"})"},
      {"{{ [1, 'é'] | tojson(indent=1) }}", "[\n 1,\n \"é\"\n]"},
      {"{{ '42' | int }} {{ 3.9 | int }} {{ -3.9 | int }} {{ 'x' | int(0) }} {{ true | int }}",
       "42 3 -3 0 1"},
      {"{{ '1.5' | float }} {{ 'x' | float(default=none) }} {{ huge | int }}",
       "1.5 null 123456789012345678901234567890"},
      {"{{ 2.5 | round }} {{ 0.825 | round(2) }} {{ 2.1 | round(method='ceil') }} {{ 7 | round }}",
       "2 0.82 3 7"},
      {"{{ -1.50 | abs }} {{ n | abs }}", "1.50 7"},
  };
  ExpectTable(cases);
  EXPECT_THAT(Render("{{ 'x' | int }}"), HasSubstr("can make no number of a string \"x\""));
  EXPECT_THAT(Render("{{ 'x' | replace('', 'y') }}"), HasSubstr("needs a text to look for"));
  EXPECT_THAT(Render("{{ '1' | round }}"), HasSubstr("`| float`"));
}

TEST(Template, FiltersLists) {
  const TemplateCase cases[] = {
      {"{{ list | join(', ') }} {{ rows | join('/', attribute='tag') }}", "3, 1, 2 b/a/b"},
      {"{{ list | first }} {{ list | last }} {{ 'äbc' | first }} {{ 'abc' | last }}", "3 2 ä c"},
      {"{{ none_at_all | first | default('-') }}", "-"},
      {"{{ list | sort }} {{ list | sort(reverse=true) }}", "[1,2,3] [3,2,1]"},
      {"{{ words | sort }}", R"(["Apple","apple","fig","pear"])"},
      {"{{ words | sort(case_sensitive=true) }}", R"(["Apple","apple","fig","pear"])"},
      {"{{ rows | sort(attribute='tag') | map(attribute='id') }}", "[2,1,3]"},
      {"{{ words | unique }} {{ [1, 1.0, '1', 1] | unique }}", R"(["pear","Apple","fig"] [1,"1"])"},
      {"{{ list | reverse }} {{ 'abé' | reverse }}", "[2,1,3] éba"},
      {"{{ rows | map(attribute='tag') | unique | join }}", "ba"},
      {"{{ rows | map(attribute='ok', default=false) }}", "[true,false,false]"},
      {"{{ words | map('upper') | join(' ') }}", "PEAR APPLE FIG APPLE"},
      {"{{ [0, 1, '', 'a'] | select }} {{ [1, 'a'] | select('string') }}", R"([1,"a"] ["a"])"},
      {"{{ list | reject('odd') }} {{ list | select('gt', 1) }}", "[2] [3,2]"},
      {"{{ rows | selectattr('ok', 'defined') | map(attribute='id') }}", "[1]"},
      {"{{ rows | selectattr('tag', 'equalto', 'b') | list | length }}", "2"},
      {"{{ rows | rejectattr('tag', '==', 'b') | map(attribute='id') }}", "[2]"},
      {"{{ answer | keys }} {{ {'a': 1} | values }} {{ {'a': 1} | items }}",
       R"(["text","confidence","first name"] [1] [["a",1]])"},
      {"{{ answer.keys() | first }} {{ {'b': 2}.values() }}", "text [2]"},
      {"{{ list | sum }} {{ rows | sum(attribute='id') }} {{ list | min }} {{ list | max }}",
       "6 6 1 3"},
      {"{{ rows | max(attribute='id') }}", R"({"id":3,"tag":"b"})"},
      {"{{ answer | list }}", R"(["text","confidence","first name"])"},
      {"{{ x | default('d') }} {{ x.y.z | d(1) }} {{ empty | default('e') }}|"
       "{{ empty | default('e', true) }} [{{ x | default }}]",
       "d 1 |e []"},
  };
  ExpectTable(cases);
  EXPECT_THAT(Render("{{ [1, 'a'] | sort }}"), HasSubstr("have no order"));
  EXPECT_THAT(Render("{{ rows | map(attribute='ok') }}"), HasSubstr("an item has no `ok`"));
  EXPECT_THAT(Render("{{ none_at_all | first }}"), HasSubstr("`first` of nothing is not there"));
}

TEST(Template, NamesWhatIsNotThereAndWhatIs) {
  const TemplateCase cases[] = {
      {"a\n {{ nam }}",
       "render: t:2:5: the variable `nam` is not there (did you mean `name`?); there are: a, name; "
       "ask with `is defined`, or give `| default(...)`"},
      {"{{ a.confidnce }}",
       "render: t:1:6: `a.confidnce` is not there (did you mean `confidence`?); `a` has: "
       "confidence, list; ask with `is defined`, or give `| default(...)`"},
      {"{{ a.list[7] }}",
       "render: t:1:10: `a.list[...]` is not there; `a.list` is a list of 2; ask with `is "
       "defined`, "
       "or give `| default(...)`"},
      {"{{ name.first }}",
       "render: t:1:9: `name.first` is not there; `name` is a string; ask with `is defined`, or "
       "give `| default(...)`"},
  };
  for (const TemplateCase& c : cases) {
    EXPECT_EQ(Render(c.source, R"({"a": {"confidence": 1, "list": [1, 2]}, "name": "x"})"), c.text);
  }
  EXPECT_THAT(Render("{% if x %}{% endif %}"), HasSubstr("`x` is not there"));
  EXPECT_THAT(Render("{{ x.y.z }}"), HasSubstr("the variable `x` is not there"));
  EXPECT_THAT(Render("{{ x }}", "{}"), HasSubstr("there are no variables"));
  EXPECT_THAT(Render("{{ x }}", "[]"), HasSubstr("must be an object"));
}

TEST(Template, SaysWhatIsNotSupportedAndWhatToWrite) {
  const TemplateCase cases[] = {
      {"{{ name | uper }}", "t:1:11: there is no filter `uper`; did you mean `| upper`?"},
      {"{{ name | escape }}", "t:1:11: there is no filter `escape`; what is written is no HTML"},
      {"{{ name is strin }}", "t:1:12: there is no test `strin`; did you mean `is string`?"},
      {"{% include 'x' %}", "t:1:4: there is no statement `include`; put the text in"},
      {"{% macro a() %}{% endmacro %}", "there is no statement `macro`"},
      {"\n{% endmacro %}", "t:2:4: there is no statement `endmacro`"},
      {"{{ range(3) }}", "templates call no functions, and so not `range()`; loop over a list"},
      {"{{ name.strip() }}", "`.strip()` is not supported; write `| trim`"},
      {"{{ name.upper() }}", "`.upper()` is not supported; write `| upper`"},
      {"{{ name.__class__() }}", "only .items(), .keys() and .values() can be called"},
      {"{{ (name)() }}", "cannot be called"},
      {"{{ list[1:2] }}", "slices are not supported"},
      {"{{ 2 ** 3 }}", "powers are not supported"},
      {"{{ yes && no }}", "write `and`"},
      {"{{ !yes }}", "write `not`"},
      {"{{ 1, 2 }}", "a list is written in brackets"},
      {"{{ n = 1 }}", "equality is written `==`"},
      {"{% for x in list recursive %}{% endfor %}", "recursive loops are not supported"},
      {"{% set x %}a{% endset %}", "`set` around a text is not supported"},
      {"{% set a.b = 1 %}", "values do not change"},
      {"{% if yes %}{% else if no %}{% endif %}", "written {% elif %}"},
      {"{{ name | truncate(1, 2, 3, 4, 5) }}", "takes at most 4 arguments"},
      {"{{ name | truncate(size=1) }}", "has no argument `size`; there are length, killwords"},
      {"{{ name | replace('a') }}", "`replace` needs its argument `new`"},
      {"{{ list | map('nope') }}", "there is no filter `nope`"},
      {"{{ list | select('nope') }}", "there is no test `nope`"},
      {"{{+ name }}", "take it away"},
  };
  for (const TemplateCase& c : cases) {
    SCOPED_TRACE(c.source);
    EXPECT_THAT(Render(c.source), AllOf(StartsWith("compile: t:"), HasSubstr(c.text)));
  }
}

TEST(Template, SaysWhereItIsBroken) {
  const TemplateCase cases[] = {
      {"é{{ name", "t:1:2: `{{` is opened here and never closed"},
      {"{{ }}", "a value is missing before `}}`"},
      {"{{ a b }}", "t:1:6: an operator or `}}` comes here, not `b`"},
      {"{{ a. }}", "a name comes after the dot"},
      {"{{ 'a }}", "t:1:4: the text that starts here has no end"},
      {"{{ '\\q' }}", "t:1:5: this is no escape"},
      {"{{ '\\ud800' }}", "this is no escape"},
      {"{{ 007 }}", "does not start with 0"},
      {"{{ 1x }}", "runs into a name"},
      {"{{ a ? b }}", "`?`"},
      {"{# a", "t:1:1: the comment that starts here has no end"},
      {"{% raw %} {% endra %}", "`{% raw %}` has no end"},
      {"{% if a %}", "t:1:4: `{% if %}` has no end"},
      {"{% for a in b %}{% else %}", "`{% for %}` has no end"},
      {"{% endif %}", "belongs to nothing"},
      {"{% if a %}{% endfor %}", "does not belong to the `{% if %}` of line 1"},
      {"{% for a b %}", "`in` comes after the names"},
      {"{% set 1 = 2 %}", "a name comes after `set`"},
      {"{% set and = 2 %}", "a name comes after `set`"},
      {"{% %}", "a statement such as if, for or set"},
      {"{% if a }}x{% endif %}", "t:1:1: `{%` is opened here and never closed"},
  };
  for (const TemplateCase& c : cases) {
    SCOPED_TRACE(c.source);
    EXPECT_THAT(Render(c.source), AllOf(StartsWith("compile: t:"), HasSubstr(c.text)));
  }
}

TEST(Template, TellsWhatItReads) {
  const auto compiled = Template::Compile(
      "{{ a.b }}{{ a.b }}\n{% for r in rows %}{{ r.name }}{{ loop.index }}{% endfor %}"
      "{% for k, v in m.items() %}{{ k }}{{ v.w }}{% endfor %}"
      "{% set s = a.c %}{{ s.d }}{{ opt.x | default('') }}{{ q['x y'][0][i] }}"
      "{{ rows | map(attribute='id') }}{% if z %}{% set t = 1 %}{% endif %}{{ t }}");
  ASSERT_TRUE(compiled.has_value()) << compiled.error().message;

  std::vector<std::string> paths;
  for (const VariableRead& read : compiled->reads()) {
    paths.push_back(read.path + (read.optional ? "?" : ""));
  }
  EXPECT_THAT(paths, ElementsAre("a.b", "rows", "rows[].name", "m", "m.*.w", "a.c", "a.c.d",
                                 "opt.x?", "q[\"x y\"][0][]", "i", "rows[].id", "z", "t?"));
  EXPECT_EQ(compiled->reads()[1], (VariableRead{.path = "rows", .line = 2, .column = 13}));
}

TEST(Template, KeepsItsLimits) {
  const std::string list = "{\"l\":[" + [] {
    std::string items = "0";
    for (int i = 1; i < 1000; ++i) items += ",0";
    return items;
  }() + "]}";
  const std::string loops =
      "{% for a in l %}{% for b in l %}{% for c in l %}{% endfor %}{% endfor %}{% endfor %}";
  std::string doubling = "{% set x = 'aaaaaaaaaaaaaaaa' %}";
  std::string nesting = "{% set x = [] %}";
  for (int i = 0; i < 1000; ++i) doubling += "{% set x = x ~ x %}";
  for (int i = 0; i < 1000; ++i) nesting += "{% set x = [x] %}";
  const auto deep = [](std::string_view open) {
    std::string source = "{{ ";
    for (int i = 0; i < 5000; ++i) source += open;
    return source;
  };

  EXPECT_THAT(Render(loops, list, {.max_steps = 100'000}), HasSubstr("limit of 100000 steps"));
  EXPECT_THAT(Render(doubling), HasSubstr("longer than the limit"));
  EXPECT_THAT(Render(nesting), HasSubstr("nested deeper than 512"));
  EXPECT_THAT(Render("{{ name }}{{ name }}", kVariables, {.max_output_bytes = 5}),
              HasSubstr("limit of 5 bytes"));
  EXPECT_THAT(Render("{{ name }}", kVariables, {.max_source_bytes = 5}), HasSubstr("10 bytes"));
  for (const std::string_view open :
       {"(", "[", "not ", "-", "{'a':", "a[", "a if b else ", "a+(", "x|default(", "1 + "}) {
    EXPECT_THAT(Render(deep(open), kVariables, {.max_depth = 100'000}), StartsWith("compile: "));
  }
  std::string blocks;
  for (int i = 0; i < 5000; ++i) blocks += "{% if yes %}";
  EXPECT_THAT(Render(blocks), HasSubstr("nested deeper than 100 levels"));
  std::string chain = "{{ n";
  for (int i = 0; i < 5000; ++i) chain += " ~ n";
  EXPECT_EQ(Render(chain + " }}").size(), 5001U);
}

TEST(Template, MayBeCutAnywhere) {
  const std::string_view whole =
      "a {#- c -#} {% raw %}{{ x }}{% endraw %}{% for k, v in answer.items() if v is string %}"
      "{{ loop.index ~ '\\u00e9' }}{% set y = {'a': [1, -2.5e3]} %}{% if y.a[0] >= 1 and not no %}"
      "{{ y | tojson(indent=2) | replace('a', 'b', count=1) }}{% elif no %}{% else %}{{ 1 if yes "
      "else 2 }}{% endif %}{%- endfor -%} z";
  for (std::size_t cut = 0; cut <= whole.size(); ++cut) {
    const auto compiled = Template::Compile(whole.substr(0, cut));
    if (!compiled) {
      EXPECT_THAT(compiled.error().message, StartsWith("template:1:")) << cut;
    }
    const auto expression = Expression::Compile(whole.substr(cut));
    if (!expression) {
      EXPECT_THAT(expression.error().message, StartsWith("expression:1:"));
    }
  }
  EXPECT_TRUE(Template::Compile(whole).has_value());
}

RC_GTEST_PROP(TemplateLaw, TextWithoutDelimitersRendersToItself, (std::string text)) {
  for (std::size_t i = 1; i < text.size(); ++i) {
    if (text[i - 1] == '{') text[i] = 'x';
  }
  const auto compiled = Template::Compile(text);
  RC_ASSERT(compiled.has_value());
  RC_ASSERT(*compiled->Render({}) == text);
}

RC_GTEST_PROP(TemplateLaw, AnyTextIsALiteralAndAVariable, ()) {
  const auto text = *rc::gen::container<std::string>(rc::gen::inRange(' ', '~'));
  const std::string quoted = json::Write(json::Value::Of(text));
  const auto variables = json::Read("{\"t\":" + quoted + "}");
  RC_ASSERT(*Template::Compile("{{ " + quoted + " }}{{ t }}")->Render(*variables) == text + text);
}

TEST(Expression, GivesValuesAndTruth) {
  const auto variables = *json::Read(kVariables);
  const auto value = [&](std::string_view source) {
    const auto result = Expression::Compile(source)->Evaluate(variables);
    return result ? json::Write(*result) : result.error().message;
  };
  EXPECT_EQ(value("answer.confidence"), "0.82");
  EXPECT_EQ(value("{'a': price}"), "{\"a\":1.50}");
  EXPECT_EQ(value(" rows | map(attribute='id') "), "[1,2,3]");
  EXPECT_THAT(value("missing"), StartsWith("expression:1:1: the variable `missing`"));
  EXPECT_TRUE(*Expression::Compile("answer.confidence >= 0.7")->Truth(variables));
  EXPECT_FALSE(*Expression::Compile("none_at_all")->Truth(variables));
  EXPECT_EQ(Expression::Compile("a.b > c")->reads().size(), 2U);
}

TEST(Expression, RefusesWhatIsNoExpression) {
  for (const std::string_view source : {"", "{{ a }}", "a b", "a }}", "{% if a %}", "a = 1"}) {
    EXPECT_FALSE(Expression::Compile(source).has_value()) << source;
  }
  EXPECT_THAT(Expression::Compile("{{ a }}").error().message, HasSubstr("without {{ and }}"));
}

TEST(Template, ValuesOutliveTheVariables) {
  json::Value value;
  {
    const auto variables = *json::Read(kVariables);
    value = *Expression::Compile("answer")->Evaluate(variables);
  }
  EXPECT_EQ(value.Find("text").StringOr(""), "blue");
}

}  // namespace
}  // namespace weir::text
