#pragma once

// Schemas in the strict form that OpenAI's structured outputs ask for: every object closed, every
// property required, an optional one nullable instead, and only the keywords that are enforced
// there. And the way back: a reply in the strict form becomes one of the schema as it was meant.

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::schema {

struct StrictNote {
  // A widened schema lets replies through that the original refuses, so the reply must be checked
  // after FromStrict(); a narrowed one only allows less than it could.
  bool widened = false;
  std::string pointer;  // of the schema that holds the keyword, in the original
  std::string keyword;
  std::string message;  // for a person
};

struct StrictPlan;

struct StrictForm {
  json::Value schema;
  std::vector<StrictNote> notes;

  // Takes out the nulls that stand for absent properties, and the wrapper around a root that was no
  // object. If no note is `widened`, what obeys `schema` obeys the original after it; what does not
  // obey `schema` is changed where its shape is known and copied elsewhere.
  json::Value FromStrict(json::View reply) const;

  std::shared_ptr<const StrictPlan> plan;  // for FromStrict; shared by copies
};

// What the strict form cannot say is written into the descriptions, where the model can read it.
// A null stands for "absent" where the original does not say that the property may be null.
//
// Fails with kInvalidSchema for a schema that is wrong, and kUnsupportedSchema for one without a
// strict form: the schema `false`, or references to anywhere but the root and its definitions.
Result<StrictForm> ToStrict(json::View schema);

}  // namespace weir::schema
