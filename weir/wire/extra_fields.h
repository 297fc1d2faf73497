#pragma once

// The raw fields that a caller adds to a body: the computed ones win over them, and what is left
// out is said.

#include <span>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/writer.h"
#include "weir/model/reply.h"
#include "weir/wire/dialect.h"

namespace weir::wire {

struct ExtraRules {
  std::span<const std::string_view> reserved;  // the codec's alone
  std::span<const std::string_view> written;   // by the call itself
  std::string_view joined;                     // written together with the call's; empty: none
  model::Api api = model::Api::kChat;
  const Dialect* dialect = nullptr;  // what the server ignores is said; null: nothing
};

// Writes the members of `extra` into the object that is open. Fails with kInvalidRequest when it is
// no object, names a field twice, or holds "extra_body".
Result<void> WriteExtra(json::View extra, const ExtraRules& rules, json::Writer& json,
                        std::vector<model::Degradation>& degradations);

}  // namespace weir::wire
