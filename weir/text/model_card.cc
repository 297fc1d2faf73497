#include "weir/text/model_card.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/fields.h"
#include "weir/json/pointer.h"
#include "weir/json/reader.h"
#include "weir/json/yaml.h"
#include "weir/text/model_cards_json.h"

namespace weir::text {
namespace {

bool IsAlnum(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

std::string Normal(std::string_view name) {
  std::string out = ToLower(name);
  for (char& c : out) {
    if (c == '_' || c == ' ' || c == ':') c = '-';
  }
  return out;
}

// Whether the pattern stands at the beginning of `name`. '*' is tried from the shortest stretch up;
// patterns have one or two, and names are short.
bool Fits(std::string_view pattern, std::string_view name, char before) {
  while (!pattern.empty()) {
    const char c = pattern[0];
    if (c == '*') {
      for (std::size_t skip = 0; skip <= name.size(); ++skip) {
        const char last = skip == 0 ? before : name[skip - 1];
        if (Fits(pattern.substr(1), name.substr(skip), last)) return true;
      }
      return false;
    }
    pattern.remove_prefix(1);
    if (!name.empty() && name[0] == c) {
      before = c;
      name.remove_prefix(1);
    } else if (c != '-') {
      return false;
    }
  }
  return name.empty() || !IsDigit(before) || !IsDigit(name[0]);
}

bool Matches(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return true;
  for (std::size_t at = 0; at < name.size(); ++at) {
    if (at > 0 && IsAlnum(name[at - 1])) continue;
    if (Fits(pattern, name.substr(at), '-')) return true;
  }
  return false;
}

std::int64_t Weight(std::string_view pattern) {
  return std::ranges::count_if(pattern, [](char c) { return c != '*' && c != '-'; });
}

std::vector<std::string> FamilyNames() {
  std::vector<std::string> names;
  for (const Family& family : Families()) {
    names.push_back(family.name);
    names.insert(names.end(), family.aliases.begin(), family.aliases.end());
  }
  return names;
}

Result<ModelCard> ReadCard(const json::YamlDocument& document, const std::string& pointer) {
  json::Fields fields(document, pointer);
  ModelCard card;
  fields.Take("pattern", card.pattern);
  fields.Take("family", card.family);
  fields.Take("context", card.context);
  fields.Take("max_output", card.max_output);
  fields.Take("prompt", card.prompt_format);
  fields.Take("vision", card.vision);
  fields.Take("opens_thoughts", card.opens_thoughts);
  auto tools = static_cast<std::size_t>(card.tool_mode);
  fields.TakeWord("tools", tools, {"native", "guided", "prompted", "none"});
  auto reasoning = static_cast<std::size_t>(card.reasoning);
  fields.TakeWord("reasoning", reasoning,
                  {"none", "always", "enable_thinking", "thinking", "effort", "system_prompt"});
  WEIR_CHECK(fields.Finish());
  card.tool_mode = static_cast<ToolMode>(tools);
  card.reasoning = static_cast<ReasoningSwitch>(reasoning);
  if (FindFamily(card.family) == nullptr) {
    std::string what = StrCat("there is no family \"", card.family, "\"");
    const std::optional<std::string> near = Nearest(card.family, FamilyNames());
    if (near) StrAppend(what, "; did you mean \"", *near, "\"?");
    return Fail(fields.ErrorAt("family", what));
  }
  card.pattern = Normal(card.pattern);
  if (Trim(card.pattern).empty()) {
    return Fail(fields.ErrorAt("pattern", "a card needs a part of the model's name"));
  }
  if (std::ranges::count(card.pattern, '*') > 2) {
    return Fail(fields.ErrorAt("pattern", "more than two * in one pattern"));
  }
  for (const char* key : {"context", "max_output"}) {
    if ((key[0] == 'c' ? card.context : card.max_output) < 0) {
      return Fail(fields.ErrorAt(key, "a number of tokens is not negative"));
    }
  }
  return card;
}

Result<std::vector<ModelCard>> ReadCards(const json::YamlDocument& document) {
  json::Fields fields(document, "");
  const std::string list = fields.Inside("cards");
  const json::View cards = fields.Get("cards");
  WEIR_CHECK(fields.Finish());
  if (cards.exists() && !cards.IsArray()) {
    return Fail(fields.ErrorAt("cards", "expected a list of cards"));
  }
  std::vector<ModelCard> out;
  out.reserve(cards.size());
  for (std::size_t i = 0; i < cards.size(); ++i) {
    WEIR_TRY(ModelCard card, ReadCard(document, StrCat(list, "/", i)));
    out.push_back(std::move(card));
  }
  return out;
}

std::vector<ModelCard> ReadBuiltIn() {
  Result<json::Value> json = json::Read(kModelCardsJson);
  if (!json) return {};
  Result<std::vector<ModelCard>> cards =
      ReadCards(json::YamlDocument(*std::move(json), "model_cards.yaml", {}));
  return cards ? *std::move(cards) : std::vector<ModelCard>();
}

const ModelCard* Best(std::string_view name, std::span<const ModelCard> own) {
  const ModelCard* best = nullptr;
  for (const std::span<const ModelCard> cards : {own, BuiltInCards()}) {
    for (const ModelCard& card : cards) {
      if (best != nullptr && Weight(card.pattern) <= Weight(best->pattern)) continue;
      if (Matches(card.pattern, name)) best = &card;
    }
  }
  return best;
}

}  // namespace

std::span<const ModelCard> BuiltInCards() {
  static const std::vector<ModelCard> kCards = ReadBuiltIn();
  return kCards;
}

ModelCard FindCard(std::string_view model_name, std::span<const ModelCard> own) {
  const std::string path = Normal(model_name);
  const std::size_t slash = path.find_last_of('/');
  const ModelCard* best = nullptr;
  if (slash != std::string::npos) best = Best(std::string_view(path).substr(slash + 1), own);
  if (best == nullptr) best = Best(path, own);
  return best == nullptr ? ModelCard() : *best;
}

const Family& FamilyOf(const ModelCard& card) {
  const Family* family = FindFamily(card.family);
  return family == nullptr ? Families().front() : *family;
}

Result<std::vector<ModelCard>> CardsFromYaml(std::string_view text, std::string_view file_name) {
  WEIR_TRY(const json::YamlDocument document, json::ReadYaml(text, file_name));
  return ReadCards(document);
}

}  // namespace weir::text
