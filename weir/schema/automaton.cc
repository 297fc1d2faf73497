#include "weir/schema/automaton.h"

#include <utility>

#include "weir/base/text.h"
#include "weir/schema/automaton_machine.h"
#include "weir/schema/automaton_network.h"
#include "weir/schema/grammar.h"

namespace weir::schema {

Matcher::Matcher(std::shared_ptr<const internal::Machine> machine, internal::PlacePtr place)
    : machine_(std::move(machine)), place_(std::move(place)) {}

bool Matcher::Advance(std::string_view bytes) {
  if (place_ == nullptr) return false;
  place_ = machine_->Advance(place_, bytes, gave_up_);
  return place_ != nullptr;
}

bool Matcher::Accepts(std::string_view bytes) const {
  bool gave_up = false;
  return place_ != nullptr && machine_->Advance(place_, bytes, gave_up) != nullptr;
}

ByteSet Matcher::Next() const { return place_ == nullptr ? ByteSet() : machine_->Next(*place_); }

bool Matcher::Complete() const { return place_ != nullptr && place_->complete; }

bool Matcher::CanEndOnly() const { return Complete() && Next().none(); }

bool Matcher::Alike(const Matcher& other) const {
  if (place_ == nullptr || other.place_ == nullptr || machine_ != other.machine_) return false;
  return place_ == other.place_ || machine_->Alike(*place_, *other.place_);
}

Language::Language(std::shared_ptr<const internal::Machine> machine)
    : machine_(std::move(machine)) {}

Matcher Language::Begin() const { return {machine_, machine_->Start()}; }

bool Language::Contains(std::string_view text) const {
  Matcher matcher = Begin();
  return matcher.Advance(text) && matcher.Complete();
}

bool Language::empty() const { return machine_->Start() == nullptr; }

bool Language::regular() const { return machine_->regular(); }

Result<Language> LanguageOfGrammar(const Grammar& grammar, const LanguageOptions& options) {
  internal::Network network;
  if (!internal::BuildNetwork(grammar, options, network)) {
    return Fail(Code::kInvalidGrammar,
                StrCat("the grammar needs more than ", options.max_states,
                       " states once its repetitions are written out; ask for fewer, or raise "
                       "max_states"));
  }
  const bool regular = !network.has_calls;
  return Language(regular ? internal::NewFiniteMachine(std::move(network), options)
                          : internal::NewStackMachine(std::move(network), options));
}

Result<Language> LanguageOfRegex(const Regex& regex, const LanguageOptions& options) {
  Grammar grammar;
  grammar.body = regex;
  grammar.rules.push_back({.name = "expression", .root = regex.root});
  Result<Language> language = LanguageOfGrammar(grammar, options);
  if (!language) {
    return Fail(Code::kUnsupportedPattern,
                StrCat("the expression needs more than ", options.max_states,
                       " states once its repetitions are written out; ask for fewer, or raise "
                       "max_states"));
  }
  return language;
}

}  // namespace weir::schema
