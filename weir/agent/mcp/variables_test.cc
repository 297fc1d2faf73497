#include "weir/agent/mcp/variables.h"

#include <gmock/gmock.h>

#include "weir/agent/mcp/secrets.h"

namespace weir::agent::mcp {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

const Env kEnv{.variables = {{"TK", "tok-12345"}, {"HOST", "gpu-one"}, {"DB_PASSWORD", "pass-99"}}};

TEST(McpVariables, ValuesStandInTheirPlace) {
  const McpServer server{.name = "srv",
                         .headers = {{"Authorization", "Bearer ${TK}"}, {"X-A", "$${TK} ${N:-n}"}},
                         .env = {{"URL", "db://${DB_PASSWORD}@${HOST}"}, {"MODE", "plain $5"}}};
  const Result<McpServer> made = WithVariables(server, kEnv);
  ASSERT_TRUE(made) << made.error().message;
  EXPECT_THAT(made->headers,
              ElementsAre(Pair("Authorization", "Bearer tok-12345"), Pair("X-A", "${TK} n")));
  EXPECT_THAT(made->env,
              ElementsAre(Pair("URL", "db://pass-99@gpu-one"), Pair("MODE", "plain $5")));
}

TEST(McpVariables, OneThatIsNotSetIsNamedWithItsKeyAndWhatToDo) {
  const McpServer server{.name = "srv",
                         .headers = {{"Authorization", "${TK} ${GONE}"}},
                         .env = {{"A", "${LOST}"}},
                         .place = "flow.yaml:3:5"};
  const Result<McpServer> made = WithVariables(server, kEnv);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kConfigError);
  EXPECT_EQ(made.error().message,
            "flow.yaml:3:5: MCP server 'srv': `headers.Authorization` needs the variable GONE, "
            "which is not set; export it, or give a default: ${GONE:-...}; `env.A` needs the "
            "variable LOST, which is not set; export it, or give a default: ${LOST:-...}");
}

TEST(McpVariables, WhatNamesNoneIsToldWithoutItsText) {
  const McpServer server{.headers = {{"A", "${hush hush}"}, {"B", "x ${hush"}, {"C", "$hush"}},
                         .env = {{"D", "$$hush"}}};
  EXPECT_THAT(NotationProblems(server),
              ElementsAre("`headers.A` has a ${ that names no variable: write ${NAME}, or $${ if "
                          "that is meant",
                          "`headers.B` has a ${ that names no variable: write ${NAME}, or $${ if "
                          "that is meant",
                          "`headers.C` is a dollar and a name: write ${NAME} for the value of a "
                          "variable, $$ for a dollar"));
  EXPECT_THAT(MissingVariables(server, kEnv), IsEmpty());
}

TEST(McpVariables, TheirValuesAreSecretsWhereverTheyStand) {
  const McpServer server{.headers = {{"X-A", "key=${TK}"}},
                         .env = {{"URL", "db://${DB_PASSWORD}@${HOST}"}}};
  EXPECT_EQ(HideSecrets("key=tok-12345, tok-12345; db://pass-99@gpu-one", SecretsOf(server, kEnv)),
            "***, ***; db://***@gpu-one");
}

}  // namespace
}  // namespace weir::agent::mcp
