#include "weir/schema/structs.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <tuple>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/pointer.h"
#include "weir/json/reader.h"
#include "weir/schema/schema.h"
#include "weir/schema/schema_words.h"

namespace weir::schema::internal {
namespace {

constexpr std::size_t kDeepest = 1024;         // values inside each other that are read
constexpr std::size_t kMaxWasted = 1'000'000;  // values read for alternatives that did not fit
constexpr std::string_view kTopLevel = "at the top level: ";

const json::Value kNullValue;

std::string PointerOf(const Place& place) {
  std::vector<const Place*> chain;
  for (const Place* at = &place; at->outer != nullptr; at = at->outer) chain.push_back(at);
  std::string pointer;
  for (auto at = chain.rbegin(); at != chain.rend(); ++at) {
    if ((*at)->is_index) {
      json::AppendToken(pointer, (*at)->index);
    } else {
      json::AppendToken(pointer, (*at)->key);
    }
  }
  return pointer;
}

bool Is(const FieldNote& note, std::string_view key) {
  return key == note.name || std::ranges::find(note.aliases, key) != note.aliases.end();
}

json::View Find(json::View object, const FieldNote& note) {
  if (const json::View found = object.Find(note.name); found.exists()) return found;
  for (const std::string& alias : note.aliases) {
    if (const json::View found = object.Find(alias); found.exists()) return found;
  }
  return {};
}

std::string DidYouMean(std::string_view word, std::span<const std::string> candidates) {
  const std::optional<std::string> nearest = Nearest(word, candidates);
  return nearest ? StrCat("; did you mean \"", *nearest, "\"?") : "";
}

Result<Schema> CompileCheck(const FieldNote& note) {
  json::Builder schema;
  schema.BeginObject();
  for (const auto& [keyword, value] : note.keywords) {
    schema.Key(keyword);
    schema.Copy(value);
  }
  schema.EndObject();
  return Schema::Compile(std::move(schema).Finish());
}

// "ns::Person" of "... [T = ns::Person]", which is how both compilers end it, as a name for
// "$defs": the last part, and only letters, digits and underscores.
std::string ShortName(std::string_view full) {
  constexpr std::string_view kBefore = "T = ";
  if (const std::size_t at = full.find(kBefore); at != full.npos) {
    full.remove_prefix(at + kBefore.size());
  }
  full = full.substr(0, full.find_first_of(";]"));
  const std::string_view outer = full.substr(0, full.find('<'));
  if (const std::size_t at = outer.rfind("::"); at != outer.npos) full.remove_prefix(at + 2);
  std::string name;
  for (const char c : full) {
    const bool plain = (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
    if (plain || (!name.empty() && name.back() != '_')) name += plain ? c : '_';
  }
  while (name.ends_with('_')) name.pop_back();
  return name.empty() ? "Type" : name;
}

}  // namespace

const json::Value* FieldNote::Find(std::string_view keyword) const {
  for (const auto& [name_of_keyword, value] : keywords) {
    if (name_of_keyword == keyword) return &value;
  }
  return nullptr;
}

void StructType::CompileChecks() {
  for (MemberType& member : members) {
    if (member.note.keywords.empty()) continue;
    if (Result<Schema> check = CompileCheck(member.note)) {
      member.note.check = std::make_shared<const Schema>(*std::move(check));
    }
  }
}

// Output

Output::Output() : builder_(std::make_unique<json::Builder>()) {}
Output::~Output() = default;
void Output::Null() { builder_->Null(); }
void Output::Bool(bool value) { builder_->Bool(value); }
void Output::Int(std::int64_t value) { builder_->Int(value); }
void Output::Uint(std::uint64_t value) { builder_->Uint(value); }
void Output::Double(double value) { builder_->Double(value); }
void Output::String(std::string_view text) { builder_->String(text); }
void Output::Key(std::string_view key) { builder_->Key(key); }
void Output::BeginArray() { builder_->BeginArray(); }
void Output::EndArray() { builder_->EndArray(); }
void Output::BeginObject() { builder_->BeginObject(); }
void Output::EndObject() { builder_->EndObject(); }
void Output::Copy(json::View value) { builder_->Copy(value); }
json::Value Output::Finish() && { return std::move(*builder_).Finish(); }

// Reader

bool Reader::Refuse(const Place& place, std::string_view sentence) {
  const std::string pointer = PointerOf(place);
  sentence_ = sentence;
  depth_ = place.depth;
  error_ = Error();
  error_.code = Code::kSchemaMismatch;
  error_.message =
      pointer.empty() ? StrCat(kTopLevel, sentence) : StrCat("at ", pointer, ": ", sentence);
  return false;
}

bool Reader::Expected(json::View value, const Place& place, std::string_view what) {
  return Refuse(place, StrCat("expected ", what, ", got ", Show(value)));
}

bool Reader::Exhausted(const Place& place) {
  return Refuse(place, "too many combinations of alternatives; the document is not read further");
}

bool Reader::Enter(const Place& place) {
  if (place.depth > kDeepest) {
    return Refuse(place, StrCat("more than ", kDeepest, " values are inside each other"));
  }
  ++steps_;
  if (wasted_ > kMaxWasted) return Exhausted(place);
  return true;
}

bool Reader::ReadBool(json::View value, const Place& place, bool& out) {
  const std::optional<bool> read = value.AsBool();
  if (!read) return Expected(value, place, "true or false");
  out = *read;
  return true;
}

bool Reader::ReadInt(json::View value, const Place& place, std::int64_t low, std::int64_t high,
                     std::int64_t& out) {
  const std::optional<std::int64_t> read = value.AsInt64();
  if (!read || *read < low || *read > high) {
    return Expected(value, place, StrCat("an integer from ", low, " to ", high));
  }
  out = *read;
  return true;
}

bool Reader::ReadUint(json::View value, const Place& place, std::uint64_t high,
                      std::uint64_t& out) {
  const std::optional<std::uint64_t> read = value.AsUint64();
  if (!read || *read > high) return Expected(value, place, StrCat("an integer from 0 to ", high));
  out = *read;
  return true;
}

bool Reader::ReadDouble(json::View value, const Place& place, double most, double& out) {
  const std::optional<double> read = value.AsDouble();
  if (!value.IsNumber()) return Expected(value, place, "a number");
  if (!read || std::abs(*read) > most) {
    return Expected(value, place, StrCat("a number from ", -most, " to ", most));
  }
  out = *read;
  return true;
}

bool Reader::ReadString(json::View value, const Place& place, std::string& out) {
  const std::optional<std::string_view> read = value.AsString();
  if (!read) return Expected(value, place, "a string");
  out = *read;
  return true;
}

bool Reader::ReadEnum(json::View value, const Place& place, const EnumType& type,
                      std::int64_t& out) {
  const std::optional<std::string_view> word = value.AsString();
  std::vector<std::string> names;
  for (const EnumNote& note : type.enumerators) {
    if (word &&
        (*word == note.name || std::ranges::find(note.aliases, *word) != note.aliases.end())) {
      out = note.value;
      return true;
    }
    names.push_back(note.name);
  }
  const std::string mean = word ? DidYouMean(*word, names) : "";
  for (std::string& name : names) name = StrCat("\"", name, "\"");
  return Refuse(place, StrCat("expected one of ", JoinOr(names), ", got ", Show(value), mean));
}

bool Reader::ExpectNull(json::View value, const Place& place) {
  return value.IsNull() || Expected(value, place, "null");
}

bool Reader::ExpectArray(json::View value, const Place& place, std::optional<std::size_t> size) {
  if (!value.IsArray()) return Expected(value, place, "an array");
  if (size && value.size() != *size) {
    return Refuse(place, StrCat("expected ", CountOf(*size, "item", "items"), ", got ",
                                CountOf(value.size(), "item", "items")));
  }
  return Enter(place);
}

bool Reader::ExpectObject(json::View value, const Place& place) {
  return value.IsObject() ? Enter(place) : Expected(value, place, "an object");
}

bool Reader::KeepsNote(json::View value, const Place& place, const FieldNote& note) {
  if (note.keywords.empty() || value.IsNull()) return true;
  if (note.check == nullptr) {
    const Result<Schema> check = CompileCheck(note);
    Refuse(place, StrCat("the note on this member is wrong: ", check.error().message));
    error_.code = check.error().code;
    return false;
  }
  if (note.check->Accepts(value)) return true;
  const std::vector<Violation> violations = note.check->Check(value, {.max_violations = 1});
  std::string_view sentence = violations.front().message;
  if (sentence.starts_with(kTopLevel)) sentence.remove_prefix(kTopLevel.size());
  return Refuse(place, sentence);
}

bool Reader::ReadStruct(json::View value, const Place& place, const StructType& type, void* out) {
  if (!ExpectObject(value, place)) return false;
  for (const json::Member member : value.members()) {
    const auto is_it = [&](const MemberType& of_type) { return Is(of_type.note, member.key); };
    if (std::ranges::any_of(type.members, is_it)) continue;
    std::vector<std::string> names;
    names.reserve(type.members.size());
    for (const MemberType& known : type.members) names.push_back(known.note.name);
    return Refuse(place, StrCat("there is no property \"", Truncate(member.key, 80), "\"",
                                DidYouMean(member.key, names)));
  }
  for (const MemberType& member : type.members) {
    json::View found = Find(value, member.note);
    const bool given = found.exists();
    if (!given && member.note.default_value) found = *member.note.default_value;
    if (!found.exists() && member.optional) found = kNullValue;
    if (!found.exists()) {
      return Refuse(place, StrCat("the property \"", member.note.name, "\" is missing"));
    }
    const Place inside = place.Member(member.note.name);
    if (!member.read(*this, found, inside, out)) return false;
    if (given && !KeepsNote(found, inside, member.note)) return false;
  }
  return true;
}

bool Reader::ReadAlternatives(const Place& place, std::size_t count,
                              bool (*read_alternative)(void* context, std::size_t index),
                              void* context) {
  if (!Enter(place)) return false;
  std::string sentences;
  Error deepest;
  std::size_t depth = place.depth;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t steps_before = steps_;
    if (read_alternative(context, i)) return true;
    wasted_ += steps_ - steps_before;
    if (depth_ > depth) {
      depth = depth_;
      deepest = error_;
    }
    StrAppend(sentences, i == 0 ? "" : "; ", sentence_);
  }
  if (wasted_ > kMaxWasted) return Exhausted(place);
  // What went wrong further inside belongs to the alternative that was meant.
  if (depth > place.depth) {
    error_ = std::move(deepest);
    depth_ = depth;
    return false;
  }
  return Refuse(place,
                StrCat("none of the ", count, " alternatives fits: ", Truncate(sentences, 400)));
}

// SchemaWriter

void SchemaWriter::Type(std::string_view type, const Shape& shape) {
  Key("type");
  if (!shape.nullable) return String(type);
  BeginArray();
  String(type);
  String("null");
  EndArray();
}

void SchemaWriter::Bounds(const Shape& shape) {
  if (shape.note == nullptr) return;
  for (const auto& [keyword, value] : shape.note->keywords) {
    Key(keyword);
    Copy(value);
  }
}

void SchemaWriter::Range(const Shape& shape, std::int64_t low, std::uint64_t high) {
  const auto noted = [&](std::string_view keyword) {
    return shape.note != nullptr && shape.note->Find(keyword) != nullptr;
  };
  if (!noted("minimum")) {
    Key("minimum");
    Int(low);
  }
  if (!noted("maximum")) {
    Key("maximum");
    Uint(high);
  }
  Bounds(shape);
}

void SchemaWriter::Nested(std::string_view key, KeywordsFunction keywords) {
  at_root_ = false;
  Key(key);
  BeginObject();
  keywords(*this, {});
  EndObject();
}

void SchemaWriter::AnyOf(const Shape& shape, const KeywordsFunction* alternatives,
                         std::size_t count) {
  at_root_ = false;
  Key("anyOf");
  BeginArray();
  for (std::size_t i = 0; i < count; ++i) {
    BeginObject();
    alternatives[i](*this, {});
    EndObject();
  }
  if (shape.nullable) {
    BeginObject();
    Type("null", {});
    EndObject();
  }
  EndArray();
}

void SchemaWriter::Enum(const EnumType& type, const Shape& shape) {
  Type("string", shape);
  Key("enum");
  BeginArray();
  for (const EnumNote& note : type.enumerators) String(note.name);
  if (shape.nullable) Null();
  EndArray();
}

SchemaWriter::Met* SchemaWriter::Find(const StructType& type) {
  const auto found = std::ranges::find(met_, &type, &Met::type);
  return found == met_.end() ? nullptr : &*found;
}

bool SchemaWriter::IsShared(const StructType& type) const {
  const auto found = std::ranges::find(survey_->met_, &type, &Met::type);
  return found != survey_->met_.end() && found->count > 1;
}

void SchemaWriter::Struct(const StructType& type, const Shape& shape) {
  const bool is_root = at_root_ && !shape.nullable;
  at_root_ = false;
  if (is_root) root_ = &type;
  if (survey_ == nullptr) {
    if (Met* met = Find(type)) {
      ++met->count;
      return;
    }
    met_.push_back({.type = &type, .name = {}, .count = 1});
    return Members(type, shape);
  }
  if (is_root || (&type != root_ && !IsShared(type))) return Members(type, shape);
  if (!shape.nullable) return Reference(type);
  Key("anyOf");
  BeginArray();
  BeginObject();
  Reference(type);
  EndObject();
  BeginObject();
  Type("null", {});
  EndObject();
  EndArray();
}

void SchemaWriter::Reference(const StructType& type) {
  Key("$ref");
  if (&type == root_) return String("#");
  const Met* met = Find(type);
  if (met == nullptr) {
    const std::string base = ShortName(type.full_name);
    std::string name = base;
    for (int i = 2; std::ranges::find(met_, name, &Met::name) != met_.end(); ++i) {
      name = StrCat(base, "_", i);
    }
    met = &met_.emplace_back(Met{.type = &type, .name = std::move(name), .count = 1});
  }
  String(StrCat("#/$defs/", met->name));
}

void SchemaWriter::Members(const StructType& type, const Shape& shape) {
  if (!type.text.empty() && (shape.note == nullptr || shape.note->text.empty())) {
    Key("description");
    String(type.text);
  }
  Type("object", shape);
  Key("properties");
  BeginObject();
  for (const MemberType& member : type.members) {
    Key(member.note.name);
    BeginObject();
    if (!member.note.text.empty()) {
      Key("description");
      String(member.note.text);
    }
    member.keywords(*this, {.nullable = false, .note = &member.note});
    if (member.note.default_value) {
      Key("default");
      Copy(*member.note.default_value);
    }
    EndObject();
  }
  EndObject();
  Key("required");
  BeginArray();
  for (const MemberType& member : type.members) {
    if (!member.optional && !member.note.default_value) String(member.note.name);
  }
  EndArray();
  Key("additionalProperties");
  Bool(false);
}

json::Value SchemaWriter::Document(KeywordsFunction root) {
  BeginObject();
  root(*this, {});
  if (survey_ != nullptr && !met_.empty()) {
    Key("$defs");
    BeginObject();
    // A definition may lead to further ones.
    for (std::size_t i = 0; i < met_.size(); ++i) {
      Key(met_[i].name);
      BeginObject();
      Members(*met_[i].type, {});
      EndObject();
    }
    EndObject();
  }
  EndObject();
  return std::move(*this).Finish();
}

json::Value SchemaOf(KeywordsFunction root) {
  SchemaWriter survey(nullptr);
  std::ignore = survey.Document(root);
  return SchemaWriter(&survey).Document(root);
}

Result<json::Value> ParseText(std::string_view text) { return json::Read(text); }

// Writing

void WriteStruct(const StructType& type, const void* object, Output& out) {
  out.BeginObject();
  for (const MemberType& member : type.members) {
    if (!member.note.default_value && member.is_empty(object)) continue;
    out.Key(member.note.name);
    member.write(object, out);
  }
  out.EndObject();
}

void WriteEnum(const EnumType& type, std::int64_t value, Output& out) {
  const auto found = std::ranges::find(type.enumerators, value, &EnumNote::value);
  if (found == type.enumerators.end()) return out.Null();
  out.String(found->name);
}

}  // namespace weir::schema::internal
