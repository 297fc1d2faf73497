#include "weir/schema/generate_machine.h"

#include <algorithm>
#include <array>
#include <deque>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::schema {
namespace {

constexpr std::size_t kMaxNesting = 300;
constexpr int kTries = 16;

}  // namespace

bool GenerateMachine::Blocked(NodeIndex node, std::string_view keyword, std::string sentence) {
  obstacle_ = {.node = node, .keyword = std::string(keyword), .sentence = std::move(sentence)};
  return false;
}

bool GenerateMachine::Stop(NodeIndex node, std::string sentence) {
  if (stopped_) return false;
  stopped_ = true;
  return Blocked(node, "", std::move(sentence));
}

bool GenerateMachine::Short(std::uint32_t depth_left) const {
  return manner_.lean || depth_left == 0 || out_.size() > shop_.options.max_bytes / 2;
}

// Mostly few, seldom as many as that.
std::uint64_t GenerateMachine::Few(std::uint64_t most) {
  return shop_.random.Below(shop_.random.Below(most + 1) + 1);
}

bool GenerateMachine::Value(std::span<const Part> parts, std::uint32_t depth_left) {
  const NodeIndex node = parts.empty() ? shop_.compiled.root : parts.front().node;
  if (nesting_ >= kMaxNesting) {
    return Blocked(node, "",
                   StrCat("the instance would be more than ", kMaxNesting, " levels deep"));
  }
  const std::size_t begin = out_.size();
  const std::size_t scope = scope_.size();
  ++nesting_;
  bool found = false;
  for (int i = 0; i < kTries && !found && !stopped_; ++i) {
    if (steps_left_ == 0) {
      Stop(node,
           StrCat("more than ", shop_.options.max_steps, " values were tried in vain (max_steps)"));
      break;
    }
    --steps_left_;
    found = Once(parts, depth_left);
    scope_.resize(scope);
    if (!found) out_.resize(begin);
  }
  --nesting_;
  return found || (!stopped_ && Noted(parts));
}

bool GenerateMachine::Once(std::span<const Part> parts, std::uint32_t depth_left) {
  Demand demand;
  DemandMaker maker(shop_.compiled, shop_.outlines, scope_, shop_.random, obstacle_);
  const std::uint32_t depth = Short(depth_left) ? 0 : depth_left;
  const bool made = maker.Make(parts, depth, demand);
  Spend(demand.facts.size() / 8);
  if (!made) return false;
  if (!shop_.compiled.dynamic_refs.empty()) {
    for (const Demand::Fact& fact : demand.facts) scope_.push_back(fact.node);
  }
  const std::size_t begin = out_.size();
  if (!Emit(demand, parts, depth)) return false;
  if (out_.size() > shop_.options.max_bytes) {
    return Stop(parts.empty() ? 0 : parts.front().node,
                StrCat("the instance would be longer than ", shop_.options.max_bytes,
                       " bytes (max_bytes)"));
  }
  if (!demand.check && !manner_.careful) return true;
  if (ObeysText(parts, std::string_view(out_).substr(begin))) return true;
  const NodeIndex node = parts.empty() ? shop_.compiled.root : parts.front().node;
  const Node& where = shop_.compiled[node];
  const bool negates = where.logic != kNone && shop_.compiled.logic[where.logic].not_node != kNone;
  return Blocked(node, negates ? "not" : "",
                 "of the values that were tried none obeys all that is asked here");
}

// The last resort: what the author of the schema gives as an example.
bool GenerateMachine::Noted(std::span<const Part> parts) {
  const auto take = [&](json::View value) {
    if (!value.exists() || !Obeys(parts, value)) return false;
    out_ += json::Write(value);
    return true;
  };
  for (const Part part : parts) {
    if (part.negative) continue;
    if (take(shop_.compiled.Note(part.node, "default"))) return true;
    const json::View examples = shop_.compiled.Note(part.node, "examples");
    if (std::ranges::any_of(examples.items(), take)) return true;
  }
  return false;
}

bool GenerateMachine::Obeys(std::span<const Part> parts, json::View value) const {
  Evaluator evaluator(shop_.compiled);
  std::deque<Evaluator::Inside> scopes;
  for (const NodeIndex node : scope_) scopes.emplace_back(evaluator, shop_.compiled[node]);
  return std::ranges::all_of(parts, [&](const Part& part) {
    return evaluator.Accepts(part.node, value) != part.negative && !evaluator.exhausted();
  });
}

bool GenerateMachine::ObeysText(std::span<const Part> parts, std::string_view text) const {
  const auto value = json::Read(text);
  return value.has_value() && Obeys(parts, *value);
}

bool GenerateMachine::Possible(std::span<const Part> parts, std::uint32_t depth_left) const {
  Outline both;
  both.depth.fill(0);
  for (const Part part : parts) {
    if (part.negative) {
      if (shop_.compiled[part.node].accepts_all) return false;
      continue;
    }
    for (std::size_t i = 0; i < kTypeCount; ++i) {
      both.depth[i] = std::max(both.depth[i], shop_.outlines[part.node].depth[i]);
    }
  }
  const std::uint32_t least = both.Least();
  return least != kEndless && least <= depth_left;
}

bool GenerateMachine::Emit(const Demand& demand, std::span<const Part> parts,
                           std::uint32_t depth_left) {
  for (const Demand::Fact& fact : demand.facts) {
    const Node& node = shop_.compiled[fact.node];
    if (node.values == kNone) continue;
    return EmitListed(shop_.compiled.values[node.values], fact.node, parts);
  }
  switch (ChooseType(demand, depth_left)) {
    case kNull:
      out_ += "null";
      return true;
    case kBoolean:
      out_ += shop_.random.Below(2) == 0 ? "false" : "true";
      return true;
    case kInteger:
    case kFraction:
      return EmitNumber(demand);
    case kString:
      return EmitString(demand);
    case kArray:
      return EmitArray(demand, depth_left);
    case kObject:
      return EmitObject(demand, depth_left);
    default:
      return Blocked(demand.facts.empty() ? 0 : demand.facts.front().node, "type",
                     "no type is left that all schemas of this value accept");
  }
}

bool GenerateMachine::EmitListed(const ValueRules& rules, NodeIndex node,
                                 std::span<const Part> parts) {
  // From a random place on, so that a long list is not always looked through.
  const std::size_t count = rules.values.size();
  const std::size_t first = count == 0 ? 0 : shop_.random.Below(count);
  Spend(count / 64);
  for (std::size_t i = 0; i < count; ++i) {
    const json::View value = rules.values[(first + i) % count];
    if (!Obeys(parts, value)) continue;
    out_ += json::Write(value);
    return true;
  }
  const std::string_view keyword = rules.is_const ? "const" : "enum";
  if (count == 0) return Blocked(node, keyword, "the list of allowed values is empty");
  return Blocked(
      node, keyword,
      count == 1 ? "the only allowed value does not obey the rest of the schema"
                 : StrCat("none of the ", count, " allowed values obeys the rest of the schema"));
}

TypeMask GenerateMachine::TypesWithRules(const Demand& demand) const {
  unsigned types = 0;
  for (const Demand::Fact& fact : demand.facts) {
    const Node& node = shop_.compiled[fact.node];
    if (node.number != kNone) types |= kNumber;
    if (node.string != kNone) types |= kString;
    if (node.array != kNone) types |= kArray;
    if (node.object != kNone) types |= kObject;
  }
  if (!demand.required.empty() || !demand.of_key.empty()) types |= kObject;
  return static_cast<TypeMask>(types);
}

TypeMask GenerateMachine::ChooseType(const Demand& demand, std::uint32_t depth_left) {
  // By the bits of TypeMask: what is common in practice, where the schema says nothing.
  constexpr std::array<std::uint64_t, kTypeCount> kCommon = {2, 4, 6, 3, 10, 2, 2};
  constexpr std::uint64_t kMeant = 60;
  std::array<std::uint32_t, kTypeCount> depths = {};
  std::uint32_t least = kEndless;
  for (std::size_t i = 0; i < kTypeCount; ++i) {
    if ((demand.types >> i & 1) == 0) depths[i] = kEndless;
    for (const Demand::Fact& fact : demand.facts) {
      depths[i] = std::max(depths[i], shop_.outlines[fact.node].depth[i]);
    }
    least = std::min(least, depths[i]);
  }
  if (least == kEndless) return 0;
  const TypeMask meant = TypesWithRules(demand);
  std::array<std::uint64_t, kTypeCount> weights = {};
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kTypeCount; ++i) {
    if (depths[i] == kEndless || depths[i] > std::max(least, depth_left)) continue;
    // Without a level left, a container is still possible, but it is empty.
    weights[i] = (meant >> i & 1) != 0 ? kMeant : kCommon[i];
    sum += weights[i];
  }
  std::uint64_t left = shop_.random.Below(sum);
  for (std::size_t i = 0; i < kTypeCount; ++i) {
    if (left < weights[i]) return static_cast<TypeMask>(1U << i);
    left -= weights[i];
  }
  return 0;
}

NodeIndex GenerateMachine::NodeWith(const Demand& demand, std::uint32_t Node::* rules) const {
  for (const Demand::Fact& fact : demand.facts) {
    if (shop_.compiled[fact.node].*rules != kNone) return fact.node;
  }
  return demand.facts.empty() ? shop_.compiled.root : demand.facts.front().node;
}

bool GenerateMachine::EmitNumber(const Demand& demand) {
  const auto types = static_cast<TypeMask>(demand.types & kNumber);
  const auto text = SampleNumber(demand.number, types, wide_, shop_.random);
  if (text) {
    out_ += *text;
    return true;
  }
  const NodeIndex node = NodeWith(demand, &Node::number);
  const NumberDemand& number = demand.number;
  const std::string_view keyword = !number.multiples.empty() ? "multipleOf"
                                   : number.lower.empty()    ? "maximum"
                                                             : "minimum";
  const auto present = [&](std::string_view word) {
    return shop_.compiled[node].source.Find(word).exists();
  };
  const std::string_view other = keyword == "minimum" ? "exclusiveMinimum" : "exclusiveMaximum";
  return Blocked(node, present(keyword) || keyword == "multipleOf" ? keyword : other,
                 StrCat("no ", types == kInteger ? "integer" : "number", " was found that is ",
                        Describe(number)));
}

bool GenerateMachine::EmitString(const Demand& demand) {
  std::size_t work = 0;
  const auto text = shop_.texts.Sample(demand.text, shop_.random, work);
  Spend(work / 8);
  if (text) {
    json::AppendQuoted(out_, *text);
    return true;
  }
  const NodeIndex node = NodeWith(demand, &Node::string);
  const TextDemand& asked = demand.text;
  const auto lengths = [&] {
    const std::string most =
        asked.max_length == kUnbounded ? "or more" : StrCat("to ", asked.max_length);
    return StrCat(asked.min_length, " ", most, " characters");
  };
  if (asked.min_length > asked.max_length) {
    return Blocked(node, "minLength",
                   StrCat("no string has ", asked.min_length, " or more characters and at most ",
                          asked.max_length));
  }
  if (asked.min_length > shop_.options.max_bytes) {
    return Blocked(node, "minLength",
                   StrCat("a string of ", asked.min_length, " characters is longer than ",
                          shop_.options.max_bytes, " bytes (max_bytes)"));
  }
  if (asked.patterns.empty()) {
    return Blocked(node, "format",
                   StrCat("no string of ", lengths(), " was found that is of the format \"",
                          asked.formats.front(), "\""));
  }
  return Blocked(node, "pattern",
                 StrCat("no string of ", lengths(), " was found that matches ",
                        asked.patterns.size() == 1 ? "the pattern " : "all patterns, one of them ",
                        "\"", shop_.compiled.pattern_texts[asked.patterns.front()], "\""));
}

}  // namespace weir::schema
