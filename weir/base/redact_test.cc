#include "weir/base/redact.h"

#include <string>
#include <string_view>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "weir/base/text.h"

namespace weir {
namespace {

struct Case {
  std::string_view text;
  std::string_view redacted;
};

const Case kSecrets[] = {
    {"Authorization: Bearer xyz", "Authorization: Bearer ***"},
    {"authorization: bearer xyz\r\nHost: h", "authorization: bearer ***\r\nHost: h"},
    {"Proxy-Authorization: Basic dXNlcjpwYXNz", "Proxy-Authorization: Basic ***"},
    {"Authorization: Digest username=\"u\", response=\"r\"\nHost: h",
     "Authorization: ***\nHost: h"},
    {"Authorization: xyz", "Authorization: ***"},
    {"curl -H \"Authorization: Bearer xyz\" http://h/v1",
     "curl -H \"Authorization: Bearer ***\" http://h/v1"},
    {"{\"headers\":{\"Authorization\":\"Bearer xyz\",\"a\":\"b\"}}",
     "{\"headers\":{\"Authorization\":\"Bearer ***\",\"a\":\"b\"}}"},
    {"sent Bearer abc.def-ghi to it", "sent Bearer *** to it"},
    {"sent Basic dXNlcjpwYXNz", "sent Basic ***"},
    {"x-api-key: xyz", "x-api-key: ***"},
    {"Cookie: a=b; c=\"d e\"; f=g\nHost: h", "Cookie: ***\nHost: h"},
    {"Set-Cookie: id=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT; Path=/", "Set-Cookie: ***"},
    {"{\"api_key\": \"xyz\", \"model\": \"m\"}", "{\"api_key\": \"***\", \"model\": \"m\"}"},
    {"{\"api_key\" : \"x\\\"y\\\\\", \"n\": 1}", "{\"api_key\" : \"***\", \"n\": 1}"},
    {"{\"password\": 12345, \"n\": 1}", "{\"password\": \"***\", \"n\": 1}"},
    {"{\"cookies\": [\"a]\", {\"b\": 1}], \"n\": 1}", "{\"cookies\": \"***\", \"n\": 1}"},
    {"{'apiKey': 'xyz', 'n': 1}", "{'apiKey': '***', 'n': 1}"},
    {"{\"body\":\"{\\\"api_key\\\": \\\"xyz\\\", \\\"n\\\": 1}\"}",
     "{\"body\":\"{\\\"api_key\\\": \\\"***\\\", \\\"n\\\": 1}\"}"},
    {"\\\\\\\"api_key\\\\\\\":\\\\\\\"xyz\\\\\\\",\\\\\\\"n\\\\\\\":1",
     "\\\\\\\"api_key\\\\\\\":\\\\\\\"***\\\\\\\",\\\\\\\"n\\\\\\\":1"},
    {"{\"head\":\"Host: h\\r\\nX-Api-Key: xyz\\r\\nA: b\",\"n\":1}",
     "{\"head\":\"Host: h\\r\\nX-Api-Key: ***\\r\\nA: b\",\"n\":1}"},
    {"{\"log\":\"one\\nsk-0123456789abcdef\"}", "{\"log\":\"one\\n***\"}"},
    {"http://h/v1?api_key=xyz&model=m", "http://h/v1?api_key=***&model=m"},
    {"{\"url\":\"http://h/v1?api_key=xyz\",\"n\":1}",
     "{\"url\":\"http://h/v1?api_key=***\",\"n\":1}"},
    {"OPENAI_API_KEY=xyz weir call", "OPENAI_API_KEY=*** weir call"},
    {"export HF_TOKEN='xyz'\n", "export HF_TOKEN='***'\n"},
    {"Engine(api_key=xyz, model=m)", "Engine(api_key=***, model=m)"},
    {"client_secret = \"xyz\"", "client_secret = \"***\""},
    {"api_key: xyz\nmodel: m", "api_key: ***\nmodel: m"},
    {"  password: correct horse battery\n  user: u", "  password: ***\n  user: u"},
    {"password: 'it''s xyz' # mine", "password: '***' # mine"},
    {"\"Authorization\": Bearer xyz", "\"Authorization\": Bearer ***"},
    {"{api_key: xyz, model: m}", "{api_key: ***, model: m}"},
    {"vllm serve m --api-key xyzxyz --port 8000", "vllm serve m --api-key *** --port 8000"},
    {"[\"serve\", \"--api-key\", \"xyz\", \"--port\"]",
     "[\"serve\", \"--api-key\", \"***\", \"--port\"]"},
    {"http://user:pass@host/v1", "http://***@host/v1"},
    {"postgres://user:p@ss@host:5432/db?x=1", "postgres://***@host:5432/db?x=1"},
    {"key sk-proj_0123456789-abc is bad", "key *** is bad"},
    {"hf_abcdefghijklmnop, hf_0123456789abcdef", "***, ***"},
    {"api_key: \"xyz", "api_key: \"***"},
};

TEST(Redact, SecretsGoAndTheRestStays) {
  for (const Case& c : kSecrets) EXPECT_EQ(Redact(c.text), c.redacted) << c.text;
}

const std::string_view kHarmless[] = {
    "",
    "api_key",
    "api_key:",
    "api_key: EMPTY",
    "OPENAI_API_KEY=EMPTY weir call",
    "Authorization: Bearer EMPTY",
    "{\"api_key\": \"EMPTY\", \"password\": \"\", \"token\": null, \"secret\": false}",
    "{\"max_tokens\": 128, \"prompt_tokens\":7,\"completion_tokens\":9,\"tokens\":[1,2]}",
    "{\"token_ids\":[1,2],\"stop_token_ids\":[3],\"tokenizer\":\"m\",\"eos_token\":\"</s>\"}",
    "timeouts: {connect: 10s, first_token: 60s, total: 10m}",
    "{\"token\":\"Hello\",\"logprob\":-0.1,\"bytes\":[72]}",
    "{\"token\": \" password:\", \"bytes\": null}",
    "{\"content\":\"Enter your password:\"},\"finish_reason\":null",
    "{\\\"content\\\":\\\"the secret: \\\"},\\\"n\\\":1",
    "the server wants a Bearer token",
    "Basic usage of a token bucket",
    "start the server without --api-key or pass --api-key to weir",
    "Cookie::Parse(secret::kName)",
    "see secret://vault/name",
    "http://host:8000/v1/a@b?x=y",
    "http://user:***@host/v1",
    "task-0123456789abcdef disk-0123456789abcdef sk-short hf_short",
    "primary_key: 5, key: 6, cache_key=7, monkey: 8, keyboard=9",
};

TEST(Redact, WhatOnlyLooksLikeASecretStays) {
  for (const std::string_view text : kHarmless) EXPECT_EQ(Redact(text), text);
}

TEST(Redact, NamesAreReadWordByWord) {
  for (const std::string_view name : {"api_key",
                                      "API_KEY",
                                      "X-Api-Key",
                                      "apiKey",
                                      "OPENAIApiKey",
                                      "openai.api.key",
                                      "apikey",
                                      "aws_secret_access_key",
                                      "private-key",
                                      "password",
                                      "dbPassword",
                                      "PASSWD",
                                      "client_secret",
                                      "Authorization",
                                      "proxy-authorization",
                                      "Cookie",
                                      "Set-Cookie",
                                      "bearer_auth",
                                      "credentials",
                                      "token",
                                      "engine.token",
                                      "hf_token",
                                      "HF_TOKEN",
                                      "access-token",
                                      "idToken",
                                      "--api-key"}) {
    EXPECT_TRUE(IsSecretName(name)) << name;
  }
  for (const std::string_view name : {"",
                                      "key",
                                      "keys",
                                      "primary_key",
                                      "max_tokens",
                                      "prompt_tokens",
                                      "completion_tokens",
                                      "token_ids",
                                      "stop_token_ids",
                                      "tokens",
                                      "tokenizer",
                                      "first_token",
                                      "eos_token",
                                      "token_type",
                                      "monkey",
                                      "apis",
                                      "secretary",
                                      "author",
                                      "passage",
                                      "cookiecutter"}) {
    EXPECT_FALSE(IsSecretName(name)) << name;
  }
}

TEST(Redact, AValueIsShownAsAMaskUnlessThereIsNone) {
  EXPECT_EQ(RedactValue(""), "");
  EXPECT_EQ(RedactValue("EMPTY"), "EMPTY");
  EXPECT_EQ(RedactValue("xyz"), "***");
}

// The shapes in which a secret leaves a process; `$` is the place of the secret.
const std::string_view kShapes[] = {
    "Authorization: Bearer $",
    "Authorization: $",
    "proxy-authorization: Basic $\r\nHost: h",
    "X-Api-Key: $\n",
    "Cookie: session=$; b=c",
    "Set-Cookie: a=$; Path=/",
    "{\"api_key\": \"$\"}",
    "{\"n\":1,\"apiKey\":\"$\",\"m\":[2]}",
    "{\"Authorization\":\"Bearer $\"}",
    "{\"a\":\"{\\\"api_key\\\": \\\"$\\\"}\"}",
    "{\"a\":\"{\\\"b\\\":\\\"{\\\\\\\"token\\\\\\\":\\\\\\\"$\\\\\\\"}\\\"}\"}",
    "{\"cookies\":[\"$\"]}",
    "{'password': '$'}",
    "http://h/?api_key=$&x=1",
    "GET /v1?access_token=$ HTTP/1.1",
    "OPENAI_API_KEY=$",
    "export HF_TOKEN=\"$\"",
    "api_key: $\nmodel: m",
    "secret: '$'",
    "weir: error: http 401 (Bearer $)",
    "vllm serve m --api-key X$",
    "--hf-token=$",
    "http://user:$@host/v1",
    "https://$@host",
    "the key sk-$",
    "the key hf_$ was refused",
};

std::string Fill(std::string_view shape, std::string_view secret) {
  const std::size_t at = shape.find('$');
  return StrCat(shape.substr(0, at), secret, shape.substr(at + 1));
}

rc::Gen<std::string> Secrets() {
  const std::string alphabet = "ABCXYZabcxyz0123456789-_";
  return rc::gen::map(rc::gen::container<std::vector<char>>(24, rc::gen::elementOf(alphabet)),
                      [](const std::vector<char>& c) { return std::string(c.begin(), c.end()); });
}

RC_GTEST_PROP(Redact, NoSecretSurvivesInAnyShape, ()) {
  const std::string secret = *Secrets();
  for (const std::string_view shape : kShapes) {
    const std::string redacted = Redact(Fill(shape, secret));
    RC_LOG() << shape << " -> " << redacted << "\n";
    RC_ASSERT(redacted.find(secret) == redacted.npos);
    RC_ASSERT(redacted.find("***") != redacted.npos);
  }
}

// Texts made of the pieces that the scanner reacts to.
rc::Gen<std::string> Texts() {
  const auto piece =
      rc::gen::elementOf(std::vector<std::string>{"api_key", "token",      "Authorization",
                                                  "Cookie",  "max_tokens", "--api-key",
                                                  "Bearer ", "Basic ",     "sk-0123456789abcdef",
                                                  "http://", "@",          ":",
                                                  "=",       " ",          "\n",
                                                  "\"",      "'",          "\\",
                                                  "\\\"",    "\\n",        ",",
                                                  "&",       ";",          "{",
                                                  "}",       "[",          "]",
                                                  "EMPTY",   "null",       "42",
                                                  "xyz",     "***",        ".",
                                                  "-",       "\"logprob\""});
  return rc::gen::map(rc::gen::container<std::vector<std::string>>(piece),
                      [](const std::vector<std::string>& pieces) { return Join(pieces, ""); });
}

RC_GTEST_PROP(Redact, RedactingTwiceChangesNothingMore, ()) {
  const std::string text = *Texts();
  const std::string once = Redact(text);
  RC_ASSERT(Redact(once) == once);
}

TEST(Redact, AMaskDoesNotMoveTheBordersAroundIt) {
  for (const std::string_view text :
       {"http://api_key=http://&@", "http://--api-key:http://,}@",
        R"({\"token\":\"a --api-key  'k\",\"logprob\":0})", "auth_sk-0123456789abcdef.token=xyz"}) {
    const std::string once = Redact(text);
    EXPECT_EQ(Redact(once), once) << text;
  }
}

TEST(Redact, EveryPrefixOfASecretTextIsStable) {
  for (const Case& c : kSecrets) {
    for (std::size_t size = 0; size <= c.text.size(); ++size) {
      const std::string once = Redact(c.text.substr(0, size));
      EXPECT_EQ(Redact(once), once) << c.text.substr(0, size);
    }
  }
}

}  // namespace
}  // namespace weir
