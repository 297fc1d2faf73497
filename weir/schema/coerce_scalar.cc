#include <string>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/lenient.h"
#include "weir/json/writer.h"
#include "weir/schema/coerce_bender.h"
#include "weir/schema/coerce_text.h"
#include "weir/schema/schema_words.h"

// What a text, a number or a boolean can become.

namespace weir::schema {
namespace {

json::Value NumberValue(std::string_view text) {
  json::Builder builder;
  builder.Number(text);
  return std::move(builder).Finish();
}

bool NamesNothing(std::string_view text) {
  return text.empty() || EqualsIgnoreCase(text, "null") || EqualsIgnoreCase(text, "none");
}

}  // namespace

const Piece* Bender::Convert(const NodeSet& set, json::View from, json::Value to, ChangeKind kind) {
  const json::View kept = kept_.emplace_back(std::move(to));
  if (!AcceptsAll(set, kept)) return nullptr;
  return Noted(Same(kept), kind, StrCat(Show(from), " became ", Show(kept)));
}

void Bender::FromText(const NodeSet& set, json::View value, Ways& ways) {
  const std::string_view text = *value.AsString();
  const std::string_view trimmed = Trim(text);
  const std::string_view plain = Unquote(text);
  if ((set.types & kString) != 0) {
    const json::Value shorter = json::Value::Of(trimmed);
    if (trimmed != text) Add(ways, Convert(set, value, shorter, ChangeKind::kTextTrimmed));
    if (plain == trimmed) return;
    Add(ways, Convert(set, value, json::Value::Of(plain), ChangeKind::kTextUnquoted));
    return;
  }
  if ((set.types & (kInteger | kFraction)) != 0) NumberOf(set, value, ways);
  if ((set.types & kBoolean) != 0) {
    if (const auto word = BoolFromText(text)) {
      Add(ways, Convert(set, value, json::Value::Of(*word), ChangeKind::kBoolFromText));
    } else if (text.size() <= options_.max_prose_bytes) {
      const auto prose = BoolFromProse(text);
      if (prose)
        Add(ways, Convert(set, value, json::Value::Of(*prose), ChangeKind::kBoolFromProse));
    }
  }
  if ((set.types & kNull) != 0 && NamesNothing(plain)) {
    Add(ways, Convert(set, value, json::Value(), ChangeKind::kNullFromText));
  }
}

void Bender::NumberOf(const NodeSet& set, json::View value, Ways& ways) {
  const std::string_view text = *value.AsString();
  auto number = NumberFromText(text);
  const bool quoted = !number;
  if (quoted) number = NumberFromText(Unquote(text));
  if (!number) return;
  if ((set.types & kFraction) == 0) number->text = WithoutZeroFraction(std::move(number->text));
  const ChangeKind kind =
      number->grouped ? ChangeKind::kNumberFromGrouped : ChangeKind::kNumberFromText;
  const Piece* piece = Convert(set, value, NumberValue(number->text), kind);
  if (piece != nullptr && quoted) {
    piece = Noted(piece, ChangeKind::kTextUnquoted,
                  StrCat("the marks around ", Show(value), " were dropped"));
  }
  Add(ways, piece);
}

void Bender::TextOf(const NodeSet& set, json::View value, Mode mode, Ways& ways) {
  if ((set.types & kString) == 0 || value.IsNull()) return;
  const bool document = value.IsArray() || value.IsObject();
  // An array as a text inside a wrapper is nothing that anybody meant.
  if (document && (mode == kWrappedOnce || !Spend(1 + value.size()))) return;
  const ChangeKind kind = document ? ChangeKind::kTextFromDocument : ChangeKind::kTextFromScalar;
  Add(ways, Convert(set, value, json::Value::Of(json::Write(value)), kind));
}

void Bender::DocumentIn(const NodeSet& set, json::View value, Ways& ways) {
  if ((set.types & (kArray | kObject)) == 0 || (set.types & kString) != 0) return;
  const std::string_view text = *value.AsString();
  if (text.find_first_of("[{") == text.npos) return;
  const auto [place, fresh] = documents_.try_emplace(IdentityOf(value));
  if (fresh) {
    json::LenientOptions options;
    options.max_depth = options_.max_depth;
    auto mended = json::ReadLenient(text, options);
    const bool whole = mended && mended->report.complete;
    if (whole && (mended->value.IsArray() || mended->value.IsObject())) {
      place->second = kept_.emplace_back(std::move(mended->value));
    }
  }
  const json::View document = place->second;
  if (!document.exists()) return;
  const char last = Trim(text).back();
  const char first = Trim(text).front();
  const bool bare = (first == '{' && last == '}') || (first == '[' && last == ']');
  ways.push_back(Noted(Bend(set, document, kFresh),
                       bare ? ChangeKind::kDocumentFromText : ChangeKind::kDocumentFromProse,
                       StrCat(Show(value), " was read as the document in it")));
}

}  // namespace weir::schema
