#include "weir/schema/structs.h"

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/schema/schema.h"

namespace weir::schema {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

enum class Color : std::uint8_t { kRed, kLightBlue };
BOOST_DESCRIBE_ENUM(Color, kRed, kLightBlue)

struct Circle {
  double radius = 0;
  friend bool operator==(const Circle&, const Circle&) = default;
};
BOOST_DESCRIBE_STRUCT(Circle, (), (radius))

struct Box {
  double width = 0;
  double height = 0;
  friend bool operator==(const Box&, const Box&) = default;
};
BOOST_DESCRIBE_STRUCT(Box, (), (width, height))

using Shape = std::variant<std::monostate, bool, std::int64_t, std::string, Circle, Box>;

struct Base {
  std::uint64_t id = 0;
  friend bool operator==(const Base&, const Base&) = default;
};
BOOST_DESCRIBE_STRUCT(Base, (), (id))

struct Everything : Base {
  bool flag = false;
  std::int8_t small = 0;
  std::uint16_t middle = 0;
  std::int64_t large = 0;
  double real = 0;
  std::string text;
  Color color = Color::kRed;
  std::optional<int> maybe;
  std::optional<Color> maybe_color;
  std::optional<std::string> with_default = "x";
  std::vector<std::optional<bool>> flags;
  std::array<int, 2> pair = {};
  std::map<std::string, Circle> circles;
  Shape shape;
  std::vector<Shape> shapes;
  json::Value any;
  friend bool operator==(const Everything&, const Everything&) = default;
};
BOOST_DESCRIBE_STRUCT(Everything, (Base),
                      (flag, small, middle, large, real, text, color, maybe, maybe_color,
                       with_default, flags, pair, circles, shape, shapes, any))

struct Tree {
  std::string name;
  std::vector<Tree> children;
  std::unique_ptr<Tree> left;
  friend bool operator==(const Tree& a, const Tree& b) {
    return a.name == b.name && a.children == b.children && !a.left == !b.left &&
           (!a.left || *a.left == *b.left);
  }
};
BOOST_DESCRIBE_STRUCT(Tree, (), (name, children, left))

struct Forest {
  std::vector<Tree> trees;
  std::optional<Tree> oldest;
  Circle clearing;
};
BOOST_DESCRIBE_STRUCT(Forest, (), (trees, oldest, clearing))

struct Person {
  std::string name;
  std::uint8_t age = 18;
  std::optional<std::string> email;
  std::vector<std::string> tags;
  Color color = Color::kRed;
};
BOOST_DESCRIBE_STRUCT(Person, (), (name, age, email, tags, color))

struct Wrong {
  std::string text;
};
BOOST_DESCRIBE_STRUCT(Wrong, (), (text))

}  // namespace
}  // namespace weir::schema

template <>
struct weir::Notes<weir::schema::Color> {
  static void Describe(weir::schema::Enumerators<weir::schema::Color>& e) {
    e(weir::schema::Color::kRed).Name("red").Alias("crimson");
    e(weir::schema::Color::kLightBlue).Name("light blue");
  }
};

template <>
struct weir::Notes<weir::schema::Everything> {
  static void Describe(weir::schema::Fields<weir::schema::Everything>& f) {
    f(&weir::schema::Everything::with_default).Default();
  }
};

template <>
struct weir::Notes<weir::schema::Person> {
  static void Describe(weir::schema::Fields<weir::schema::Person>& f) {
    f.Text("Somebody.");
    f(&weir::schema::Person::name).Name("full name").Alias("name").Min(1).Max(20);
    f(&weir::schema::Person::age).Text("in years").Max(150).Default();
    f(&weir::schema::Person::email).Pattern("^[^@]+@[^@]+$").Format("email");
    f(&weir::schema::Person::tags).Max(2).Default({"new"});
  }
};

template <>
struct weir::Notes<weir::schema::Wrong> {
  static void Describe(weir::schema::Fields<weir::schema::Wrong>& f) {
    f(&weir::schema::Wrong::text).Pattern("(");
  }
};

namespace weir::schema {
namespace {

json::Value Document(std::string_view text) { return json::Read(text).value(); }

template <class T>
std::string SchemaText() {
  return json::Write(Of<T>());
}

template <class T>
std::string Problem(std::string_view document) {
  const Result<T> read = Read<T>(Document(document));
  if (read) return "";
  EXPECT_EQ(read.error().code, Code::kSchemaMismatch);
  return read.error().message;
}

TEST(Structs, SchemaOfAStructIsClosedAndKnowsWhatIsRequired) {
  EXPECT_EQ(SchemaText<Person>(),
            R"({"description":"Somebody.","type":"object","properties":{)"
            R"("full name":{"type":"string","minLength":1,"maxLength":20},)"
            R"("age":{"description":"in years","type":"integer","minimum":0,"maximum":150,)"
            R"("default":18},)"
            R"("email":{"type":["string","null"],"pattern":"^[^@]+@[^@]+$","format":"email"},)"
            R"("tags":{"type":"array","items":{"type":"string"},"maxItems":2,"default":["new"]},)"
            R"("color":{"type":"string","enum":["red","light blue"]}},)"
            R"("required":["full name","color"],"additionalProperties":false})");
}

TEST(Structs, SimpleTypesHaveSimpleSchemas) {
  EXPECT_EQ(SchemaText<bool>(), R"({"type":"boolean"})");
  EXPECT_EQ(SchemaText<std::int8_t>(), R"({"type":"integer","minimum":-128,"maximum":127})");
  EXPECT_EQ(SchemaText<std::uint64_t>(),
            R"({"type":"integer","minimum":0,"maximum":18446744073709551615})");
  EXPECT_EQ(SchemaText<float>(), R"({"type":"number"})");
  EXPECT_EQ(SchemaText<json::Value>(), "{}");
  EXPECT_EQ(SchemaText<std::optional<Color>>(),
            R"({"type":["string","null"],"enum":["red","light blue",null]})");
  EXPECT_EQ((SchemaText<std::map<std::string, std::vector<bool>>>()),
            R"({"type":"object","additionalProperties":{"type":"array",)"
            R"("items":{"type":"boolean"}}})");
  EXPECT_EQ((SchemaText<std::array<bool, 3>>()),
            R"({"type":"array","items":{"type":"boolean"},"minItems":3,"maxItems":3})");
  EXPECT_EQ((SchemaText<std::variant<bool, std::monostate>>()),
            R"({"anyOf":[{"type":"boolean"},{"type":"null"}]})");
}

TEST(Structs, AStructThatContainsItselfIsReferredTo) {
  EXPECT_EQ(SchemaText<Tree>(), R"({"type":"object","properties":{"name":{"type":"string"},)"
                                R"("children":{"type":"array","items":{"$ref":"#"}},)"
                                R"("left":{"anyOf":[{"$ref":"#"},{"type":"null"}]}},)"
                                R"("required":["name","children"],"additionalProperties":false})");
}

TEST(Structs, WhatIsUsedOnceStandsInPlaceAndTheRestInDefs) {
  EXPECT_EQ(SchemaText<Forest>(),
            R"({"type":"object","properties":{)"
            R"("trees":{"type":"array","items":{"$ref":"#/$defs/Tree"}},)"
            R"("oldest":{"anyOf":[{"$ref":"#/$defs/Tree"},{"type":"null"}]},)"
            R"("clearing":{"type":"object","properties":{"radius":{"type":"number"}},)"
            R"("required":["radius"],"additionalProperties":false}},)"
            R"("required":["trees","clearing"],"additionalProperties":false,)"
            R"("$defs":{"Tree":{"type":"object","properties":{"name":{"type":"string"},)"
            R"("children":{"type":"array","items":{"$ref":"#/$defs/Tree"}},)"
            R"("left":{"anyOf":[{"$ref":"#/$defs/Tree"},{"type":"null"}]}},)"
            R"("required":["name","children"],"additionalProperties":false}}})");
}

TEST(Structs, DefaultsAliasesAndEmptyOptionalsAreFilledIn) {
  const Result<Person> read = Read<Person>(Document(R"({"name":"Ada","color":"crimson"})"));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->name, "Ada");
  EXPECT_EQ(read->age, 18);
  EXPECT_EQ(read->email, std::nullopt);
  EXPECT_THAT(read->tags, testing::ElementsAre("new"));
  EXPECT_EQ(json::Write(Write(*read)),
            R"({"full name":"Ada","age":18,"tags":["new"],"color":"red"})");
}

TEST(Structs, TheFirstAlternativeThatFitsIsRead) {
  const auto index = [](std::string_view text) {
    return Read<Shape>(Document(text)).value().index();
  };
  EXPECT_EQ(index("null"), 0U);
  EXPECT_EQ(index("true"), 1U);
  EXPECT_EQ(index("7"), 2U);
  EXPECT_EQ(index(R"({"radius":1})"), 4U);
  EXPECT_EQ(index(R"({"width":1,"height":2})"), 5U);
}

struct ProblemCase {
  const char* name;
  std::string (*problem)(std::string_view);
  std::string_view document;
  std::string_view sentence;
};

const ProblemCase kProblems[] = {
    {"NoObject", &Problem<Person>, "[]",
     "at the top level: expected an object, got an empty array"},
    {"Missing", &Problem<Person>, R"({"name":"Ada"})",
     "at the top level: the property \"color\" is missing"},
    {"Unknown", &Problem<Person>, R"({"colour":"red"})",
     "at the top level: there is no property \"colour\"; did you mean \"color\"?"},
    {"Type", &Problem<Person>, R"({"name":1,"color":"red"})",
     "at /full name: expected a string, got the number 1"},
    {"TooShort", &Problem<Person>, R"({"name":"","color":"red"})",
     "at /full name: expected at least 1 character, got 0"},
    {"Bound", &Problem<Person>, R"({"name":"A","age":151,"color":"red"})",
     "at /age: expected a number of at most 150, got 151"},
    {"Range", &Problem<Person>, R"({"name":"A","age":-1,"color":"red"})",
     "at /age: expected an integer from 0 to 255, got the number -1"},
    {"Fraction", &Problem<int>, "1.5",
     "at the top level: expected an integer from -2147483648 to 2147483647, got the number 1.5"},
    {"Float", &Problem<float>, "1e300", "expected a number from -"},
    {"Pattern", &Problem<Person>, R"({"name":"A","color":"red","email":"x"})",
     "at /email: expected a string that matches the pattern"},
    {"Items", &Problem<Person>, R"({"name":"A","color":"red","tags":["a","b","c"]})",
     "at /tags: expected at most 2 items, got 3"},
    {"Enum", &Problem<Person>, R"({"name":"A","color":"rde"})",
     "at /color: expected one of \"red\" or \"light blue\", got the string \"rde\"; did you mean "
     "\"red\"?"},
    {"Deep", &Problem<Forest>, R"({"trees":[{"name":"a","children":[{"name":2}]}]})",
     "at /trees/0/children/0/name: expected a string, got the number 2"},
    {"ArraySize", &Problem<std::array<int, 2>>, "[1]",
     "at the top level: expected 2 items, got 1 item"},
    {"KeyIsEscaped", &Problem<std::map<std::string, bool>>, R"({"a/b":1})",
     "at /a~1b: expected true or false, got the number 1"},
    {"NoAlternative", &Problem<std::variant<bool, std::string>>, "1",
     "at the top level: none of the 2 alternatives fits: expected true or false, got the number 1; "
     "expected a string, got the number 1"},
    {"TheNearestAlternative", &Problem<Shape>, R"({"width":1,"height":"2"})",
     "at /height: expected a number, got the string \"2\""},
};

TEST(Structs, WrongDocumentsAreToldWithPlaceAndSentence) {
  for (const ProblemCase& test : kProblems) {
    EXPECT_THAT(test.problem(test.document), HasSubstr(test.sentence)) << test.name;
  }
}

TEST(Structs, AnUnsoundNoteIsSaid) {
  const Result<Wrong> read = Read<Wrong>(Document(R"({"text":"x"})"));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, Code::kInvalidPattern);
  EXPECT_THAT(read.error().message, StartsWith("at /text: the note on this member is wrong: "));
}

TEST(Structs, ATextIsParsedAndRead) {
  EXPECT_EQ(Parse<int>("7").value(), 7);
  EXPECT_EQ(Parse<int>("7,").error().code, Code::kInvalidJson);
}

TEST(Structs, NestingHasALimit) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += R"({"name":"","children":[)";
  for (int i = 0; i < 1000; ++i) text += "]}";
  const json::Value deep = json::Read(text, {.max_depth = 4096}).value();
  const Result<Tree> read = Read<Tree>(deep);
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("more than 1024 values are inside each other"));
}

struct Fork;
struct Knife;
using Tool = std::variant<std::shared_ptr<Fork>, std::shared_ptr<Knife>>;
struct Fork {
  std::vector<Tool> parts;
  bool end = false;
};
struct Knife {
  std::vector<Tool> parts;
  int end = 0;
};
BOOST_DESCRIBE_STRUCT(Fork, (), (parts, end))
BOOST_DESCRIBE_STRUCT(Knife, (), (parts, end))

TEST(Structs, AlternativesThatMultiplyAreGivenUp) {
  // Every level is read as a Fork, in vain, before it is read as a Knife.
  std::string text = "[]";
  for (int i = 0; i < 60; ++i) text = R"([{"parts":)" + text + R"(,"end":1}])";
  const Result<std::vector<Tool>> read = Read<std::vector<Tool>>(Document(text));
  ASSERT_FALSE(read);
  EXPECT_THAT(read.error().message, HasSubstr("too many combinations"));
}

std::string Text() {
  return *rc::gen::container<std::string>(rc::gen::element('a', 'Z', '"', '\\', '~', '/', ' '));
}

Shape AnyShape() {
  switch (*rc::gen::inRange(0, 6)) {
    case 1:
      return *rc::gen::arbitrary<bool>();
    case 2:
      return *rc::gen::arbitrary<std::int64_t>();
    case 3:
      return Text();
    case 4:
      return Circle{*rc::gen::arbitrary<double>()};
    case 5:
      return Box{*rc::gen::arbitrary<double>(), 0.1};
    default:
      return std::monostate();
  }
}

Everything AnyEverything() {
  Everything made;
  made.id = *rc::gen::arbitrary<std::uint64_t>();
  made.flag = *rc::gen::arbitrary<bool>();
  made.small = *rc::gen::arbitrary<std::int8_t>();
  made.middle = *rc::gen::arbitrary<std::uint16_t>();
  made.large = *rc::gen::arbitrary<std::int64_t>();
  made.real = *rc::gen::arbitrary<double>();
  made.text = Text();
  made.color = *rc::gen::element(Color::kRed, Color::kLightBlue);
  if (*rc::gen::arbitrary<bool>()) made.maybe = *rc::gen::arbitrary<int>();
  if (*rc::gen::arbitrary<bool>()) made.maybe_color = Color::kLightBlue;
  if (*rc::gen::arbitrary<bool>()) made.with_default = std::nullopt;
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) {
    made.flags.emplace_back(i == 1 ? std::nullopt : std::optional(true));
    made.circles[Text()] = Circle{*rc::gen::arbitrary<double>()};
    made.shapes.push_back(AnyShape());
  }
  made.pair = {*rc::gen::arbitrary<int>(), *rc::gen::arbitrary<int>()};
  made.shape = AnyShape();
  made.any = Write(made.circles);
  return made;
}

RC_GTEST_PROP(StructsProperty, WhatIsWrittenIsReadAndObeysTheSchema, ()) {
  static const Schema schema = Schema::Compile(Of<Everything>()).value();
  const Everything made = AnyEverything();
  const json::Value written = Write(made);
  const auto violations = schema.Check(written);
  RC_ASSERT(violations.empty());
  const Result<Everything> read = Read<Everything>(Document(json::Write(written)));
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == made);
}

Tree AnyTree(int depth) {
  Tree tree;
  tree.name = Text();
  if (depth == 0) return tree;
  for (int i = *rc::gen::inRange(0, 3); i > 0; --i) tree.children.push_back(AnyTree(depth - 1));
  if (*rc::gen::arbitrary<bool>()) tree.left = std::make_unique<Tree>(AnyTree(depth - 1));
  return tree;
}

RC_GTEST_PROP(StructsProperty, TreesToo, ()) {
  static const Schema schema = Schema::Compile(Of<Tree>()).value();
  const Tree made = AnyTree(3);
  const json::Value written = Write(made);
  RC_ASSERT(schema.Accepts(written));
  const Result<Tree> read = Read<Tree>(written);
  RC_ASSERT(read.has_value());
  RC_ASSERT(*read == made);
}

}  // namespace
}  // namespace weir::schema
