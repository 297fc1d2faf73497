#pragma once

// Tools and shorthand for tests of the forms of calls.

#include <string>
#include <string_view>
#include <vector>

#include "weir/model/message.h"
#include "weir/text/call_forms.h"

namespace weir::text {

// get_weather(city, days, unit), run(code), set(text, number, flag, list, object, either, any),
// now()
const std::vector<model::ToolSpec>& TestTools();

// What ReadCalls finds: "f{\"a\":1} g{}", an id as "f#id{}"; "refused" when it fails.
std::string FoundCalls(CallForm form, std::string_view body);
// The repairs, joined by "; ".
std::string FoundRepairs(CallForm form, std::string_view body);

struct FormCase {
  std::string_view name;
  std::string_view body;
  std::string_view calls;
  std::string_view repair{};  // words that the repairs must have; "": there are none
};

// What is wrong with how the case is read, in a sentence; "" when nothing is.
std::string Complaint(CallForm form, const FormCase& one);

}  // namespace weir::text
