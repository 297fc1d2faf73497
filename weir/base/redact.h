#pragma once

// The one function that keeps secrets out of logs, events, errors and recordings. Whatever text
// leaves the process for people or files passes through Redact().

#include <string>
#include <string_view>

namespace weir {

// Replaces by "***": what follows "Bearer " or "Basic "; the value after a key whose name says it
// is secret (api_key, authorization, token, password, secret, in headers, JSON, YAML, queries,
// VARIABLE=value); user info in URLs; and well-known key shapes (sk-..., hf_...). The word EMPTY is
// kept: it is vLLM's way to say that there is no key.
std::string Redact(std::string_view text);

// Whether a header, variable or configuration key of this name holds a secret.
bool IsSecretName(std::string_view name);

// A key as a person may see it: "" stays "", EMPTY stays EMPTY, all else becomes "***".
std::string RedactValue(std::string_view value);

}  // namespace weir
