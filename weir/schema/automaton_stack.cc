#include <algorithm>
#include <deque>
#include <unordered_set>
#include <vector>

#include "weir/schema/automaton_machine.h"

namespace weir::schema::internal {
namespace {

class StackLayer;
struct Frame;

// Where a rule returns to: this state, in this frame. No frame: the text is complete.
struct Return {
  std::uint32_t state = kNoState;
  const Frame* frame = nullptr;

  friend bool operator==(const Return&, const Return&) = default;
};

// A rule begun at one position, by whatever callers. Complete (and never changed again) once the
// position is.
struct Frame {
  std::uint32_t rule = 0;
  bool ended = false;  // at the position where it began: the rule has the empty text
  std::vector<Return> returns;
  std::vector<Frame*> tails;  // frames of the same position that end when this one does
  const StackLayer* layer = nullptr;
};

using LayerPtr = std::shared_ptr<const StackLayer>;

// The frames of one position. They may name each other; what they name of older positions is kept
// alive by `older`, so that there are never cycles of owners.
class StackLayer : public std::enable_shared_from_this<StackLayer> {
 public:
  StackLayer() = default;
  StackLayer(const StackLayer&) = delete;
  StackLayer& operator=(const StackLayer&) = delete;
  // A long chain is taken apart in a loop: recursion would need a stack as deep as the text nests.
  ~StackLayer() {
    std::vector<LayerPtr> doomed = std::move(older);
    while (!doomed.empty()) {
      const LayerPtr last = std::move(doomed.back());
      doomed.pop_back();
      if (last.use_count() != 1) continue;
      auto& more = const_cast<StackLayer&>(*last).older;  // nobody else can see it any more
      std::ranges::move(more, std::back_inserter(doomed));
      more.clear();
    }
  }

  std::deque<Frame> frames;
  std::vector<LayerPtr> older;
};

void KeepLayer(std::vector<LayerPtr>& kept, const StackLayer* layer) {
  const auto same = [&](const LayerPtr& k) { return k.get() == layer; };
  if (std::ranges::find_if(kept, same) == kept.end()) kept.push_back(layer->shared_from_this());
}

struct StackItem {
  std::uint32_t state = 0;
  std::uint32_t node = 0;
  const Frame* frame = nullptr;

  friend bool operator==(const StackItem&, const StackItem&) = default;
};

struct StackPlace : Place {
  std::vector<StackItem> items;
  std::vector<LayerPtr> kept;
};

// The work of one position: from the items before a byte to those behind it.
class Step {
 public:
  Step(const Network& net, std::size_t max_items) : net_(net), max_items_(max_items) {}

  void Begin() {
    Frame* root = FrameOf(net_.start_rule);
    root->returns.push_back({});
    Push(net_.starts[net_.start_rule], root);
    Run();
  }

  void Take(const std::vector<StackItem>& items, unsigned char byte) {
    for (const StackItem& item : items) {
      const std::uint32_t node = net_.trees.Step(item.node, byte);
      if (node == ByteTrees::kDone) {
        Push(net_.states[item.state].out, item.frame);
      } else if (node != ByteTrees::kNone) {
        AddItem({item.state, node, item.frame});
      }
    }
    Run();
  }

  bool too_many() const { return too_many_; }

  // Hands out what was found, and is ready for the next position; the buffers are used again.
  void Finish(std::vector<StackItem>& items, std::vector<LayerPtr>& kept, bool& complete) {
    if (layer_ != nullptr) {
      for (Frame& frame : layer_->frames) FlattenTails(frame);
      for (const Frame& frame : layer_->frames) {
        for (const Return& back : frame.returns) {
          if (back.frame != nullptr && back.frame->layer != layer_.get()) {
            KeepLayer(layer_->older, back.frame->layer);
          }
        }
      }
    }
    std::vector<LayerPtr> now;
    for (const StackItem& item : items_) KeepLayer(now, item.frame->layer);
    items.swap(items_);
    kept = std::move(now);
    complete = complete_;
    layer_.reset();
    items_.clear();
    seen_.clear();
    many_.clear();
    returns_ = 0;
    complete_ = false;
  }

 private:
  struct Reading {
    std::uint32_t state;
    const Frame* frame;
    friend bool operator==(const Reading&, const Reading&) = default;
  };
  struct HashReading {
    std::size_t operator()(const Reading& r) const {
      return std::hash<const void*>()(r.frame) * 31 + r.state * 0x9E3779B97F4A7C15u;
    }
  };

  void AddItem(const StackItem& item) {
    if (items_.size() >= max_items_) too_many_ = true;
    if (!too_many_) items_.push_back(item);
  }

  void Push(std::uint32_t state, const Frame* frame) {
    if (state == kNoState || !net_.states[state].live) return;
    const Reading reading{state, frame};
    // Few readings are the rule; a set is only made when they become many.
    if (seen_.size() < kFew) {
      if (std::ranges::find(seen_, reading) != seen_.end()) return;
      seen_.push_back(reading);
      if (seen_.size() == kFew) many_.insert(seen_.begin(), seen_.end());
    } else if (!many_.insert(reading).second) {
      return;
    }
    if (many_.size() > 16 * max_items_) too_many_ = true;
    if (!too_many_) todo_.push_back(reading);
  }

  void Run() {
    while (!todo_.empty() && !too_many_) {
      const Reading at = todo_.back();
      todo_.pop_back();
      const NetState& state = net_.states[at.state];
      switch (state.kind) {
        case NetState::Kind::kSplit:
          Push(state.out2, at.frame);
          Push(state.out, at.frame);
          break;
        case NetState::Kind::kTree:
          AddItem({at.state, state.index, at.frame});
          break;
        case NetState::Kind::kCall:
          Call(state, at.frame);
          break;
        case NetState::Kind::kEnd:
          End(at.frame);
          break;
      }
    }
  }

  Frame* FrameOf(std::uint32_t rule) {
    if (layer_ == nullptr) layer_ = std::make_shared<StackLayer>();
    for (Frame& frame : layer_->frames) {
      if (frame.rule == rule) return &frame;
    }
    Frame& frame = layer_->frames.emplace_back();
    frame.rule = rule;
    frame.layer = layer_.get();
    return &frame;
  }

  bool Current(const Frame* frame) const { return frame->layer == layer_.get(); }

  void Call(const NetState& call, const Frame* caller) {
    const std::size_t before = layer_ == nullptr ? 0 : layer_->frames.size();
    Frame* callee = FrameOf(call.index);
    if (!call.tail) {
      AddReturn(*callee, {call.out, caller});
    } else if (!Current(caller)) {
      // A tail call of an older frame returns where that frame would: a list that is written with
      // recursion at its end does not pile up frames.
      for (const Return& back : caller->returns) AddReturn(*callee, back);
    } else if (callee != caller) {
      // Its returns are not all known yet. FrameOf() made every frame of this layer, unlocked.
      auto* tail = const_cast<Frame*>(caller);
      if (std::ranges::find(callee->tails, tail) == callee->tails.end()) {
        callee->tails.push_back(tail);
        if (callee->ended) Push(net_.ends[caller->rule], caller);
      }
    }
    if (layer_->frames.size() > before) Push(net_.starts[call.index], callee);
  }

  void AddReturn(Frame& frame, const Return& back) {
    if (std::ranges::find(frame.returns, back) != frame.returns.end()) return;
    if (++returns_ > 16 * max_items_) too_many_ = true;
    frame.returns.push_back(back);
    if (frame.ended) GoBack(back);
  }

  void GoBack(const Return& back) {
    if (back.frame == nullptr) {
      complete_ = true;
    } else {
      Push(back.state, back.frame);
    }
  }

  void End(const Frame* frame) {
    if (!Current(frame)) {
      for (const Return& back : frame->returns) GoBack(back);
      return;
    }
    const_cast<Frame*>(frame)->ended = true;
    for (std::size_t i = 0; i < frame->returns.size(); ++i) GoBack(frame->returns[i]);
    for (const Frame* tail : frame->tails) Push(net_.ends[tail->rule], tail);
  }

  // The returns of everything that ends with this frame become its own.
  void FlattenTails(Frame& frame) {
    if (frame.tails.empty()) return;
    std::vector<Frame*> reached = {&frame};
    for (std::size_t i = 0; i < reached.size(); ++i) {
      for (Frame* tail : reached[i]->tails) {
        if (std::ranges::find(reached, tail) == reached.end()) reached.push_back(tail);
      }
    }
    for (std::size_t i = 1; i < reached.size(); ++i) {
      for (const Return& back : reached[i]->returns) {
        if (std::ranges::find(frame.returns, back) == frame.returns.end()) {
          frame.returns.push_back(back);
        }
      }
    }
  }

  static constexpr std::size_t kFew = 24;

  const Network& net_;
  const std::size_t max_items_;
  std::shared_ptr<StackLayer> layer_;
  std::vector<StackItem> items_;
  std::vector<Reading> todo_;
  std::vector<Reading> seen_;
  std::unordered_set<Reading, HashReading> many_;
  std::size_t returns_ = 0;
  bool complete_ = false;
  bool too_many_ = false;
};

class StackMachine : public Machine {
 public:
  StackMachine(Network network, const LanguageOptions& options)
      : net_(std::move(network)), max_items_(options.max_items) {
    Step step(net_, max_items_);
    step.Begin();
    auto place = std::make_shared<StackPlace>();
    step.Finish(place->items, place->kept, place->complete);
    if (!place->items.empty() || place->complete) start_ = std::move(place);
  }

  PlacePtr Start() const override { return start_; }
  bool regular() const override { return false; }

  PlacePtr Advance(const PlacePtr& from, std::string_view bytes, bool& gave_up) const override {
    gave_up = false;
    if (bytes.empty()) return from;
    auto to = std::make_shared<StackPlace>();
    const auto* at = static_cast<const StackPlace*>(from.get());
    Step step(net_, max_items_);
    for (const char byte : bytes) {
      step.Take(at->items, static_cast<unsigned char>(byte));
      gave_up = step.too_many();
      if (gave_up) return nullptr;
      step.Finish(to->items, to->kept, to->complete);
      if (to->items.empty() && !to->complete) return nullptr;
      at = to.get();
    }
    return to;
  }

  ByteSet Next(const Place& place) const override {
    ByteSet out;
    for (const StackItem& item : static_cast<const StackPlace&>(place).items) {
      out |= net_.trees.Bytes(item.node);
    }
    return out;
  }

  // A frame that two places name is one frame: both keep it alive, and it never changes again.
  bool Alike(const Place& a, const Place& b) const override {
    return a.complete == b.complete &&
           static_cast<const StackPlace&>(a).items == static_cast<const StackPlace&>(b).items;
  }

 private:
  const Network net_;
  const std::size_t max_items_;
  PlacePtr start_;
};

}  // namespace

std::shared_ptr<const Machine> NewStackMachine(Network network, const LanguageOptions& options) {
  return std::make_shared<const StackMachine>(std::move(network), options);
}

}  // namespace weir::schema::internal
