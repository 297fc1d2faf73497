#include "weir/base/expand.h"

#include <gmock/gmock.h>
#include <rapidcheck/gtest.h>

namespace weir {
namespace {

struct ExpandCase {
  const char* text;
  const char* expanded;
  const char* missing;
  const char* wrong;  // how it begins
};

const ExpandCase kCases[] = {
    {"plain", "plain", "", ""},
    {"http://${HOST}:1", "http://gpu:1", "", ""},
    {"${HOST}${HOST}", "gpugpu", "", ""},
    {"${HOST:-other}", "gpu", "", ""},
    {"${NONE:-other}", "other", "", ""},
    {"${EMPTY:-other}", "other", "", ""},
    {"${NONE:-}", "", "", ""},
    {"${NONE:-a:-b}", "a:-b", "", ""},
    {"${NONE}", "", "NONE", ""},
    {"$$", "$", "", ""},
    {"$${HOST}", "${HOST}", "", ""},
    {"^a$", "^a$", "", ""},
    {"$HOST", "$HOST", "", ""},
    {"${HOST", "", "", "has a ${ without its }"},
    {"${}", "", "", "has ${}, which names no variable"},
    {"${1a}", "", "", "has ${1a}, which names no variable"},
    {"${a b}", "", "", "has ${a b}, which names no variable"},
};

TEST(Expand, VariablesDefaultsAndDollars) {
  const Env env{.variables = {{"HOST", "gpu"}, {"EMPTY", ""}}};
  for (const ExpandCase& c : kCases) {
    SCOPED_TRACE(c.text);
    const Expansion expansion = Expand(c.text, env);
    EXPECT_EQ(expansion.text, c.expanded);
    EXPECT_EQ(expansion.missing, c.missing);
    EXPECT_THAT(expansion.wrong, testing::StartsWith(c.wrong));
    EXPECT_EQ(expansion.wrong.empty(), *c.wrong == '\0');
  }
  EXPECT_THAT(Expand("${HOST}:${NONE:-1}${EMPTY:-}$${HOST}${HOST}", env).used,
              testing::ElementsAre("HOST", "HOST"));
}

RC_GTEST_PROP(Expand, UndoesTheEscapingOfDollars, (const std::string& seed)) {
  std::string text;
  for (const char c : seed) text += std::string_view("${}$a:-")[static_cast<unsigned char>(c) % 7];
  EXPECT_EQ(BareVariable(EscapeDollars(text)), "");
  const Expansion expansion = Expand(EscapeDollars(text), {});
  RC_ASSERT(expansion.text == text);
  RC_ASSERT(expansion.wrong.empty());
  RC_ASSERT(expansion.missing.empty());
}

}  // namespace
}  // namespace weir
