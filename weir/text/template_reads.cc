#include "weir/text/template_reads.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/text/template_filters.h"

namespace weir::text::tmpl {
namespace {

bool IsPlainName(std::string_view name) {
  if (name.empty() || (name[0] >= '0' && name[0] <= '9')) return false;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
                       (c >= '0' && c <= '9') || static_cast<unsigned char>(c) >= 0x80;
    if (!plain) return false;
  }
  return true;
}

// A `set` of a part of what a `set` made can go on for as long as the template does.
constexpr std::size_t kLongestPath = 1000;

std::string MemberOf(const std::string& path, std::string_view name) {
  if (IsPlainName(name)) return StrCat(path, ".", name);
  std::string member = StrCat(path, "[");
  json::AppendQuoted(member, name);
  return StrCat(member, "]");
}

class Finder {
 public:
  explicit Finder(const Program& program)
      : program_(program), origins_(program.slots.size()), certain_(program.slots.size()) {}

  std::vector<VariableRead> Find() {
    if (program_.expression.op != Op::kMissing) Visit(program_.expression, false);
    Visit(program_.body);
    PlaceAll();
    for (VariableRead& read : reads_) read.optional = IsOptional(read.path);
    return std::move(reads_);
  }

 private:
  using Path = std::optional<std::string>;  // none: not a part of the variables

  void Visit(const std::vector<Node>& body) {
    for (const Node& node : body) {
      switch (node.kind) {
        case Node::Kind::kText:
          break;
        case Node::Kind::kPrint:
          Visit(node.exprs[0], false);
          break;
        case Node::Kind::kIf:
          VisitIf(node);
          break;
        case Node::Kind::kFor:
          VisitFor(node);
          break;
        case Node::Kind::kSet:
          Visit(node.exprs[0], false);
          Define(node.slots[0], PathOf(node.exprs[0]));
          break;
      }
    }
  }

  void VisitIf(const Node& node) {
    for (const Expr& condition : node.exprs) Visit(condition, false);
    ++conditions_;
    for (const auto& body : node.bodies) {
      // What is set in one branch is certain in that branch.
      const std::size_t before = defined_.size();
      Visit(body);
      for (; defined_.size() > before; defined_.pop_back()) certain_[defined_.back()] = false;
    }
    --conditions_;
  }

  void VisitFor(const Node& node) {
    const Expr& list = node.exprs[0];
    Visit(list, false);
    const bool members = list.op == Op::kFilter && list.filter->name == "items";
    const Path from = PathOf(members ? list.children[0] : list);
    for (std::size_t i = 0; i < node.slots.size(); ++i) {
      Path item;
      if (from && members && i == 1) item = StrCat(*from, ".*");
      if (from && !members && node.slots.size() == 1) item = StrCat(*from, "[]");
      Define(node.slots[i], std::move(item));
    }
    if (node.loop_slot >= 0) Define(node.loop_slot, {});
    const bool chooses = node.exprs.size() > 1;
    if (chooses) Visit(node.exprs[1], false);
    conditions_ += chooses ? 1 : 0;
    for (const auto& body : node.bodies) Visit(body);
    conditions_ -= chooses ? 1 : 0;
  }

  void Define(int slot, Path origin) {
    const auto place = static_cast<std::size_t>(slot);
    origins_[place] = std::move(origin);
    if (!certain_[place]) defined_.push_back(place);
    certain_[place] = true;
  }

  Path PathOf(const Expr& expr) const {
    if (expr.op == Op::kName) {
      return expr.slot < 0 ? Path(expr.text) : origins_[static_cast<std::size_t>(expr.slot)];
    }
    if (expr.op != Op::kMember && expr.op != Op::kIndex) return std::nullopt;
    const Path base = PathOf(expr.children[0]);
    if (!base || base->size() > kLongestPath) return std::nullopt;
    if (expr.op == Op::kMember) return MemberOf(*base, expr.text);
    const Expr& place = expr.children[1];
    const bool known = place.op == Op::kLiteral && IsWhole(place.literal) &&
                       !place.literal.NumberText().starts_with('-');
    return StrCat(*base, "[", known ? place.literal.NumberText() : "", "]");
  }

  void Visit(const Expr& expr, bool optional) {
    if (expr.op == Op::kName || expr.op == Op::kMember || expr.op == Op::kIndex) {
      return VisitPath(expr, optional);
    }
    const bool asks = (expr.op == Op::kFilter && expr.filter->takes_missing) ||
                      (expr.op == Op::kTest && expr.test->takes_missing);
    for (std::size_t i = 0; i < expr.children.size(); ++i) {
      const bool sometimes = expr.op == Op::kChoose ? i != 1 : IsLogic(expr.op) && i > 0;
      conditions_ += sometimes ? 1 : 0;
      Visit(expr.children[i], i == 0 && asks);
      conditions_ -= sometimes ? 1 : 0;
    }
    if (expr.op == Op::kFilter) VisitAttribute(expr);
    NoteNeeds(expr);
  }

  static bool IsLogic(Op op) { return op == Op::kAnd || op == Op::kOr; }

  // Only what fails whatever the other operand is.
  void NoteNeeds(const Expr& expr) {
    const std::uint32_t number = KindBit(json::Kind::kNumber);
    const std::uint32_t text = KindBit(json::Kind::kString);
    const bool numeric =
        expr.op == Op::kNegate || (expr.op >= Op::kSubtract && expr.op <= Op::kModulo);
    if (numeric) {
      for (const Expr& operand : expr.children) Need(operand, SignOf(expr.op), number);
    } else if (expr.op == Op::kAdd) {
      NeedAlike(expr, number | text | KindBit(json::Kind::kArray));
    } else if (expr.op >= Op::kLess && expr.op <= Op::kGreaterEqual) {
      NeedAlike(expr, number | text);
    } else if (expr.op == Op::kFilter &&
               (expr.filter->name == "round" || expr.filter->name == "abs")) {
      Need(expr.children[0], StrCat("| ", expr.filter->name), number);
    }
  }

  // Operands of one kind, which a literal among them tells.
  void NeedAlike(const Expr& expr, std::uint32_t kinds) {
    for (std::size_t i = 0; i < 2; ++i) {
      const Expr& other = expr.children[1 - i];
      const std::uint32_t known =
          other.op == Op::kLiteral ? KindBit(other.literal.kind()) & kinds : kinds;
      if (known != 0) Need(expr.children[i], SignOf(expr.op), known);
    }
  }

  void Need(const Expr& operand, std::string_view by, std::uint32_t kinds) {
    const Path path = PathOf(operand);
    if (!path) return;
    const auto read = std::ranges::find(reads_, *path, &VariableRead::path);
    if (read == reads_.end()) return;
    KindNeed need{.by = StrCat("`", by, "`"), .kinds = kinds, .sometimes = conditions_ > 0};
    if (std::ranges::find(read->needs, need) == read->needs.end()) {
      read->needs.push_back(std::move(need));
    }
  }

  void VisitPath(const Expr& expr, bool optional) {
    if (const Path path = PathOf(expr)) Record(*path, expr.offset, optional);
    const Expr* part = &expr;
    while (part->op == Op::kMember || part->op == Op::kIndex) {
      if (part->op == Op::kIndex) Visit(part->children[1], false);
      part = &part->children[0];
    }
    if (part->op != Op::kName) return Visit(*part, optional);
    // A local variable that may not be set leaves its name to the variables.
    const bool local = part->slot >= 0 && !certain_[static_cast<std::size_t>(part->slot)];
    if (local) Record(part->text, part->offset, true);
  }

  // `rows | map(attribute="name")` reads rows[].name.
  void VisitAttribute(const Expr& call) {
    const Path list = PathOf(call.children[0]);
    if (!list) return;
    for (std::size_t i = 1; i < call.children.size(); ++i) {
      const Expr& argument = call.children[i];
      if (call.filter->parameters[i - 1] != "attribute" || argument.op != Op::kLiteral) continue;
      const auto name = argument.literal.AsString();
      if (!name) continue;
      std::string path = StrCat(*list, "[]");
      for (const std::string_view step : Split(*name, '.')) path = MemberOf(path, step);
      const bool asks = i + 1 < call.children.size() &&
                        call.children[i + 1].literal.StringOr("").ends_with("defined");
      Record(path, argument.offset, asks || HasDefault(call));
    }
  }

  static bool HasDefault(const Expr& call) {
    return call.filter->name == "map" && call.children.back().op != Op::kMissing;
  }

  void Record(const std::string& path, std::size_t offset, bool optional) {
    if (optional) optional_.insert(path);
    if (!known_.insert(path).second) return;
    reads_.push_back({.path = path});
    offsets_.push_back(offset);
  }

  // Lines and columns of all reads in one walk through the source.
  void PlaceAll() {
    std::vector<std::size_t> order(reads_.size());
    std::iota(order.begin(), order.end(), std::size_t{0});
    std::ranges::sort(order, {}, [&](std::size_t i) { return offsets_[i]; });
    Source::Place place;
    std::size_t from = 0;
    for (const std::size_t i : order) {
      place = program_.source.At(offsets_[i], from, place);
      from = offsets_[i];
      reads_[i].line = place.line;
      reads_[i].column = place.column;
    }
  }

  // Whether somebody asks for it or for what it is a part of.
  bool IsOptional(std::string_view path) const {
    for (std::size_t end = path.size(); end != path.npos && end > 0;
         end = path.find_last_of(".[", end - 1)) {
      if (optional_.contains(path.substr(0, end))) return true;
    }
    return false;
  }

  const Program& program_;
  std::vector<Path> origins_;         // of the slots
  std::vector<bool> certain_;         // of the slots: set wherever we are
  std::vector<std::size_t> defined_;  // the certain ones, in the order in which they became so
  std::set<std::string, std::less<>> known_;
  std::set<std::string, std::less<>> optional_;
  std::vector<VariableRead> reads_;
  std::vector<std::size_t> offsets_;  // of the reads
  int conditions_ = 0;                // around where we are
};

}  // namespace

std::vector<VariableRead> FindReads(const Program& program) { return Finder(program).Find(); }

}  // namespace weir::text::tmpl
