#include <algorithm>
#include <atomic>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "weir/schema/automaton_machine.h"

namespace weir::schema::internal {
namespace {

// A character under way: the state that reads it, and where in its tree it stands.
struct FiniteItem {
  std::uint32_t state = 0;
  std::uint32_t node = 0;

  friend auto operator<=>(const FiniteItem&, const FiniteItem&) = default;
};

// A state of the deterministic automaton. Those in the cache know their successors.
struct FinitePlace : Place {
  std::vector<FiniteItem> items;  // sorted
  ByteSet next;
  std::unique_ptr<std::atomic<const FinitePlace*>[]> successors;  // by class of byte; null: unknown
};

class FiniteMachine : public Machine {
 public:
  FiniteMachine(Network network, const LanguageOptions& options)
      : net_(std::move(network)),
        classes_(net_.trees.ByteClasses()),
        class_count_(classes_.back() + 1u),
        budget_(options.max_cache_bytes),
        marks_(net_.states.size()) {
    const std::lock_guard lock(mutex_);
    std::vector<FiniteItem> items;
    bool complete = false;
    NewRound();
    Visit(net_.starts[net_.start_rule], items, complete);
    start_ = Keep(std::move(items), complete);
  }

  PlacePtr Start() const override { return start_; }
  bool regular() const override { return true; }

  PlacePtr Advance(const PlacePtr& from, std::string_view bytes, bool& gave_up) const override {
    gave_up = false;
    const auto* at = static_cast<const FinitePlace*>(from.get());
    PlacePtr loose;  // keeps `at` when that is not in the cache
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const auto byte = static_cast<unsigned char>(bytes[i]);
      const FinitePlace* next = nullptr;
      if (at->successors != nullptr) {
        next = at->successors[classes_[byte]].load(std::memory_order_acquire);
      }
      if (next == nullptr) {
        loose = Compute(*at, byte);
        if (loose == nullptr) return nullptr;
        next = static_cast<const FinitePlace*>(loose.get());
      }
      if (next == &dead_) return nullptr;
      at = next;
    }
    if (at == from.get()) return from;
    if (at->successors != nullptr) return Borrow(at);
    return loose;
  }

  ByteSet Next(const Place& place) const override {
    return static_cast<const FinitePlace&>(place).next;
  }

  bool Alike(const Place& a, const Place& b) const override {
    return a.complete == b.complete &&
           static_cast<const FinitePlace&>(a).items == static_cast<const FinitePlace&>(b).items;
  }

 private:
  // The cache lives as long as the machine, which every matcher holds.
  static PlacePtr Borrow(const FinitePlace* place) {
    return PlacePtr(std::shared_ptr<const void>(), place);
  }

  void NewRound() const {
    if (++round_ == 0) {
      std::ranges::fill(marks_, 0);
      round_ = 1;
    }
  }

  // Follows the ways without bytes.
  void Visit(std::uint32_t start, std::vector<FiniteItem>& items, bool& complete) const {
    todo_.push_back(start);
    while (!todo_.empty()) {
      const std::uint32_t at = todo_.back();
      todo_.pop_back();
      if (at == kNoState || !net_.states[at].live || marks_[at] == round_) continue;
      marks_[at] = round_;
      const NetState& state = net_.states[at];
      if (state.kind == NetState::Kind::kTree) {
        items.push_back({at, state.index});
      } else if (state.kind == NetState::Kind::kEnd) {
        complete = true;
      } else {
        todo_.push_back(state.out2);
        todo_.push_back(state.out);
      }
    }
  }

  PlacePtr Compute(const FinitePlace& from, unsigned char byte) const {
    const std::lock_guard lock(mutex_);
    std::vector<FiniteItem> items;
    bool complete = false;
    NewRound();
    for (const FiniteItem& item : from.items) {
      const std::uint32_t node = net_.trees.Step(item.node, byte);
      if (node == ByteTrees::kDone) {
        Visit(net_.states[item.state].out, items, complete);
      } else if (node != ByteTrees::kNone) {
        items.push_back({item.state, node});
      }
    }
    const bool dead = items.empty() && !complete;
    PlacePtr to = dead ? nullptr : Keep(std::move(items), complete);
    if (from.successors != nullptr && (dead || Cached(to))) {
      const auto* target = dead ? &dead_ : static_cast<const FinitePlace*>(to.get());
      from.successors[classes_[byte]].store(target, std::memory_order_release);
    }
    return to;
  }

  static bool Cached(const PlacePtr& place) {
    return static_cast<const FinitePlace&>(*place).successors != nullptr;
  }

  // The place of these items: the one in the cache, a new one there, or one on its own.
  PlacePtr Keep(std::vector<FiniteItem> items, bool complete) const {
    if (items.empty() && !complete) return nullptr;
    std::ranges::sort(items);
    const auto key = std::pair(std::move(items), complete);
    if (const auto found = cache_.find(key); found != cache_.end()) return Borrow(found->second);
    auto place = std::make_shared<FinitePlace>();
    place->items = key.first;
    place->complete = complete;
    for (const FiniteItem& item : place->items) place->next |= net_.trees.Bytes(item.node);
    const std::size_t cost =
        sizeof(FinitePlace) + 2 * place->items.size() * sizeof(FiniteItem) + class_count_ * 8 + 100;
    if (cost > budget_) return place;
    budget_ -= cost;
    place->successors = std::make_unique<std::atomic<const FinitePlace*>[]>(class_count_);
    cache_.emplace(key, place.get());
    kept_.push_back(place);
    return Borrow(place.get());
  }

  const Network net_;
  const std::vector<std::uint8_t> classes_;
  const std::size_t class_count_;
  FinitePlace dead_;
  PlacePtr start_;

  mutable std::mutex mutex_;  // everything below
  mutable std::size_t budget_;
  mutable std::map<std::pair<std::vector<FiniteItem>, bool>, const FinitePlace*> cache_;
  mutable std::vector<std::shared_ptr<const FinitePlace>> kept_;
  mutable std::vector<std::uint32_t> marks_;  // by state: the round in which it was visited
  mutable std::uint32_t round_ = 0;
  mutable std::vector<std::uint32_t> todo_;
};

}  // namespace

std::shared_ptr<const Machine> NewFiniteMachine(Network network, const LanguageOptions& options) {
  return std::make_shared<const FiniteMachine>(std::move(network), options);
}

}  // namespace weir::schema::internal
