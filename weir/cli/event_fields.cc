#include "weir/cli/event_fields.h"

#include <algorithm>

namespace weir::cli {
namespace {

const TraceField* Find(EventFields fields, std::string_view key) {
  const auto found = std::ranges::find(fields, key, &TraceField::key);
  return found == fields.end() ? nullptr : &*found;
}

template <class T>
const T* ValueIn(EventFields fields, std::string_view key) {
  const TraceField* field = Find(fields, key);
  return field == nullptr ? nullptr : std::get_if<T>(&field->value);
}

}  // namespace

std::string_view TextIn(EventFields fields, std::string_view key) {
  const auto* text = ValueIn<std::string_view>(fields, key);
  return text == nullptr ? std::string_view() : *text;
}

std::int64_t WholeIn(EventFields fields, std::string_view key) {
  if (const auto* number = ValueIn<double>(fields, key)) return static_cast<std::int64_t>(*number);
  const auto* whole = ValueIn<std::int64_t>(fields, key);
  return whole == nullptr ? 0 : *whole;
}

bool IsSetIn(EventFields fields, std::string_view key) {
  const auto* flag = ValueIn<bool>(fields, key);
  return flag != nullptr && *flag;
}

}  // namespace weir::cli
