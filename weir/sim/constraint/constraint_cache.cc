#include <list>
#include <mutex>
#include <unordered_map>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/sim/constraint.h"

namespace weir::sim {
namespace {

// A structural tag is kept in so many variants; every other kind does not look at the seed.
constexpr std::uint64_t kVariants = 16;

std::uint64_t VariantOf(const model::Constraint& constraint, std::uint64_t seed) {
  return constraint.kind == model::Constraint::Kind::kStructuralTag ? seed % kVariants : 0;
}

// The order of members counts: declared properties are written in it.
std::string KeyOf(const model::Constraint& constraint, std::uint64_t variant, JsonSpacing spacing) {
  std::string key =
      StrCat(static_cast<int>(constraint.kind), " ", static_cast<int>(spacing), " ", variant, " ");
  json::Writer out(key);
  out.BeginArray();
  out.Value(constraint.schema);
  out.String(constraint.text);
  for (const std::string& choice : constraint.choices) out.String(choice);
  out.EndArray();
  return key;
}

}  // namespace

struct ConstraintCache::State {
  using Compiled = std::shared_ptr<const CompiledConstraint>;
  using Entry = std::pair<std::string, Compiled>;

  explicit State(std::size_t entries) : max_entries(entries) {}

  Compiled Find(const std::string& key) {
    const std::lock_guard lock(mutex);
    const auto found = by_key.find(key);
    if (found == by_key.end()) return nullptr;
    entries.splice(entries.begin(), entries, found->second);
    return entries.front().second;
  }

  void Keep(std::string key, const Compiled& compiled) {
    const std::lock_guard lock(mutex);
    if (by_key.contains(key)) return;
    entries.emplace_front(std::move(key), compiled);
    by_key.emplace(entries.front().first, entries.begin());
    while (entries.size() > max_entries) {
      by_key.erase(entries.back().first);
      entries.pop_back();
    }
  }

  const std::size_t max_entries;
  std::mutex mutex;
  // Guarded by mutex. The one used last is in front; the keys are texts of entries.
  std::list<Entry> entries;
  std::unordered_map<std::string_view, std::list<Entry>::iterator> by_key;
};

ConstraintCache::ConstraintCache(std::size_t entries) : state_(std::make_unique<State>(entries)) {}

ConstraintCache::~ConstraintCache() = default;

Result<std::shared_ptr<const CompiledConstraint>> ConstraintCache::Get(
    const model::Constraint& constraint, std::uint64_t seed, JsonSpacing spacing) {
  const std::uint64_t variant = VariantOf(constraint, seed);
  std::string key = KeyOf(constraint, variant, spacing);
  if (State::Compiled found = state_->Find(key)) return found;
  // Compiled outside of the lock; two threads may do the same work once.
  WEIR_TRY(CompiledConstraint made, CompileConstraint(constraint, variant, spacing));
  auto compiled = std::make_shared<const CompiledConstraint>(std::move(made));
  state_->Keep(std::move(key), compiled);
  return compiled;
}

}  // namespace weir::sim
