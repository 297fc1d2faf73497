#include "weir/wire/openai_habits.h"

#include <algorithm>

namespace weir::wire {
namespace {

constexpr std::string_view kReasoningFamilies[] = {"o1", "o3", "o4", "gpt-5"};
constexpr std::string_view kChatModel = "gpt-5-chat";

// "o1" is of the family o1, and so are "o1-mini" and "gpt-5.1" of theirs; "o1x" is not.
bool IsOf(std::string_view model, std::string_view family) {
  if (!model.starts_with(family)) return false;
  const std::string_view rest = model.substr(family.size());
  return rest.empty() || rest[0] == '-' || rest[0] == '.' || rest[0] == ':';
}

}  // namespace

bool ChoosesItsSampling(const model::Call& call) {
  if (call.reasoning.effort == "none") return false;
  std::string_view model = call.adapter.empty() ? call.model : call.adapter;
  model.remove_prefix(model.rfind('/') + 1);
  if (model.starts_with("ft:")) model.remove_prefix(3);
  if (IsOf(model, kChatModel)) return false;
  return std::ranges::any_of(kReasoningFamilies,
                             [&](std::string_view family) { return IsOf(model, family); });
}

}  // namespace weir::wire
