#pragma once

// What a program says about its types beyond their members: see structs.h.

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "weir/json/value.h"

namespace weir {

// Specialise it for a described struct with
//   static void Describe(weir::schema::Fields<T>& f);
// or for a described enum with
//   static void Describe(weir::schema::Enumerators<T>& e);
template <class T>
struct Notes {};

namespace schema {

class Schema;

namespace internal {

// All that was said about one member.
struct FieldNote {
  std::string name;  // in JSON
  std::vector<std::string> aliases;
  std::string text;
  std::vector<std::pair<std::string_view, json::Value>> keywords;
  std::optional<json::Value> default_value;
  std::shared_ptr<const Schema> check;  // of the keywords; shared by copies of the note

  const json::Value* Find(std::string_view keyword) const;
};

struct EnumNote {
  std::int64_t value = 0;
  std::string name;
  std::vector<std::string> aliases;
};

template <class M>
struct InsideOf {
  using Type = M;
};
template <class M>
struct InsideOf<std::optional<M>> : InsideOf<M> {};
template <class M>
struct InsideOf<std::unique_ptr<M>> : InsideOf<M> {};
template <class M>
struct InsideOf<std::shared_ptr<M>> : InsideOf<M> {};

template <class M>
concept IsNumber = std::is_arithmetic_v<M> && !std::same_as<M, bool>;
template <class M>
concept IsText = std::same_as<M, std::string>;
template <class M>
concept IsMap = requires { typename M::mapped_type; };
template <class M>
concept IsList = !IsText<M> && !IsMap<M> && requires(M m) { m.push_back(m.front()); };

template <class M>
json::Value ValueOf(const M& value);  // structs_codec.h

}  // namespace internal

// One member, of type M. Every function returns the same handle, so that they can be chained.
template <class M>
class Field {
  using Inside = typename internal::InsideOf<M>::Type;  // without optional and pointers
  using Bound = typename std::conditional_t<internal::IsNumber<Inside>, std::type_identity<Inside>,
                                            std::type_identity<std::size_t>>::type;
  static constexpr bool kHasBounds = internal::IsNumber<Inside> || internal::IsText<Inside> ||
                                     internal::IsList<Inside> || internal::IsMap<Inside>;

 public:
  Field(internal::FieldNote& note, json::Value initial)
      : note_(note), initial_(std::move(initial)) {}

  // The name in JSON, where the one in C++ is not possible or not wanted.
  Field& Name(std::string_view name) {
    note_.name = name;
    return *this;
  }
  // A further name that Read() takes, though the schema does not promise it.
  Field& Alias(std::string_view name) {
    note_.aliases.emplace_back(name);
    return *this;
  }
  // The "description", which models read.
  Field& Text(std::string_view text) {
    note_.text = text;
    return *this;
  }
  // Bounds of a number, of the characters of a string, of the items of a list or map.
  Field& Min(Bound bound)
    requires kHasBounds
  {
    return Keyword(internal::IsNumber<Inside> ? "minimum"
                   : internal::IsText<Inside> ? "minLength"
                   : internal::IsMap<Inside>  ? "minProperties"
                                              : "minItems",
                   json::Value::Of(bound));
  }
  Field& Max(Bound bound)
    requires kHasBounds
  {
    return Keyword(internal::IsNumber<Inside> ? "maximum"
                   : internal::IsText<Inside> ? "maxLength"
                   : internal::IsMap<Inside>  ? "maxProperties"
                                              : "maxItems",
                   json::Value::Of(bound));
  }
  // A regular expression (ECMA-262, not anchored) that a string must match.
  Field& Pattern(std::string_view pattern)
    requires internal::IsText<Inside>
  {
    return Keyword("pattern", json::Value::Of(pattern));
  }
  // "date", "email", "uuid", ...: for the schema only; Read() does not check it.
  Field& Format(std::string_view format)
    requires internal::IsText<Inside>
  {
    return Keyword("format", json::Value::Of(format));
  }
  // May be absent; it then is what a new T has, or the value given here.
  Field& Default() {
    note_.default_value = initial_;
    return *this;
  }
  Field& Default(const M& value) {
    note_.default_value = internal::ValueOf(value);
    return *this;
  }

 private:
  Field& Keyword(std::string_view keyword, json::Value value) {
    note_.keywords.emplace_back(keyword, std::move(value));
    return *this;
  }

  internal::FieldNote& note_;
  json::Value initial_;
};

// The members of T.
template <class T>
class Fields {
 public:
  // One note for each described member, in their order.
  Fields(std::string& text, std::vector<internal::FieldNote*> notes)
      : text_(text), notes_(std::move(notes)) {}

  // The "description" of T itself.
  Fields& Text(std::string_view text) {
    text_ = text;
    return *this;
  }

  // A note on one member: f(&Person::age).
  template <class M, class C>
  Field<M> operator()(M C::* member);

 private:
  std::string& text_;
  std::vector<internal::FieldNote*> notes_;
  internal::FieldNote unknown_;  // of a member that is not described: it has no place in JSON
};

class Enumerator {
 public:
  explicit Enumerator(internal::EnumNote& note) : note_(note) {}

  Enumerator& Name(std::string_view name) {
    note_.name = name;
    return *this;
  }
  // A further word that Read() takes.
  Enumerator& Alias(std::string_view name) {
    note_.aliases.emplace_back(name);
    return *this;
  }

 private:
  internal::EnumNote& note_;
};

// The enumerators of E: e(Color::kRed).Name("red").
template <class E>
class Enumerators {
 public:
  explicit Enumerators(std::vector<internal::EnumNote>& notes) : notes_(notes) {}

  Enumerator operator()(E value) {
    for (internal::EnumNote& note : notes_) {
      if (note.value == static_cast<std::int64_t>(value)) return Enumerator(note);
    }
    return Enumerator(unknown_);
  }

 private:
  std::vector<internal::EnumNote>& notes_;
  internal::EnumNote unknown_;  // an enumerator that is not described has no JSON to speak of
};

}  // namespace schema
}  // namespace weir
