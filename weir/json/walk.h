#pragma once

// Visits a value as events, without recursion: the depth of a document costs memory, not stack.

#include <algorithm>
#include <cstddef>
#include <numeric>
#include <utility>
#include <vector>

#include "weir/json/value.h"

namespace weir::json::internal {

enum class Order { kAsWritten, kByKey };

// Calls the events of Builder and Writer on `sink`, without the outer kAbsent case: `root` exists.
template <Order kOrder = Order::kAsWritten, class Sink>
void Walk(View root, Sink& sink) {
  struct Frame {
    View container;
    std::size_t next = 0;
  };
  std::vector<Frame> frames;
  frames.reserve(8);
  std::vector<std::size_t> order;  // of the members of all open objects, when they are sorted

  const auto enter = [&](View value) {
    switch (value.kind()) {
      case Kind::kAbsent:
      case Kind::kNull:
        return sink.Null();
      case Kind::kBool:
        return sink.Bool(*value.AsBool());
      case Kind::kNumber:
        return sink.Number(value.NumberText());
      case Kind::kString:
        return sink.String(*value.AsString());
      case Kind::kArray:
        sink.BeginArray();
        frames.push_back({value});
        return;
      case Kind::kObject:
        sink.BeginObject();
        frames.push_back({value});
        if constexpr (kOrder == Order::kByKey) {
          const Members members = value.members();
          const auto first = static_cast<std::ptrdiff_t>(order.size());
          order.resize(order.size() + members.size());
          std::iota(order.begin() + first, order.end(), std::size_t{0});
          std::ranges::sort(order.begin() + first, order.end(), {},
                            [&](std::size_t i) { return std::pair(members[i].key, i); });
        }
        return;
    }
  };

  enter(root);
  while (!frames.empty()) {
    Frame& frame = frames.back();
    const View container = frame.container;
    const std::size_t index = frame.next++;
    if (index == container.size()) {
      container.IsArray() ? sink.EndArray() : sink.EndObject();
      if (kOrder == Order::kByKey && container.IsObject()) order.resize(order.size() - index);
      frames.pop_back();
    } else if (container.IsArray()) {
      enter(container[index]);
    } else {
      const std::size_t place =
          kOrder == Order::kAsWritten ? index : order[order.size() - container.size() + index];
      const Member member = container.members()[place];
      sink.Key(member.key);
      enter(member.value);
    }
  }
}

}  // namespace weir::json::internal
