#pragma once

// One attempt at an instance: writes text, value by value, and takes back what did not work out.

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

#include "weir/base/random.h"
#include "weir/schema/compiled.h"
#include "weir/schema/generate.h"
#include "weir/schema/generate_demand.h"
#include "weir/schema/generate_outline.h"
#include "weir/schema/generate_text.h"
#include "weir/schema/validate.h"

namespace weir::schema {

// What an attempt is given; everything outlives it.
struct Workshop {
  const Compiled& compiled;
  const std::vector<Outline>& outlines;
  TextSampler& texts;
  const GenerateOptions& options;
  Random& random;
};

// How an attempt goes about it.
struct Manner {
  bool careful = false;  // every value is validated as soon as it is there
  bool lean = false;     // nothing is there that may be absent
};

class GenerateMachine {
 public:
  GenerateMachine(const Workshop& workshop, Manner manner)
      : shop_(workshop), manner_(manner), steps_left_(workshop.options.max_steps) {}

  // Appends a value to the text. False when none was found; obstacle() says why.
  bool Value(std::span<const Part> parts, std::uint32_t depth_left);

  const std::string& text() const { return out_; }
  const Obstacle& obstacle() const { return obstacle_; }

 private:
  bool Blocked(NodeIndex node, std::string_view keyword, std::string sentence);
  bool Stop(NodeIndex node, std::string sentence);
  void Spend(std::size_t steps) { steps_left_ -= std::min(steps, steps_left_); }
  bool Short(std::uint32_t depth_left) const;
  bool Chance(double probability) { return shop_.random.Uniform() < probability; }
  std::uint64_t Few(std::uint64_t most);

  bool Once(std::span<const Part> parts, std::uint32_t depth_left);
  bool Noted(std::span<const Part> parts);
  bool Obeys(std::span<const Part> parts, json::View value) const;
  bool ObeysText(std::span<const Part> parts, std::string_view text) const;
  bool Possible(std::span<const Part> parts, std::uint32_t depth_left) const;

  bool Emit(const Demand& demand, std::span<const Part> parts, std::uint32_t depth_left);
  bool EmitListed(const ValueRules& rules, NodeIndex node, std::span<const Part> parts);
  TypeMask ChooseType(const Demand& demand, std::uint32_t depth_left);
  TypeMask TypesWithRules(const Demand& demand) const;
  bool EmitNumber(const Demand& demand);
  bool EmitString(const Demand& demand);
  NodeIndex NodeWith(const Demand& demand, std::uint32_t Node::* rules) const;

  bool EmitArray(const Demand& demand, std::uint32_t depth_left);
  std::vector<Part> PartsOfItem(const Demand& demand, std::size_t i) const;
  bool ItemEvaluated(const Demand& demand, std::uint32_t fact, std::size_t i) const;
  std::vector<std::vector<Part>> PlaceContained(const Demand& demand, std::size_t count);
  bool EmitItem(std::span<const Part> parts, bool unique, std::uint32_t depth_left,
                std::unordered_set<std::string>& before);

  // The members of an object while they are chosen.
  class Keys {
   public:
    bool Has(std::string_view key) const { return known_.contains(std::string(key)); }
    void Add(std::string_view key);
    void Cut(std::size_t size);  // takes back what came after the first `size`
    std::size_t size() const { return chosen_.size(); }
    const std::vector<std::string>& chosen() const { return chosen_; }

    std::vector<std::pair<std::string, Part>> extra;  // demands on single members

   private:
    std::vector<std::string> chosen_;
    std::unordered_set<std::string> known_;
  };
  bool EmitObject(const Demand& demand, std::uint32_t depth_left);
  bool ChooseKeys(const Demand& demand, std::uint32_t depth_left, Keys& keys);
  bool AddRequired(const Demand& demand, Keys& keys) const;
  bool AddWithRequired(const Demand& demand, std::string_view key, Keys& keys) const;
  std::vector<std::string> InOrder(const Demand& demand, const Keys& keys) const;
  void AddOptional(const Demand& demand, std::uint32_t depth_left, bool all, Keys& keys);
  bool AddStrangers(const Demand& demand, std::uint32_t depth_left, Keys& keys);
  std::string NewKey(const Demand& demand, std::uint32_t pattern);
  std::string SampleText(const TextDemand& demand);
  bool KeyAllowed(const Demand& demand, std::string_view key) const;
  bool KeyNamed(const Demand& demand, std::string_view key) const;
  bool KeyEvaluated(const Demand& demand, std::uint32_t fact, std::string_view key) const;
  std::vector<Part> PartsOfKey(const Demand& demand, std::string_view key) const;
  std::uint64_t WantedStrangers(const Demand& demand) const;
  template <class Visit>
  void ForEachObject(const Demand& demand, Visit visit) const;

  const Workshop& shop_;
  const Manner manner_;
  std::size_t steps_left_;
  std::size_t nesting_ = 0;
  bool wide_ = false;     // numbers are drawn from many, because few were not enough
  bool stopped_ = false;  // a limit is reached: no more tries
  std::string out_;
  Obstacle obstacle_;
  std::vector<NodeIndex> scope_;  // as DemandMaker wants it; empty without dynamic references
};

template <class Visit>
void GenerateMachine::ForEachObject(const Demand& demand, Visit visit) const {
  for (std::uint32_t i = 0; i < demand.facts.size(); ++i) {
    const Node& node = shop_.compiled[demand.facts[i].node];
    if (node.object != kNone) visit(i, shop_.compiled.objects[node.object]);
  }
}

}  // namespace weir::schema
