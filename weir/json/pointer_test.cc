#include "weir/json/pointer.h"

#include <string>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::json {
namespace {

using testing::HasSubstr;

constexpr std::string_view kPointedDocument =
    R"({"foo":["bar","baz"],"":0,"a/b":1,"c%d":2,"m~n":8,"~1":9,"o":{"0":"zero"}})";

struct PointerCase {
  std::string_view pointer;
  std::string_view value;
};

TEST(Pointer, LeadsToTheValue) {
  const Value document = Read(kPointedDocument).value();
  const PointerCase cases[] = {
      {"/foo", R"(["bar","baz"])"},
      {"/foo/0", R"("bar")"},
      {"/", "0"},
      {"/a~1b", "1"},
      {"/c%d", "2"},
      {"/m~0n", "8"},
      {"/~01", "9"},
      {"/o/0", R"("zero")"},
  };
  EXPECT_TRUE(Resolve(document, "").value() == document);
  for (const PointerCase& c : cases)
    EXPECT_EQ(Write(Resolve(document, c.pointer).value()), c.value);
}

TEST(Pointer, SaysWhatIsWrong) {
  const Value document = Read(kPointedDocument).value();
  const PointerCase cases[] = {
      {"foo", "starts with '/'"},
      {"/m~n", "neither ~0 nor ~1"},
      {"/m~", "neither ~0 nor ~1"},
      {"/foo/2", "array has no \"2\" (at \"/foo/2\")"},
      {"/foo/00", "array has no \"00\""},
      {"/foo/01", "array has no \"01\""},
      {"/foo/-", "array has no \"-\""},
      {"/foo/+1", "array has no \"+1\""},
      {"/foo/18446744073709551616", "array has no"},
      {"/foo/0/x", "string has no \"x\""},
      {"/nothing", "object has no \"nothing\""},
  };
  for (const PointerCase& c : cases) {
    const Result<View> found = Resolve(document, c.pointer);
    ASSERT_FALSE(found.has_value()) << c.pointer;
    EXPECT_EQ(found.error().code, Code::kInvalidRequest);
    EXPECT_THAT(found.error().message, HasSubstr(c.value));
  }
}

TEST(Pointer, EveryTokenSurvivesEscaping) {
  EXPECT_TRUE(rc::check("TakeToken(AppendToken(t)) == t", [](const std::string& token) {
    std::string pointer;
    AppendToken(pointer, token);
    AppendToken(pointer, 7);
    std::string_view rest = pointer;
    RC_ASSERT(TakeToken(rest).value() == token);
    RC_ASSERT(rest == "/7");
  }));
}

}  // namespace
}  // namespace weir::json
