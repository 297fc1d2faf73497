#pragma once

// Raw fields that some servers take and ignore without a word, so that an answer comes which is not
// what was asked for. vLLM read most of them once, or does so in later versions.

#include <optional>
#include <string>
#include <string_view>

#include "weir/json/value.h"
#include "weir/model/call.h"
#include "weir/wire/dialect.h"

namespace weir::wire {

struct IgnoredField {
  std::string why;    // for people: who ignores it, and what to write instead
  bool sent = false;  // a server that is not what it seems may read it; otherwise it is left out
};

// Unset: the server reads the field, refuses it in its own words, or weir knows nothing of it.
std::optional<IgnoredField> FindIgnored(std::string_view key, model::Api api,
                                        const Dialect& dialect);

// Whether one version of vLLM reads a member of `extra`, and another ignores it.
bool HasVersionedField(json::View extra, model::Api api);

}  // namespace weir::wire
