#pragma once

// The one function that keeps secrets out of logs, events, errors and recordings. Whatever text
// leaves the process for people or files passes through Redact().

#include <string>
#include <string_view>

namespace weir {

// Replaces by "***":
//   - what follows "Bearer " or "Basic " (plain words such as "Bearer token" aside);
//   - the value after a name that IsSecretName(), in headers, JSON (plain, or escaped inside a
//     string), YAML, queries, VARIABLE=value, --option value. "Bearer " and its like stay;
//   - user info in URLs;
//   - well-known key shapes: sk-... and hf_... with 16 characters or more.
// Kept are: the word EMPTY, which is vLLM's way to say that there is no key; null, true and false;
// and the text of a `token` that a `logprob` or `bytes` follows, for that is what a model said.
//
// Linear in the size of the text. Redact(Redact(x)) == Redact(x). A JSON document stays one: a
// number, list or object that has to go becomes the string "***". In doubt too much goes: a value
// whose closing quote is missing takes the rest of the text with it.
std::string Redact(std::string_view text);

// Whether a header, variable or configuration key of this name holds a secret: api_key, X-Api-Key,
// hfToken, token, DB_PASSWORD; but not max_tokens, token_ids or tokenizer.
bool IsSecretName(std::string_view name);

// A key as a person may see it: "" stays "", EMPTY stays EMPTY, all else becomes "***".
std::string RedactValue(std::string_view value);

}  // namespace weir
