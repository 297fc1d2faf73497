#include "weir/flow/names.h"

#include <algorithm>
#include <array>

#include "weir/base/text.h"

namespace weir::flow {
namespace {

constexpr std::array<std::string_view, 5> kGiven = {"row", "chain_input", "input", "row_id",
                                                    "vars"};
constexpr std::array<std::string_view, 3> kOfTheFolder = {"index", "flattened", "ledger"};
constexpr std::array<std::string_view, 14> kWords = {"and",  "or",   "not",  "in",     "is",
                                                     "if",   "else", "for",  "true",   "false",
                                                     "none", "null", "loop", "defined"};

}  // namespace

bool StartsName(char c) { return IsLetter(c) || c == '_'; }

bool IsName(std::string_view text) {
  return !text.empty() && StartsName(text[0]) &&
         std::ranges::all_of(text, [](char c) { return StartsName(c) || IsDigit(c); });
}

std::span<const std::string_view> GivenNames() { return kGiven; }

bool IsReserved(std::string_view name) {
  const auto in = [&](const auto& list) { return std::ranges::find(list, name) != list.end(); };
  return in(kGiven) || in(kOfTheFolder) || in(kWords);
}

std::string_view TypeName(const Node& node) {
  constexpr std::array<std::string_view, 5> kTypes = {"step", "apply", "parallel", "switch", "map"};
  const auto* step = std::get_if<Step>(&node.what);
  if (step != nullptr && step->agent) return "agent";
  return kTypes[node.what.index()];
}

std::string_view EngineOf(const Flow& flow, const Step& step) {
  return step.engine.empty() ? flow.engine : step.engine;
}

}  // namespace weir::flow
