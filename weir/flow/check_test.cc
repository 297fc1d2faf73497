#include "weir/flow/check.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/flow/read.h"

namespace weir::flow {
namespace {

using testing::HasSubstr;
using testing::Not;

// What most cases share: a row with fields, and an answer with members of many kinds.
constexpr std::string_view kHead = R"(
input:
  type: object
  required: [question, tags]
  properties:
    question: {type: string}
    hint: {type: string}
    tags: {type: array, items: {type: object, required: [name], properties: {name: {type: string}}}}
    level: {enum: [low, high]}
    flag: {type: boolean}
    maybe: {type: [array, "null"]}
  additionalProperties: false
vars: {tone: dry}
nodes:
  - step: answer
    user: "{{ question }}"
    output:
      $defs: {part: {type: object, required: [n], properties: {n: {type: integer}}, additionalProperties: false}}
      type: object
      required: [text, part, either, kind]
      properties:
        text: {type: string}
        part: {$ref: "#/$defs/part"}
        parts: {type: array, items: {$ref: "#/$defs/part"}}
        scores: {type: object, additionalProperties: {type: number}}
        either: {anyOf: [{type: object, required: [a], properties: {a: {type: string}}, additionalProperties: false}, {type: object, required: [b], properties: {b: {type: number}}, additionalProperties: false}]}
        kind: {enum: [red, green]}
  - step: plain
    user: x
)";

CheckFacts Facts() {
  CheckFacts facts;
  facts.engines["main"] = {.kind = "vllm", .model = "m", .adapters = {"sql"}};
  facts.engines["ollama"] = {
      .kind = "ollama", .model = "m", .lacks = {{"regex", "it has no regular expressions"}}};
  facts.engines["open"] = {.kind = "vllm", .model = "m", .loads_adapters = true};
  facts.engines["known"] = {
      .kind = "vllm", .model = "m", .adapters = {"sql"}, .loads_adapters = true};
  facts.default_engine = "main";
  facts.profiles = {"chain"};
  return facts;
}

std::vector<Problem> ProblemsOf(std::string_view yaml, const CheckFacts& facts = Facts()) {
  auto flow = ReadFlowText(yaml, "flow.yaml");
  EXPECT_TRUE(flow) << flow.error().message;
  if (!flow) return {};
  const auto graph = Graph::Compile(*std::move(flow));
  EXPECT_TRUE(graph) << graph.error().message;
  return graph ? CheckFlow(*graph, facts) : std::vector<Problem>{};
}

std::string Told(std::string_view nodes) { return Describe(ProblemsOf(StrCat(kHead, nodes))); }

// What a step behind the others may read.
std::string Reading(std::string_view template_text) {
  return Told(StrCat("  - step: last\n    user: '", template_text, "'\n"));
}

struct CheckCase {
  std::string_view text;
  std::string_view message;  // empty: nothing is told
};

TEST(CheckTest, ReadsAreFollowedThroughSchemas) {
  const CheckCase cases[] = {
      {"{{ answer.text }}{{ answer.part.n }}{{ row.question }}{{ question }}", ""},
      {"{{ chain_input.question }} {{ input.question }} {{ row_id }} {{ vars.tone }}", ""},
      {"{% for t in tags %}{{ t.name }}{% endfor %}", ""},
      {"{{ tags | map(attribute=\"name\") | join }}", ""},
      {"{{ answer.parts is defined }}{{ answer.parts | default([]) | length }}", ""},
      {"{{ anwser.text }}",
       "`anwser` is not there: no earlier node and no field of the row has "
       "that name; did you mean `answer`?"},
      {"{{ answer.txet }}",
       "warning: `user` of last: `answer.txet` is not in the schema of "
       "`answer`; did you mean `text`?"},
      {"{{ answer.part.m }}", "`answer.part.m` is not there: `answer.part` has no `m`"},
      {"{{ answer.parts }}", "warning: `user` of last: `answer.parts` may be missing"},
      {"{{ answer.parts[0].n }}", "`answer.parts[0]` may be missing"},
      {"{{ answer.scores.maths }}", "`answer.scores.maths` may be missing"},
      {"{{ answer.text.length }}", "`answer.text` is a text and has no `length`"},
      {"{{ answer.text[0] }}", "`answer.text` is a text and has no items"},
      {"{{ answer.either.a }}", "`answer.either.a` may be missing"},
      {"{{ answer.either.c }}", "`answer.either.c` is not there"},
      {"{{ row.questoin }}", "`row` has no `questoin`; did you mean `question`?"},
      {"{{ hint }}", "`hint` may be missing"},
      {"{{ hint | default(\"\") }}", ""},
      {"{{ plain.text }}", "`plain` is a text and has no `text`; give the step an `output`"},
      {"{{ plain_reasoning }}", "warning: `user` of last: `plain_reasoning` is missing when"},
      {"{{ plain_reasoning | default(\"\") }}", ""},
      {"{{ vars.tnoe }}",
       "`vars` has no `tnoe`: every row fails unless --set tnoe=... gives it; "
       "did you mean `tone`?"},
      {"{{ last.text }}", "`last` is this node itself, which has no value yet"},
      {"{% for t in tags %}{{ t.nmae }}{% endfor %}", "`tags[].nmae` is not in the schema"},
  };
  for (const auto& [text, message] : cases) {
    const std::string told = Reading(text);
    if (message.empty()) {
      EXPECT_EQ(told, "") << text;
    } else {
      EXPECT_THAT(told, HasSubstr(message)) << text;
    }
  }
}

TEST(CheckTest, OperatorsAreHeldAgainstKinds) {
  const auto told = [](std::string_view user) {
    return Told(StrCat("  - {step: next, user: '", user, "'}\n"));
  };
  EXPECT_THAT(told("{{ plain * 2 }}"),
              HasSubstr("24: `user` of next: `*` needs a number, and `plain` is a text; make one "
                        "of it with `| float`"));
  EXPECT_THAT(told("{{ -answer.parts }}"),
              HasSubstr("`-` needs a number, and `answer.parts` is a list"));
  EXPECT_THAT(told("{{ answer.part | round }}"),
              HasSubstr("`| round` needs a number, and `answer.part` is an object"));
  EXPECT_THAT(told("{{ flag + 1 }}"), HasSubstr("`+` needs a number, and `flag` is true or false"));
  EXPECT_THAT(told("{% if answer.text > 0.5 %}x{% endif %}"),
              HasSubstr("24: `user` of next: `>` needs a number, and `answer.text` is a text"));
  EXPECT_THAT(told("{% for tag in tags %}{{ tag.name - 1 }}{% endfor %}"),
              HasSubstr("`-` needs a number, and `tags[].name` is a text"));
  // A condition may keep it from coming to that.
  EXPECT_THAT(told("{% if flag %}{{ plain * 2 }}{% endif %}"),
              HasSubstr("warning: `user` of next"));
  EXPECT_THAT(told("{{ plain * 2 if flag else 3 }}"), HasSubstr("warning: `user` of next"));

  for (const std::string_view fine :
       {"{{ plain + plain }}", "{{ answer.part.n - 1 }}", "{{ plain | float * 2 }}",
        "{{ tags + tags }}", "{% if plain > question %}x{% endif %}", "{{ maybe + [1] }}",
        "{{ plain | length + 1 }}", "{{ vars.tone * 2 }}", "{{ answer.scores.a | abs }}"}) {
    EXPECT_THAT(told(fine), Not(HasSubstr("needs"))) << fine;
  }
}

TEST(CheckTest, PlacesAreThoseOfTheTemplate) {
  const auto problems = ProblemsOf(
      "nodes:\n  - step: a\n    user: |\n      x\n      {{ b }}\n  - step: b\n    user: x\n");
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].place, "flow.yaml:3:11");
  EXPECT_THAT(problems[0].message, HasSubstr("`user` of a, line 2: `b` comes later"));
}

TEST(CheckTest, WithoutInputSchemaFieldsAreBelieved) {
  EXPECT_EQ(Describe(ProblemsOf("nodes: [{step: a, user: '{{ anything.goes }}'}]")), "");
  EXPECT_THAT(
      Describe(ProblemsOf("nodes: [{step: answer, user: x}, {step: b, user: '{{ anwser }}'}]")),
      HasSubstr("warning: `user` of b: `anwser` is taken for a field of the row; did you "
                "mean `answer`?"));
}

TEST(CheckTest, OpenInputSchemasWarn) {
  constexpr std::string_view kYaml = R"(
input: {type: object, properties: {question: {type: string}}, required: [question]}
nodes: [{step: a, user: '{{ other_thing }} {{ qestion }}'}]
)";
  const std::string told = Describe(ProblemsOf(kYaml));
  EXPECT_THAT(told, HasSubstr("warning: `user` of a: `other_thing` is taken for a field"));
  EXPECT_THAT(told, HasSubstr("`qestion` is not there; did you mean `question`?"));
}

TEST(CheckTest, WaysKeepTheirNamesToThemselves) {
  constexpr std::string_view kWays = R"(
  - parallel:
      - {branch: one, join: uno, nodes: [{step: a, user: x}, {step: b, user: '{{ a }}'}]}
      - {branch: two, nodes: [{step: c, user: '{{ a }}'}]}
  - step: d
    user: '{{ uno }} {{ b }} {{ parallel_1 }} {{ two }}'
)";
  const std::string told = Told(kWays);
  EXPECT_THAT(told, HasSubstr("`user` of c: `a` is inside of branch one, which is not seen"));
  EXPECT_THAT(told, HasSubstr("`user` of d: `b` is inside of branch one, which is not seen"));
  EXPECT_THAT(told, HasSubstr("`parallel_1` is a parallel; read the joins"));
  EXPECT_THAT(told, HasSubstr("`two` is not there"));
  EXPECT_THAT(told, Not(HasSubstr("`uno` is")));
}

TEST(CheckTest, ValuesOfWaysHaveTypes) {
  constexpr std::string_view kWays = R"(
  - map: names
    over: row.tags
    as: tag
    nodes: [{apply: up, set: {name: tag.name, at: index}}]
  - switch: color
    on: answer.kind
    cases: {red: [{step: stop, user: x}], green: [{apply: go, set: {speed: '3'}}]}
  - parallel:
      - {branch: many, join: all, nodes: [{apply: split, each: row.tags}, {apply: one, set: {x: split.name}}]}
      - {branch: some, join: part, nodes: [{step: s, user: x, output: {type: object, required: [n], properties: {n: {}}}}, {apply: f, where: s.n}]}
  - step: last
    user: '{% for n in names %}{{ n.nmae }}{% endfor %} {{ color.speed }} {{ all.x }} {{ part.n }} {{ part.m }}'
)";
  const std::string told = Told(kWays);
  EXPECT_THAT(told, HasSubstr("`names[].nmae` is not there: `names[]` has no `nmae`; did you mean "
                              "`name`?"));
  EXPECT_THAT(told, HasSubstr("`color.speed` may be missing"));
  EXPECT_THAT(told, HasSubstr("`all` is a list and has no `x`"));
  EXPECT_THAT(told, HasSubstr("`part.n` may be missing")) << "a filter may end the branch";
  EXPECT_THAT(told, Not(HasSubstr("tag.name")));
}

TEST(CheckTest, ListsAreLists) {
  const CheckCase cases[] = {
      {"  - {map: m, over: question, nodes: [{step: s, user: x}]}",
       "`over` of m is a text, and must be a list"},
      {"  - {apply: e, each: answer}", "`each` of e is an object, and must be a list"},
      {"  - {apply: e, each: '7'}", "`each` of e is a number, and must be a list"},
      {"  - {apply: e, each: '[1, 2]'}", ""},
      {"  - {apply: e, each: row.tags}", ""},
      {"  - {apply: e, each: tags | sort}", ""},
      {"  - {apply: e, each: 'row.maybe | default([])'}", ""},
      {"  - {map: m, over: maybe, nodes: [{step: s, user: x}]}", "`over` of m may be null"},
      {"  - {step: s, user: x, media: row.flag}", "`media` of s gives true or false"},
      {"  - {switch: s, on: tags, cases: {a: []}, default: []}",
       "`on` of s is a list; a switch looks at"},
      {"  - {map: m, over: tags, as: answer, nodes: [{step: s, user: x}]}",
       "is the name of a node, too"},
      {"  - {map: m, over: tags, nodes: [{map: n, over: tags, nodes: [{step: s, user: x}]}]}",
       "hides the item of the map around it"},
      {"  - {map: m, over: tags, nodes: [{apply: w, where: item}]}",
       "none of the nodes in map m gives a value"},
  };
  for (const auto& [text, message] : cases) {
    const std::string told = Told(text);
    if (message.empty()) {
      EXPECT_EQ(told, "") << text;
    } else {
      EXPECT_THAT(told, HasSubstr(message)) << text;
    }
  }
}

TEST(CheckTest, CasesAreHeldAgainstTheValue) {
  const CheckCase cases[] = {
      {"  - {switch: s, on: answer.kind, cases: {red: [], green: []}}", ""},
      {"  - {switch: s, on: answer.kind, cases: {red: [], greed: []}}",
       "case greed of switch s is never reached: `answer.kind` is one of red, green; did you mean "
       "`green`?"},
      {"  - {switch: s, on: answer.kind, cases: {red: []}}",
       "warning: `on` of s may be green, which no case is for"},
      {"  - {switch: s, on: answer.kind, cases: {red: []}, default: []}", ""},
      {"  - {switch: s, on: row.flag | default(true), cases: {maybe: []}, default: []}", ""},
      {"  - {switch: s, on: flag, cases: {true: [], false: []}}", "`flag` may be missing"},
      {"  - {switch: s, on: flag, cases: {maybe: []}, default: []}",
       "case maybe of switch s is never reached"},
      {"  - {switch: s, on: question, cases: [{equals: a, nodes: []}, {equals: a, nodes: []}], "
       "default: []}",
       "there is one for the same value before it"},
      {"  - {step: c, user: x, choice: [a, b]}\n  - {switch: s, on: c, cases: {a: [], z: []}, "
       "default: []}",
       "case z of switch s is never reached"},
  };
  for (const auto& [text, message] : cases) {
    const std::string told = Told(text);
    if (message.empty()) {
      EXPECT_EQ(told, "") << text;
    } else {
      EXPECT_THAT(told, HasSubstr(message)) << text;
    }
  }
}

TEST(CheckTest, CasesAreHeldAgainstTheKind) {
  constexpr std::string_view kInput =
      "input: {type: object, required: [n, m, f, o, t], properties: {n: {type: integer}, m: {type: "
      "[integer, 'null']}, f: {type: number}, o: {type: [object, string]}, t: {type: string}}}\n";
  const CheckCase cases[] = {
      {"on: row.n, cases: {foo: []}, default: []",
       "case foo of switch s is never reached: `row.n` is an integer"},
      {"on: row.n, cases: {foo: []}", "warning: `on` of s may be an integer, which no case is for"},
      {"on: row.n, cases: {1.5: []}, default: []", "case 1.5 of switch s is never reached"},
      {"on: row.n, cases: {true: []}, default: []", "case true of switch s is never reached"},
      {"on: row.n, cases: {1: [], '2': [], 3.0: []}", ""},
      {"on: row.m, cases: {1: [], 'null': []}", ""},
      {"on: row.m, cases: {1: []}", "warning: `on` of s may be null, which no case is for"},
      {"on: row.f, cases: {1: [], 1.5: []}", ""},
      {"on: row.f, cases: {x: []}, default: []", "`row.f` is a number"},
      {"on: row.o, cases: {x: [], '{}': []}", ""},
      {"on: row.t, cases: {x: [], 1: [], true: [], 'null': [], 1.5: []}", ""},
      {"on: row.any, cases: {x: []}, default: []", "`row.any` is not in the schema of `row`"},
      {"on: row.n | string, cases: {x: []}", ""},
  };
  for (const auto& [text, message] : cases) {
    const std::string told = Describe(
        ProblemsOf(StrCat(kInput, "nodes: [{switch: s, ", text, "}, {step: z, user: x}]")));
    if (message.empty()) {
      EXPECT_EQ(told, "") << text;
    } else {
      EXPECT_THAT(told, HasSubstr(message)) << text;
    }
  }
}

TEST(CheckTest, WhatAnApplyGivesIsHeldAgainstItsOutput) {
  constexpr std::string_view kInput =
      "input: {type: object, required: [q, l, a], properties: {q: {type: string}, l: {type: array, "
      "items: {type: string}}, a: {type: array}}}\n";
  const CheckCase cases[] = {
      {"set: {v: row.q}, output: {properties: {v: {type: integer}}}",
       "flow.yaml:2:9: `output` of s is never obeyed, and every row fails: `v` is a text and must "
       "be an integer"},
      {"set: {v: row.q}, output: {type: array}",
       "what `set` gives is an object and must be a list"},
      {"set: {v: row.q}, output: {required: [v, w]}",
       "what `set` gives has no `w`, which is required"},
      {"set: {v: row.q}, output: {properties: {w: {}}, additionalProperties: false}",
       "what `set` gives may have no `v`"},
      {"set: {v: row.q}, output: {additionalProperties: {type: 'null'}}",
       "`v` is a text and must be null"},
      {"set: {v: row.q}, output: {allOf: [{$ref: '#/$defs/d'}], $defs: {d: {properties: {v: {type: "
       "integer}}}}}",
       "`v` is a text and must be an integer"},
      {"each: row.l, output: {type: integer}",
       "every item fails: each item is a text and must be an integer"},
      {"set: {v: row.q}, output: {required: [v], properties: {v: {type: [string, 'null']}}}", ""},
      {"set: {v: row.q}, output: {patternProperties: {'^v': {}}, additionalProperties: false}", ""},
      {"set: {v: 7, w: row.q | int}, output: {additionalProperties: {type: integer}}", ""},
      {"set: {v: row.q}, output: {anyOf: [{properties: {v: {type: integer}}}, {}]}", ""},
      {"set: {v: row.q}, output: {if: {required: [x]}, then: {properties: {v: {type: integer}}}}",
       ""},
      {"each: row.a, output: {type: integer}", ""},
      {"each: row.l, output: {minLength: 3}", ""},
  };
  for (const auto& [text, message] : cases) {
    const std::string told =
        Describe(ProblemsOf(StrCat(kInput, "nodes: [{apply: s, ", text, "}, {step: z, user: x}]")));
    if (message.empty()) {
      EXPECT_EQ(told, "") << text;
    } else {
      EXPECT_THAT(told, HasSubstr(message)) << text;
    }
  }
}

TEST(CheckTest, OneFaultOfOneTextIsToldOnce) {
  constexpr std::string_view kInput =
      "input: {type: object, properties: {t: {type: array, items: {type: object}}}}\n";
  const auto told = [&](std::string_view user) {
    return ProblemsOf(StrCat(kInput, "nodes: [{step: a, user: ", user, "}]")).size();
  };
  EXPECT_EQ(told(R"("{% for x in row.t %}{{ x }}{{ x }}{% endfor %}")"), 1U);
  EXPECT_EQ(told(R"("{% for x in row.t %}\n{{ x }}\n{{ x.y is defined }}{% endfor %}")"), 1U);
  EXPECT_EQ(told(R"("{{ row.t }}{{ row.u }}")"), 2U);
  EXPECT_EQ(told(R"("{{ row.t }}", system: "{{ row.t }}")"), 2U);
}

TEST(CheckTest, WhatNothingReachesIsTold) {
  EXPECT_THAT(Told("  - {apply: f, where: false}\n  - {step: z, user: x}"),
              HasSubstr("`where` of f is never true, so that nothing reaches z"));
  EXPECT_THAT(Told("  - {apply: f, where: 1 > 2}"), HasSubstr("no row is kept"));
  EXPECT_THAT(Told("  - {apply: f, where: true}"),
              HasSubstr("warning: `where` of f is always true"));
}

TEST(CheckTest, NamesThatHideOthersAreTold) {
  EXPECT_THAT(Told("  - {step: hint, user: x}"), HasSubstr("step hint hides the field `hint`"));
  EXPECT_THAT(Told("  - parallel: [{branch: b, join: level, nodes: [{step: s, user: x}]}]"),
              HasSubstr("the join level hides the field `level`"));
}

TEST(CheckTest, BranchesThatNobodySeesAreTold) {
  EXPECT_THAT(Told("  - parallel: [{branch: b, nodes: [{step: s, user: x, yield: false}]}]"),
              HasSubstr("warning: nothing sees what branch b gives"));
  EXPECT_EQ(Told("  - parallel: [{branch: b, nodes: [{step: s, user: x}]}]"), "");
  EXPECT_THAT(Told("  - parallel: [{branch: b, join: j, nodes: [{apply: w, where: flag}]}]"),
              HasSubstr("none of its nodes gives a value"));
}

TEST(CheckTest, EnginesProfilesAdaptersAndConstraints) {
  const CheckCase cases[] = {
      {"{step: s, user: x, engine: mian}",
       "step s asks the engine mian, which the configuration does not have; did you mean `main`?"},
      {"{step: s, user: x, profile: chian}", "did you mean `chain`?"},
      {"{step: s, user: x, adapter: sql}", ""},
      {"{step: s, user: x, adapter: sqk}",
       "step s wants the adapter sqk, which main does not have; did you mean `sql`?"},
      {"{step: s, user: x, adapter: any, engine: open}", ""},
      {"{step: s, user: x, adapter: any, engine: ollama}", "servers of its kind have none"},
      {"{step: s, user: x, adapter: any, engine: known}",
       "warning: step s wants the adapter any, which known does not have"},
      {"{step: s, user: x, regex: '[a-z]+'}", ""},
      {"{step: s, user: x, engine: ollama, regex: '[a-z]+'}",
       "step s binds its answer by regex, which ollama (ollama) cannot do: it has no regular "
       "expressions"},
      {"{step: s, user: x, regex: '[a-z'}", "`regex` of step s is wrong"},
      {"{step: s, user: x, regex: '(?=a)'}", "warning: `regex` of step s cannot be verified"},
      {"{step: s, user: x, grammar: 'root ::= y'}",
       "warning: `grammar` of step s cannot be verified"},
      {"{step: s, user: x, grammar: 'root ::= \"y\"'}", ""},
  };
  for (const auto& [text, message] : cases) {
    const std::string told = Describe(ProblemsOf(StrCat("nodes:\n  - ", text)));
    if (message.empty()) {
      EXPECT_EQ(told, "") << text;
    } else {
      EXPECT_THAT(told, HasSubstr(message)) << text;
    }
  }
}

TEST(CheckTest, ProgramsAreThereAndMayBeExecuted) {
  CheckFacts facts = Facts();
  facts.program_path = "/nowhere:/bin";
  const auto told = [&](std::string_view program) {
    return Describe(ProblemsOf(StrCat("nodes: [{apply: a, exec: ['", program, "']}]"), facts));
  };
  EXPECT_EQ(told("sh"), "");
  EXPECT_EQ(told("/bin/sh"), "");
  EXPECT_THAT(told("no-such-program"), HasSubstr("flow.yaml:1:"));
  EXPECT_THAT(told("no-such-program"), HasSubstr("no program no-such-program"));
  EXPECT_THAT(told("./no/such"), HasSubstr("`exec` of a: there is no program"));
  EXPECT_THAT(told("/etc/passwd"), HasSubstr("not executable"));
}

TEST(CheckTest, WordsThatNoSchemaHasAreTold) {
  const CheckCase cases[] = {
      {"{type: object, requred: [a]}", "did you mean `required`?"},
      {"{properties: {a: {type: string, maxLenght: 3}}}", "(at /properties/a) is no word"},
      {"{anyOf: [{minimun: 3}]}", "(at /anyOf/0)"},
      {"{type: array, items: {zzzzzzzz: 1}}", "take it away, or call it x-..."},
      {"{title: t, description: d, x-mine: 1, default: 3, examples: [1], nullable: true}", ""},
      {"{properties: {requred: {type: string}}, $defs: {wrod: {}}, dependentSchemas: {a: {}}}", ""},
      {"{const: {requred: 1}, enum: [{tpye: 1}], default: {tpye: 1}}", ""},
      {"{type: object, definitions: {a: {}}, dependencies: {a: [b]}}", ""},
  };
  for (const auto& [schema, message] : cases) {
    const std::string told =
        Describe(ProblemsOf(StrCat("nodes: [{apply: a, each: '[1]', output: ", schema, "}]")));
    if (message.empty()) {
      EXPECT_EQ(told, "") << schema;
    } else {
      EXPECT_THAT(told, HasSubstr(message)) << schema;
      EXPECT_THAT(told, HasSubstr("warning: ")) << schema;
    }
  }
}

TEST(CheckTest, CasesAreNumbersHoweverTheyAreWritten) {
  constexpr std::string_view kInput =
      "input: {type: object, required: [k], properties: {k: {enum: [7.0, 8]}}}\n";
  const auto told = [&](std::string_view cases) {
    return Describe(ProblemsOf(
        StrCat(kInput, "nodes: [{switch: s, on: k, cases: ", cases, "}, {step: z, user: x}]")));
  };
  EXPECT_EQ(told("{7: [], 8.0: []}"), "");
  EXPECT_EQ(told("[{equals: 7, nodes: []}, {equals: 8.0, nodes: []}]"), "");
  EXPECT_THAT(told("{7: [], 9: []}"), HasSubstr("case 9 of switch s is never reached"));
}

TEST(CheckTest, TheIdIsAFieldOfTheRow) {
  constexpr std::string_view kInput =
      "input: {type: object, required: [key], properties: {key: {}, other: {}}}\n"
      "nodes: [{step: a, user: x}]\nid: ";
  EXPECT_EQ(Describe(ProblemsOf(StrCat(kInput, "key"))), "");
  EXPECT_THAT(Describe(ProblemsOf(StrCat(kInput, "kye"))), HasSubstr("did you mean `key`?"));
  EXPECT_THAT(Describe(ProblemsOf(StrCat(kInput, "other"))), HasSubstr("may be missing"));
}

TEST(CheckTest, AnEngineOfTheFlowIsToldOnce) {
  EXPECT_EQ(ProblemsOf("engine: no\nnodes: [{step: a, user: x}, {step: b, user: x}]").size(), 1U);
}

TEST(CheckTest, OneEngineForAllOfThemIsTheOneThatIsChecked) {
  CheckFacts facts = Facts();
  facts.engine = "ollama";
  EXPECT_EQ(Describe(ProblemsOf("engine: no\nnodes: [{step: a, user: x, engine: none}]", facts)),
            "");
  EXPECT_THAT(Describe(ProblemsOf("nodes: [{step: a, user: x, regex: 'a', engine: no}]", facts)),
              HasSubstr("which ollama (ollama) cannot do"));
  facts.engine = "told by who opens it";
  EXPECT_EQ(Describe(ProblemsOf("nodes: [{step: a, user: x}]", facts)), "");
  facts.engine.clear();
  EXPECT_THAT(Describe(ProblemsOf("engine: no\nnodes: [{step: a, user: x}]", facts)),
              HasSubstr("or ask another one instead with -e"));
}

TEST(CheckTest, WithoutConfigurationEnginesAreNotChecked) {
  CheckFacts facts;
  facts.knows_engines = false;
  EXPECT_EQ(Describe(ProblemsOf("engine: no\nnodes: [{step: a, user: x, profile: p}]", facts)), "");
  facts.knows_engines = true;
  EXPECT_THAT(Describe(ProblemsOf("nodes: [{step: a, user: x}]", facts)),
              HasSubstr("names no engine, and there is no default one"));
}

TEST(CheckTest, RecursiveSchemasEnd) {
  constexpr std::string_view kYaml = R"(
nodes:
  - step: tree
    user: x
    output:
      $defs:
        node:
          type: object
          required: [left, right]
          properties:
            left: {anyOf: [{$ref: "#/$defs/node"}, {$ref: "#/$defs/node"}, {$ref: "#/$defs/node"}]}
            right: {oneOf: [{$ref: "#/$defs/node"}, {type: "null"}]}
      $ref: "#/$defs/node"
  - step: b
    user: "{{ tree.left.left.left.left.left.left.left.left.left.left.left.left }} {{ tree.right.left }}"
)";
  const std::string told = Describe(ProblemsOf(kYaml));
  EXPECT_THAT(told, HasSubstr("`tree.right.left` may be missing"));
  EXPECT_THAT(told, Not(HasSubstr("left.left.left` is not there")));
}

}  // namespace
}  // namespace weir::flow
