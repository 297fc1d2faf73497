#pragma once

// A listener for tests, of one thread: events as lines "name key=value key=value".

#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "weir/base/text.h"
#include "weir/base/trace.h"

namespace weir {

class HeardEvents final : public TraceSink {
 public:
  HeardEvents() : TraceSink(false) {}

  void OnEvent(std::string_view name, std::span<const TraceField> fields) override {
    names.emplace_back(name);
    std::string& line = lines.emplace_back(name);
    for (const TraceField& field : fields) {
      std::visit(
          [&]<class Value>(const Value& value) {
            if constexpr (std::is_same_v<Value, JsonText>) {
              StrAppend(line, " ", field.key, "=", value.text);
            } else {
              StrAppend(line, " ", field.key, "=", value);
            }
          },
          field.value);
    }
  }
  void OnSpanStart(const SpanRecord& /*span*/) override {}
  void OnSpanEnd(const SpanRecord& /*span*/) override {}

  // Those of this name.
  std::vector<std::string> Of(std::string_view name) const {
    std::vector<std::string> some;
    for (const std::string& line : lines) {
      if (line == name || line.starts_with(StrCat(name, " "))) some.push_back(line);
    }
    return some;
  }
  // How many lines hold that text.
  int Count(std::string_view text) const {
    int count = 0;
    for (const std::string& line : lines) count += line.contains(text) ? 1 : 0;
    return count;
  }

  std::vector<std::string> names;
  std::vector<std::string> lines;
};

}  // namespace weir
