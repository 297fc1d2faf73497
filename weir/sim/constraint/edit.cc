#include "weir/sim/constraint/edit.h"

#include <algorithm>

#include "weir/json/builder.h"
#include "weir/json/pointer.h"

namespace weir::sim {

Edit& Edit::Set(std::string_view key, json::Value value) {
  std::erase_if(changes_, [&](const auto& change) { return change.first == key; });
  changes_.emplace_back(key, std::move(value));
  return *this;
}

Edit& Edit::Remove(std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    std::erase_if(changes_, [&](const auto& change) { return change.first == key; });
    changes_.emplace_back(key, std::nullopt);
  }
  return *this;
}

Edit& Edit::Keep(std::initializer_list<std::string_view> keys) {
  for (const json::Member member : object_.members()) {
    if (std::ranges::find(keys, member.key) == keys.end()) Remove({member.key});
  }
  return *this;
}

json::Value Edit::Build() const {
  json::Builder out;
  out.BeginObject();
  const auto change = [&](std::string_view key) {
    return std::ranges::find_if(changes_, [&](const auto& c) { return c.first == key; });
  };
  for (const json::Member member : object_.members()) {
    const auto found = change(member.key);
    if (found != changes_.end() && !found->second) continue;
    out.Key(member.key);
    out.Copy(found == changes_.end() ? member.value : *found->second);
  }
  for (const auto& [key, value] : changes_) {
    if (!value || object_.Find(key).exists()) continue;
    out.Key(key);
    out.Copy(*value);
  }
  out.EndObject();
  return std::move(out).Finish();
}

json::Value ListOf(std::span<const json::Value> items) {
  json::Builder out;
  out.BeginArray();
  for (const json::Value& item : items) out.Copy(item);
  out.EndArray();
  return std::move(out).Finish();
}

json::Value WithItem(json::View list, std::size_t index, json::View item) {
  json::Builder out;
  out.BeginArray();
  for (std::size_t i = 0; i < std::max(list.size(), index + 1); ++i) {
    if (i == index) {
      out.Copy(item);
    } else if (i < list.size()) {
      out.Copy(list[i]);
    } else {
      out.Bool(true);
    }
  }
  out.EndArray();
  return std::move(out).Finish();
}

json::View LocalTarget(json::View root, std::string_view ref) {
  if (!ref.starts_with('#')) return {};
  const Result<json::View> found = json::Resolve(root, ref.substr(1));
  return found && (found->IsObject() || found->IsBool()) ? *found : json::View();
}

}  // namespace weir::sim
