#pragma once

// The filters and tests of the template language, as tables.

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/text/template_work.h"

namespace weir::text::tmpl {

struct Filter {
  using Run = Result<Datum> (*)(Work& work, const Datum& input, std::span<const Datum> arguments);

  std::string_view name;
  std::array<std::string_view, 4> parameters;  // empty names at the end are none
  std::size_t required = 0;                    // how many of them must be given
  // Gets `input` even if it is not there. The arguments are as many as there are parameters; those
  // not given are absent.
  bool takes_missing = false;
  Run run = nullptr;

  std::size_t count() const;
};

struct Test {
  using Run = Result<bool> (*)(Work& work, json::View subject, json::View argument);

  std::string_view name;
  bool takes_argument = false;
  bool takes_missing = false;  // a subject that is not there is no error
  Run run = nullptr;
};

std::span<const Filter> Filters();
std::span<const Filter> TextFilters();  // a part of Filters()
std::span<const Filter> ListFilters();  // the other one
std::span<const Test> Tests();

const Filter* FindFilter(std::string_view name);
const Test* FindTest(std::string_view name);

// Why there is no such filter, test or statement, and what to write instead.
std::string UnknownFilter(std::string_view name);
std::string UnknownTest(std::string_view name);
std::string UnknownTag(std::string_view name);
// The same for x.name(...) and name(...).
std::string UnknownMethod(std::string_view name);
std::string UnknownFunction(std::string_view name);

// Names as they stand in a message: "a, b, c", cut when there are many.
std::string ListNames(std::span<const std::string> names);

// An argument that must be of one kind. Absent ones give the fallback.
Result<std::int64_t> IntArgument(Work& work, const Datum& argument, std::string_view name,
                                 std::int64_t fallback);
Result<std::string_view> TextArgument(Work& work, const Datum& argument, std::string_view name,
                                      std::string_view fallback);

}  // namespace weir::text::tmpl
