#include "weir/flow/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"

namespace weir::flow {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// "method Account.deposit 3-5"
std::vector<std::string> Listed(std::string_view text, Language language) {
  std::vector<std::string> lines;
  for (const Unit& unit : UnitsOf(text, language)) {
    lines.push_back(
        StrCat(UnitKindName(unit.kind), " ", unit.name, " ", unit.line, "-", unit.end_line));
  }
  return lines;
}

// Every unit lies inside of the text, of the unit around it, and behind the one before it.
void ExpectLaws(std::string_view text, Language language) {
  std::vector<Unit> around;
  for (const Unit& unit : UnitsOf(text, language)) {
    ASSERT_LT(unit.begin, unit.end);
    ASSERT_LE(unit.end, text.size());
    ASSERT_LE(unit.line, unit.end_line);
    ASSERT_FALSE(unit.name.empty());
    ASSERT_LE(unit.depth, around.size());
    if (unit.depth < around.size()) {
      ASSERT_GE(unit.begin, around[unit.depth].end);
    }
    around.resize(unit.depth);
    if (!around.empty()) {
      ASSERT_GE(unit.begin, around.back().begin);
      ASSERT_LE(unit.end, around.back().end);
    }
    around.push_back(unit);
  }
  for (const bool classes : {false, true}) {
    std::size_t row_end = 0;
    for (const Unit& unit : RowUnitsOf(text, language, classes)) {
      ASSERT_GE(unit.begin, row_end);
      row_end = unit.end;
    }
  }
}

constexpr std::string_view kPythonText = R"py(import os

# def not_this(): pass
TEXT = """
def nor_this():
    pass
"""

@cache
@retry(times=3)
def top(a, b=(1,
              2)):
    """Says: def inner()"""
    def inner():
        return '# no comment'
    return inner

class Account(Base):
    limit = {"a": [1,
        2]}

    async def deposit(self, amount): return amount

    @property
    def total(self):
        if self.limit:
            return 1

        # the end
        return 2
    class Inner:
        pass

value = top(1)
def last(): pass)py";

constexpr std::string_view kCppText = R"text(#include <map>
#define TWICE(x) \
                                             {              \
                                               (x);         \
                                               (x);         \
                                             }
                                           namespace a::b {
                                           // int commented() {}
                                           template <class T, int N = 3>
                                           struct Holder : public Base<T> {
                                             explicit Holder(int n) : n_(n), list_{1, 2} { Grow(); }
                                             ~Holder() override {}
                                             bool operator()(int x) const { return x == '}'; }
                                             T* Find(const char* key = "{") const;
                                             enum class Kind { kA, kB };
                                             std::map<int, int> n_{};
                                           };
                                           int Holder<int>::Free(int x) noexcept {
                                             auto f = [&](int y) { return y; };
                                             return f(1'000);
                                           }
                                           Widget::Widget(int a) : a_(a) {}
                                           Widget::~Widget() {}
                                           constexpr int kTable[] = {1, 2};
                                           constexpr auto kText = R"x(int no() { )" )x";
                                           }  // namespace a::b
                                           TEST(HolderTest, FindsWhatIsThere) {
                                             if (true) {
                                               Run();
                                             }
                                           }
                                           extern "C" {
                                           int from_c(struct point* p) { return p->x; }
                                           }
                                           struct point* make(void) { return 0; })text";

constexpr std::string_view kJavaText = R"java(package x;
@Entity(name = "a")
public final class Box<T extends Comparable<T>> implements Seen {
  private int[] a = {1, 2};
  static { init(); }
  Box(T t) { this.t = t; }
  @Override
  public <R> Map<String, R> toMap(R r) throws Bad {
    Runnable run = () -> { r.x(); };
    return null;
  }
  record Point(int x, int y) { int sum() { return x + y; } }
  interface Seen { default void see() { } }
})java";

constexpr std::string_view kScriptText = R"ts(import {a} from './a'
const table = { f() { return 1 } }
export default async function load(url: string): Promise<{ok: boolean}> {
  return `${url} } ${ {a: 1}.a }`
}
const add = (a: number, b: number): number => {
  return a / b
}
export const sum = function (list) { return /[/}]/.test(list) }
export class View extends Base {
  count = 0
  handler = async (e) => {
    this.count++
  }
  constructor(x) { super(x) }
  get total() { return 1 }
  static #hidden() { if (x) { y() } }
}
describe('x', () => { it('y', () => {}) }))ts";

constexpr std::string_view kGoText = R"go(package main

import (
	"fmt"
)

type Server struct {
	name string
}

type Runner interface { Run() error }

func (s *Server) Run(ctx context.Context) (n int, err error) {
	f := func() { fmt.Println(`}`) }
	return
}

func Map[T any](list []T, f func(T) T) interface{} {
	return nil
}

var handler = func() {}
)go";

constexpr std::string_view kRustText = R"rust(use std::fmt;
#[derive(Debug)]
pub struct Point<'a> { x: &'a str }
impl<'a> fmt::Display for Point<'a> {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result { write!(f, r#"} " {"#) }
}
mod inner {
    pub fn helper<T: Fn(i32) -> i32>(c: char) -> bool { c == '{' }
}
trait Shape { fn area(&self) -> f64 { 0.0 } }
)rust";

TEST(UnitsTest, EachLanguageIsTakenApart) {
  EXPECT_THAT(Listed(kPythonText, Language::kPython),
              ElementsAre("function top 9-16", "function top.inner 14-15", "class Account 18-32",
                          "method Account.deposit 22-22", "method Account.total 24-30",
                          "class Account.Inner 31-32", "function last 35-35"));
  EXPECT_THAT(Listed(kCppText, Language::kCpp),
              ElementsAre("class a.b.Holder 9-17", "method a.b.Holder.Holder 11-11",
                          "method a.b.Holder.~Holder 12-12", "method a.b.Holder.operator() 13-13",
                          "class a.b.Holder.Kind 15-15", "method a.b.Holder.Free 18-21",
                          "method a.b.Widget.Widget 22-22", "method a.b.Widget.~Widget 23-23",
                          "function TEST_HolderTest_FindsWhatIsThere 27-31",
                          "function from_c 33-33", "function make 35-35"));
  EXPECT_THAT(Listed(kJavaText, Language::kJava),
              ElementsAre("class Box 2-14", "method Box.Box 6-6", "method Box.toMap 7-11",
                          "class Box.Point 12-12", "method Box.Point.sum 12-12",
                          "class Box.Seen 13-13", "method Box.Seen.see 13-13"));
  EXPECT_THAT(
      Listed(kScriptText, Language::kScript),
      ElementsAre("function load 3-5", "function add 6-8", "function sum 9-9", "class View 10-18",
                  "method View.handler 12-14", "method View.constructor 15-15",
                  "method View.total 16-16", "method View.hidden 17-17"));
  EXPECT_THAT(Listed(kGoText, Language::kGo),
              ElementsAre("class Server 7-9", "class Runner 11-11", "method Server.Run 13-16",
                          "function Map 18-20"));
  EXPECT_THAT(Listed(kRustText, Language::kRust),
              ElementsAre("class Point 2-3", "method Point.fmt 5-5", "function inner.helper 8-8",
                          "class Shape 10-10", "method Shape.area 10-10"));
}

TEST(UnitsTest, RowsDoNotOverlap) {
  std::vector<std::string> names;
  for (const Unit& unit : RowUnitsOf(kPythonText, Language::kPython, false)) {
    names.push_back(unit.name);
  }
  EXPECT_THAT(names, ElementsAre("top", "Account.deposit", "Account.total", "last"));
  const auto classes = RowUnitsOf(kPythonText, Language::kPython, true);
  ASSERT_EQ(classes.size(), 1U);
  EXPECT_EQ(classes[0].name, "Account");
}

TEST(UnitsTest, AForgottenBracketDoesNotHideTheRest) {
  EXPECT_THAT(Listed("x = (1,\ndef f():\n  pass\nclass C:\n  y = [\n  def g(self): pass\n",
                     Language::kPython),
              ElementsAre("function f 2-3", "class C 4-6", "method C.g 6-6"));
  EXPECT_THAT(Listed("int f() { if (x) {\nint g() {}\n", Language::kC),
              ElementsAre("function f 1-2"));
  EXPECT_THAT(Listed("}}} int f() {}", Language::kC), ElementsAre("function f 1-1"));
}

struct Sample {
  std::string_view text;
  Language language;
};
constexpr Sample kSamples[] = {{kPythonText, Language::kPython}, {kCppText, Language::kCpp},
                               {kCppText, Language::kC},         {kJavaText, Language::kJava},
                               {kScriptText, Language::kScript}, {kGoText, Language::kGo},
                               {kRustText, Language::kRust}};

// Each text ends in a function that a brace too many would hide.
TEST(UnitsTest, BranchesOfThePreprocessorCloseWhatTheyOpenOnce) {
  const struct {
    const char* name;
    const char* text;
    std::vector<std::string> units;
  } cases[] = {
      {"two headers of one body",
       "#if WIDE\nint f(long a) {\n#else\nint f(int a) {\n#endif\n  return 1;\n}\n",
       {"function f 2-7", "function last 8-8"}},
      {"three of them",
       "#ifdef A\nint f(long a) {\n#  elif defined(B)\nint f(int a) {\n#else\nint f() "
       "{\n#endif\n}\n",
       {"function f 2-8", "function last 9-9"}},
      {"two ends of one body",
       "int f() {\n#if A\n  return 1;\n}\n#else\n  return 2;\n}\n#endif\n",
       {"function f 1-4", "function last 9-9"}},
      {"two conditions of one body",
       "int f() {\n#ifndef A\n  if (a) {\n#else\n  if (b) {\n#endif\n  }\n}\n",
       {"function f 1-8", "function last 9-9"}},
      {"whole functions in both",
       "#if A\nint f() { return 1; }\n#else\nint g() { return 2; }\n#endif\n",
       {"function f 2-2", "function g 4-4", "function last 6-6"}},
      {"one inside of the other",
       "#if A\nint f(long a) {\n#else\n#if B\nint f(int a) {\n#else\nint f() "
       "{\n#endif\n#endif\n}\n",
       {"function f 2-10", "function last 11-11"}},
      {"a bracket that is open before them",
       "int f(\n#if A\n  long a) {\n#else \\\n  of the line before\n  int a) {\n#endif\n}\n",
       {"function f 1-8", "function last 9-9"}},
      {"ends that nothing begins", "#else\n#endif\n#elif\n", {"function last 4-4"}},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string text = StrCat(c.text, "int last() { return 0; }\n");
    for (const Language language : {Language::kC, Language::kCpp}) {
      EXPECT_EQ(Listed(text, language), c.units);
      for (std::size_t i = 0; i <= text.size(); ++i) ExpectLaws(text.substr(0, i), language);
    }
  }
}

TEST(UnitsTest, CutAtEveryByteUnitsStayInside) {
  for (const auto& [text, language] : kSamples) {
    for (std::size_t cut = 0; cut <= text.size(); ++cut) {
      SCOPED_TRACE(StrCat(static_cast<int>(language), " cut at ", cut));
      ExpectLaws(text.substr(0, cut), language);
    }
  }
}

TEST(UnitsTest, ADecoratorIsOfWhatStandsAsFarIn) {
  constexpr std::string_view kText = "class A:\n  @a\nclass B:\n  @b\n  @c\n  def f(): pass\n";
  ExpectLaws(kText, Language::kPython);
  EXPECT_THAT(Listed(kText, Language::kPython),
              ElementsAre("class A 1-2", "class B 3-6", "method B.f 4-6"));
}

RC_GTEST_PROP(UnitsTest, UnitsOfAnyTextDoNotOverlap, ()) {
  static constexpr std::string_view kPieces[] = {
      "def f():\n", "class C:\n", "  ",     "\n",       "{",    "}",   "(",        ")",
      "[",          "]",          "\"",     "'",        "`",    "/*",  "*/",       "//",
      "#",          "\\",         ";",      "=",        "=>",   " f(", "class C ", "fn f()",
      "func f() ",  "<",          ">",      "operator", "R\"(", "${",  "template", "::",
      ":",          "@a ",        "async ", "impl X ",  "~",    ","};
  std::string text;
  const auto count = *rc::gen::inRange<std::size_t>(0, 60);
  for (std::size_t i = 0; i < count; ++i)
    text +=
        *rc::gen::elementOf(std::vector<std::string_view>(std::begin(kPieces), std::end(kPieces)));
  for (const auto& [unused, language] : kSamples) ExpectLaws(text, language);
  RC_ASSERT(!testing::Test::HasFatalFailure());
}

TEST(UnitsTest, IdsOutliveFormatting) {
  const auto id_of = [](std::string_view text) {
    const auto units = UnitsOf(text, Language::kPython);
    return units.empty() ? "" : UnitId("a.py", units.back());
  };
  const std::string id = id_of("class A:\n  def f(self): pass\n");
  EXPECT_EQ(id.size(), 16U);
  EXPECT_EQ(id,
            id_of("import os\n\nclass A:\n\n    def f(\n        self,\n    ):\n        pass\n"));
  EXPECT_NE(id, id_of("class A:\n  def g(self): pass\n"));
}

TEST(UnitsTest, LanguagesAreKnownByTheEnding) {
  EXPECT_EQ(LanguageOf("src/a.PY"), Language::kPython);
  EXPECT_EQ(LanguageOf("a.tsx"), Language::kScript);
  EXPECT_EQ(LanguageOf("a.txt"), std::nullopt);
  EXPECT_EQ(LanguageOf("py"), std::nullopt);
  EXPECT_THAT(UnitsOf("", Language::kGo), IsEmpty());
}

}  // namespace
}  // namespace weir::flow
