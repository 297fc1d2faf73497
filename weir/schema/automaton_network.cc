#include "weir/schema/automaton_network.h"

#include <algorithm>
#include <map>
#include <tuple>

namespace weir::schema::internal {
namespace {

using Kind = RegexNode::Kind;

bool IsAssertion(Kind kind) {
  return kind == Kind::kBegin || kind == Kind::kEnd || kind == Kind::kWordBoundary ||
         kind == Kind::kNotWordBoundary;
}

// Which rules are copied to where they are used. Rules on a cycle, and rules that use such rules,
// are called instead.
class Inlining {
 public:
  Inlining(const Grammar& grammar, const LanguageOptions& options)
      : grammar_(grammar), inlined_(grammar.rules.size()), measures_(grammar.rules.size()) {
    const std::vector<std::uint32_t> order = Order();
    const bool whole = options.max_inlined_states > 0 &&
                       std::ranges::find(order, grammar.start) != order.end() &&
                       FitsWhole(order, static_cast<double>(options.max_states));
    for (const std::uint32_t rule : order) {
      measures_[rule] = MeasureOf(grammar.rules[rule].root);
      const double limit =
          static_cast<double>(whole ? options.max_states : options.max_inlined_states);
      inlined_[rule] = measures_[rule].states <= limit && measures_[rule].depth <= kMaxDepth;
    }
  }

  bool operator[](std::uint32_t rule) const { return inlined_[rule]; }

 private:
  static constexpr std::uint32_t kMaxDepth = 1000;  // of the recursion that compiles
  struct Measure {
    double states = 0;
    std::uint32_t depth = 0;
  };

  // The rules that lead to no recursion, each after those that it uses.
  std::vector<std::uint32_t> Order() const {
    const std::size_t count = grammar_.rules.size();
    std::vector<std::vector<std::uint32_t>> users(count);
    std::vector<std::size_t> open(count);
    for (std::uint32_t rule = 0; rule < count; ++rule) {
      std::vector<std::uint32_t> todo = {grammar_.rules[rule].root};
      while (!todo.empty()) {
        const RegexNode& node = grammar_.body.nodes[todo.back()];
        todo.pop_back();
        todo.insert(todo.end(), node.children.begin(), node.children.end());
        if (node.kind != Kind::kRule) continue;
        users[node.index].push_back(rule);
        ++open[rule];
      }
    }
    std::vector<std::uint32_t> order;
    for (std::uint32_t rule = 0; rule < count; ++rule) {
      if (open[rule] == 0) order.push_back(rule);
    }
    for (std::size_t i = 0; i < order.size(); ++i) {
      for (const std::uint32_t user : users[order[i]]) {
        if (--open[user] == 0) order.push_back(user);
      }
    }
    return order;
  }

  bool FitsWhole(const std::vector<std::uint32_t>& order, double limit) {
    for (const std::uint32_t rule : order) {
      measures_[rule] = MeasureOf(grammar_.rules[rule].root);
      inlined_[rule] = true;
    }
    const Measure& start = measures_[grammar_.start];
    return start.states <= limit && start.depth <= kMaxDepth;
  }

  Measure MeasureOf(std::uint32_t index) const {
    const RegexNode& node = grammar_.body.nodes[index];
    Measure out{.states = 1, .depth = 1};
    if (node.kind == Kind::kRule && inlined_[node.index]) {
      out = measures_[node.index];
      ++out.depth;
    }
    for (const std::uint32_t child : node.children) {
      const Measure inner = MeasureOf(child);
      out.states += inner.states;
      out.depth = std::max(out.depth, inner.depth + 1);
    }
    if (node.kind == Kind::kRepeat) {
      out.states *= node.max == kNoLimit ? node.min + 1.0 : std::max<double>(node.max, 1);
    }
    return out;
  }

  const Grammar& grammar_;
  std::vector<bool> inlined_;
  std::vector<Measure> measures_;
};

class Builder {
 public:
  Builder(const Grammar& grammar, const LanguageOptions& options, Network& out)
      : grammar_(grammar), inlining_(grammar, options), limit_(options.max_states), net_(out) {}

  bool Run() {
    const std::size_t count = grammar_.rules.size();
    net_.starts.assign(count, kNoState);
    net_.ends.assign(count, kNoState);
    net_.start_rule = grammar_.start;
    wanted_ = {grammar_.start};
    while (!wanted_.empty() && !failed_) {
      const std::uint32_t rule = wanted_.back();
      wanted_.pop_back();
      if (net_.ends[rule] != kNoState) continue;
      net_.ends[rule] = Add({.kind = NetState::Kind::kEnd, .index = rule});
      net_.starts[rule] = CompileRule(rule, net_.ends[rule]);
    }
    return !failed_;
  }

 private:
  friend class Unassert;

  std::uint32_t Add(NetState state) {
    if (net_.states.size() >= limit_) {
      failed_ = true;
      return 0;
    }
    net_.states.push_back(state);
    return static_cast<std::uint32_t>(net_.states.size() - 1);
  }

  std::uint32_t Split(std::uint32_t out, std::uint32_t out2) {
    return Add({.out = out, .out2 = out2});
  }

  std::uint32_t TreeOfClass(std::uint32_t index) {
    const auto key = std::pair(index, spelling_);
    const auto found = trees_.find(key);
    if (found != trees_.end()) return found->second;
    const std::uint32_t tree = net_.trees.Add(Resolve(grammar_.body.classes[index]), spelling_);
    trees_.emplace(key, tree);
    return tree;
  }

  bool HasAssertions(std::uint32_t index) const {
    const RegexNode& node = grammar_.body.nodes[index];
    return IsAssertion(node.kind) ||
           std::ranges::any_of(node.children, [&](std::uint32_t c) { return HasAssertions(c); });
  }

  std::uint32_t CompileRule(std::uint32_t rule, std::uint32_t next);

  // The state from which the text of a node leads to `next`.
  std::uint32_t Compile(std::uint32_t index, std::uint32_t next) {
    if (failed_) return 0;
    const RegexNode& node = grammar_.body.nodes[index];
    switch (node.kind) {
      case Kind::kClass:
        return Add({.kind = NetState::Kind::kTree, .index = TreeOfClass(node.index), .out = next});
      case Kind::kConcat:
        for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
          next = Compile(*child, next);
        }
        return next;
      case Kind::kAlternate: {
        std::uint32_t rest = Split(kNoState, kNoState);
        for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
          rest = Split(Compile(*child, next), rest);
        }
        return rest;
      }
      case Kind::kRepeat:
        return CompileRepeat(node, next);
      case Kind::kRule:
        if (inlining_[node.index]) return CompileRule(node.index, next);
        net_.has_calls = true;
        wanted_.push_back(node.index);
        return Add({.kind = NetState::Kind::kCall, .index = node.index, .out = next});
      case Kind::kBegin:
      case Kind::kEnd:
      case Kind::kWordBoundary:
      case Kind::kNotWordBoundary:
        break;
    }
    failed_ = true;  // CompileRule() leaves every rule with an assertion to Unassert
    return 0;
  }

  std::uint32_t CompileRepeat(const RegexNode& node, std::uint32_t next) {
    const std::uint32_t child = node.children.front();
    std::uint32_t copies = node.min;
    if (node.max == kNoLimit) {
      const std::uint32_t loop = Split(kNoState, next);
      const std::uint32_t body = Compile(child, loop);
      if (failed_) return 0;
      net_.states[loop].out = body;
      next = copies == 0 ? loop : body;
      copies -= copies == 0 ? 0 : 1;
    } else {
      const std::uint32_t end = next;
      for (std::uint32_t i = node.min; i < node.max && !failed_; ++i) {
        next = Split(Compile(child, next), end);
      }
    }
    for (std::uint32_t i = 0; i < copies && !failed_; ++i) next = Compile(child, next);
    return next;
  }

  const Grammar& grammar_;
  Inlining inlining_;
  std::size_t limit_;
  Network& net_;
  Spelling spelling_ = Spelling::kUtf8;
  std::map<std::pair<std::uint32_t, Spelling>, std::uint32_t> trees_;
  std::vector<std::uint32_t> wanted_;
  bool failed_ = false;
};

// Compiles assertions away: a state becomes one for each kind of character that may stand before
// it and, guessed, behind it; an assertion is then a way that is open or not, and a character must
// be of the kind that was guessed. Wrong guesses are dead ends, which liveness removes.
class Unassert {
 public:
  Unassert(Builder& builder, std::uint32_t root) : builder_(builder) {
    Collect(root);
    if (words_) {
      kinds_ = {WordSet(), WordSet().Complement()};
    } else {
      kinds_ = {CodeSet::All()};
    }
    guesses_ = kinds_.size() + 1;
  }

  std::uint32_t Run(std::uint32_t root, std::uint32_t next) {
    next_ = next;
    end_ = AddRaw({});
    const std::uint32_t start = Raw(root, end_);
    const std::uint32_t entry = Guess(start, Before());
    while (!todo_.empty() && !builder_.failed_) {
      const auto [state, before, after, made] = todo_.back();
      todo_.pop_back();
      Expand(raw_[state], state, before, after, made);
    }
    return entry;
  }

 private:
  struct RawState {
    Kind kind = Kind::kConcat;  // kConcat: a split
    std::uint32_t index = 0;
    std::uint32_t out = kNoState;
    std::uint32_t out2 = kNoState;
  };
  struct Pending {
    std::uint32_t state;
    std::size_t before;
    std::size_t after;
    std::uint32_t made;
  };

  // Kinds of characters are numbered from 0; this stands for the edge of the text.
  std::size_t Before() const { return kinds_.size(); }
  std::size_t After() const { return kinds_.size(); }

  void Collect(std::uint32_t index) {
    const RegexNode& node = builder_.grammar_.body.nodes[index];
    words_ |= node.kind == Kind::kWordBoundary || node.kind == Kind::kNotWordBoundary;
    for (const std::uint32_t child : node.children) Collect(child);
  }

  std::uint32_t AddRaw(RawState state) {
    if (raw_.size() >= builder_.limit_) builder_.failed_ = true;
    if (builder_.failed_) return 0;
    raw_.push_back(state);
    return static_cast<std::uint32_t>(raw_.size() - 1);
  }

  std::uint32_t Raw(std::uint32_t index, std::uint32_t next) {
    if (builder_.failed_) return 0;
    const RegexNode& node = builder_.grammar_.body.nodes[index];
    if (node.kind == Kind::kConcat) {
      for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
        next = Raw(*child, next);
      }
      return next;
    }
    if (node.kind == Kind::kAlternate) {
      std::uint32_t rest = kNoState;
      for (auto child = node.children.rbegin(); child != node.children.rend(); ++child) {
        rest = AddRaw({.out = Raw(*child, next), .out2 = rest});
      }
      return rest;
    }
    if (node.kind == Kind::kRepeat) return RawRepeat(node, next);
    return AddRaw({.kind = node.kind, .index = node.index, .out = next});
  }

  std::uint32_t RawRepeat(const RegexNode& node, std::uint32_t next) {
    const std::uint32_t child = node.children.front();
    std::uint32_t copies = node.min;
    if (node.max == kNoLimit) {
      const std::uint32_t loop = AddRaw({.out2 = next});
      const std::uint32_t body = Raw(child, loop);
      if (builder_.failed_) return 0;
      raw_[loop].out = body;
      next = copies == 0 ? loop : body;
      copies -= copies == 0 ? 0 : 1;
    } else {
      const std::uint32_t end = next;
      for (std::uint32_t i = node.min; i < node.max && !builder_.failed_; ++i) {
        next = AddRaw({.out = Raw(child, next), .out2 = end});
      }
    }
    for (std::uint32_t i = 0; i < copies && !builder_.failed_; ++i) next = Raw(child, next);
    return next;
  }

  std::uint32_t Make(std::uint32_t state, std::size_t before, std::size_t after) {
    if (state == kNoState || builder_.failed_) return kNoState;
    const auto [place, added] = made_.try_emplace(std::tuple(state, before, after), 0);
    if (added) {
      place->second = builder_.Add({});
      todo_.push_back({state, before, after, place->second});
    }
    return place->second;
  }

  std::uint32_t Guess(std::uint32_t state, std::size_t before) {
    std::uint32_t rest = kNoState;
    for (std::size_t after = 0; after < guesses_; ++after) {
      rest = builder_.Split(Make(state, before, after), rest);
    }
    return rest;
  }

  bool Holds(Kind kind, std::size_t before, std::size_t after) const {
    if (kind == Kind::kBegin) return before == Before();
    if (kind == Kind::kEnd) return after == After();
    const bool boundary = (before == 0) != (after == 0);  // 0 is the kind of word characters
    return boundary == (kind == Kind::kWordBoundary);
  }

  void Expand(const RawState& raw, std::uint32_t state, std::size_t before, std::size_t after,
              std::uint32_t made) {
    NetState out;
    if (state == end_) {
      if (after == After()) out.out = next_;
    } else if (raw.kind == Kind::kClass) {
      if (after != After()) {
        out.kind = NetState::Kind::kTree;
        out.index = TreeOf(raw.index, after);
        out.out = Guess(raw.out, after);
      }
    } else if (IsAssertion(raw.kind)) {
      if (Holds(raw.kind, before, after)) out.out = Make(raw.out, before, after);
    } else {
      out.out = Make(raw.out, before, after);
      out.out2 = Make(raw.out2, before, after);
    }
    if (!builder_.failed_) builder_.net_.states[made] = out;
  }

  std::uint32_t TreeOf(std::uint32_t index, std::size_t kind) {
    if (kinds_.size() == 1) return builder_.TreeOfClass(index);
    const auto [place, added] = trees_.try_emplace(std::pair(index, kind), 0);
    if (added) {
      const CodeSet set = Resolve(builder_.grammar_.body.classes[index]);
      place->second = builder_.net_.trees.Add(Intersection(set, kinds_[kind]), builder_.spelling_);
    }
    return place->second;
  }

  Builder& builder_;
  bool words_ = false;
  std::vector<CodeSet> kinds_;
  std::size_t guesses_ = 0;
  std::vector<RawState> raw_;
  std::uint32_t end_ = 0;
  std::uint32_t next_ = 0;
  std::map<std::tuple<std::uint32_t, std::size_t, std::size_t>, std::uint32_t> made_;
  std::map<std::pair<std::uint32_t, std::size_t>, std::uint32_t> trees_;
  std::vector<Pending> todo_;
};

std::uint32_t Builder::CompileRule(std::uint32_t rule, std::uint32_t next) {
  if (failed_) return 0;
  const Spelling outer = spelling_;
  spelling_ = grammar_.rules[rule].spelling;
  const std::uint32_t root = grammar_.rules[rule].root;
  const std::uint32_t entry =
      HasAssertions(root) ? Unassert(*this, root).Run(root, next) : Compile(root, next);
  spelling_ = outer;
  return entry;
}

// Marks, from the ends backwards, what can reach an end.
void MarkLive(Network& net) {
  std::vector<std::vector<std::uint32_t>> before(net.states.size());
  std::vector<std::vector<std::uint32_t>> calls(net.starts.size());
  for (std::uint32_t i = 0; i < net.states.size(); ++i) {
    const NetState& state = net.states[i];
    for (const std::uint32_t out : {state.out, state.out2}) {
      if (out != kNoState) before[out].push_back(i);
    }
    if (state.kind == NetState::Kind::kCall) calls[state.index].push_back(i);
  }
  std::vector<std::uint32_t> todo;
  std::vector<std::vector<std::uint32_t>> rules_at(net.states.size());
  std::vector<bool> productive(net.starts.size());
  for (std::uint32_t rule = 0; rule < net.starts.size(); ++rule) {
    if (net.ends[rule] != kNoState) todo.push_back(net.ends[rule]);
    if (net.starts[rule] != kNoState) rules_at[net.starts[rule]].push_back(rule);
  }
  const auto open = [&](const NetState& state) {
    switch (state.kind) {
      case NetState::Kind::kTree:
        return state.index != 0;
      case NetState::Kind::kCall:
        return static_cast<bool>(productive[state.index]);
      case NetState::Kind::kSplit:
      case NetState::Kind::kEnd:
        break;
    }
    return true;
  };
  const auto mark = [&](std::uint32_t i) {
    if (net.states[i].live || !open(net.states[i])) return;
    net.states[i].live = true;
    todo.push_back(i);
  };
  for (const std::uint32_t end : todo) net.states[end].live = true;
  while (!todo.empty()) {
    const std::uint32_t at = todo.back();
    todo.pop_back();
    for (const std::uint32_t i : before[at]) mark(i);
    for (const std::uint32_t rule : rules_at[at]) {
      productive[rule] = true;
      for (const std::uint32_t call : calls[rule]) {
        if (net.states[net.states[call].out].live) mark(call);
      }
    }
  }
}

void MarkTails(Network& net) {
  for (NetState& state : net.states) {
    if (state.kind != NetState::Kind::kCall) continue;
    std::uint32_t at = state.out;
    for (int steps = 0; steps < 64; ++steps) {
      const NetState& next = net.states[at];
      state.tail = next.kind == NetState::Kind::kEnd;
      if (next.kind != NetState::Kind::kSplit) break;
      const auto live = [&](std::uint32_t i) { return i != kNoState && net.states[i].live; };
      if (live(next.out) == live(next.out2)) break;
      at = live(next.out) ? next.out : next.out2;
    }
  }
}

}  // namespace

bool BuildNetwork(const Grammar& grammar, const LanguageOptions& options, Network& out) {
  if (!Builder(grammar, options, out).Run()) return false;
  MarkLive(out);
  MarkTails(out);
  return true;
}

}  // namespace weir::schema::internal
