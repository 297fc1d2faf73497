#pragma once

// How each C++ type is read, written and described. Only structs.h includes this; what does not
// depend on the type is in structs.cc.

#include <array>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include <boost/describe.hpp>

#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/schema/structs_notes.h"

namespace weir::json {
class Builder;
}

namespace weir::schema::internal {

// A json::Builder, without its header.
class Output {
 public:
  Output();
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output();

  void Null();
  void Bool(bool value);
  void Int(std::int64_t value);
  void Uint(std::uint64_t value);
  void Double(double value);
  void String(std::string_view text);
  void Key(std::string_view key);
  void BeginArray();
  void EndArray();
  void BeginObject();
  void EndObject();
  void Copy(json::View value);
  json::Value Finish() &&;

 private:
  std::unique_ptr<json::Builder> builder_;
};

// Where in the document a value stands, as a chain of stack frames.
struct Place {
  const Place* outer = nullptr;
  std::string_view key;   // of an object's member, or
  std::size_t index = 0;  // of an array's item
  bool is_index = false;
  std::size_t depth = 0;

  Place Member(std::string_view name) const {
    return {.outer = this, .key = name, .depth = depth + 1};
  }
  Place Item(std::size_t at) const {
    return {.outer = this, .key = {}, .index = at, .is_index = true, .depth = depth + 1};
  }
};

struct StructType;
struct EnumType;

// Reads values. What returns false has set the error.
class Reader {
 public:
  bool ReadBool(json::View value, const Place& place, bool& out);
  bool ReadInt(json::View value, const Place& place, std::int64_t low, std::int64_t high,
               std::int64_t& out);
  bool ReadUint(json::View value, const Place& place, std::uint64_t high, std::uint64_t& out);
  bool ReadDouble(json::View value, const Place& place, double most, double& out);
  bool ReadString(json::View value, const Place& place, std::string& out);
  bool ReadEnum(json::View value, const Place& place, const EnumType& type, std::int64_t& out);
  bool ReadStruct(json::View value, const Place& place, const StructType& type, void* out);
  bool ExpectNull(json::View value, const Place& place);
  bool ExpectArray(json::View value, const Place& place, std::optional<std::size_t> size = {});
  bool ExpectObject(json::View value, const Place& place);

  // Tries alternatives: whether the I-th of them fits is read_alternative(context, I).
  bool ReadAlternatives(const Place& place, std::size_t count,
                        bool (*read_alternative)(void* context, std::size_t index), void* context);

  Error&& error() && { return std::move(error_); }

 private:
  bool Expected(json::View value, const Place& place, std::string_view what);
  bool Refuse(const Place& place, std::string_view sentence);
  bool Enter(const Place& place);
  bool Exhausted(const Place& place);
  bool KeepsNote(json::View value, const Place& place, const FieldNote& note);

  Error error_;
  std::string sentence_;    // of the error, without its place
  std::size_t depth_ = 0;   // of its place
  std::size_t steps_ = 0;   // objects and arrays entered
  std::size_t wasted_ = 0;  // of these, in alternatives that did not fit; once for each
};

// What surrounds a type in a schema.
struct Shape {
  bool nullable = false;
  const FieldNote* note = nullptr;  // of the member whose type this is
};

class SchemaWriter;
using KeywordsFunction = void (*)(SchemaWriter& out, const Shape& shape);

// Writes a schema in two passes over the types: the first only counts the structs.
class SchemaWriter : public Output {
 public:
  explicit SchemaWriter(const SchemaWriter* survey) : survey_(survey) {}

  // Each writes keywords into the object that is open.
  void Type(std::string_view type, const Shape& shape);
  void Bounds(const Shape& shape);  // those that were noted
  void Range(const Shape& shape, std::int64_t low, std::uint64_t high);
  void Struct(const StructType& type, const Shape& shape);
  void Enum(const EnumType& type, const Shape& shape);
  void AnyOf(const Shape& shape, const KeywordsFunction* alternatives, std::size_t count);
  void Nested(std::string_view key, KeywordsFunction keywords);  // "key": {...}

  json::Value Document(KeywordsFunction root);  // once

 private:
  struct Met {
    const StructType* type;
    std::string name;
    std::size_t count;
  };
  Met* Find(const StructType& type);
  bool IsShared(const StructType& type) const;
  void Reference(const StructType& type);
  void Members(const StructType& type, const Shape& shape);

  const SchemaWriter* survey_;  // null: this is the first pass
  const StructType* root_ = nullptr;
  bool at_root_ = true;
  std::vector<Met> met_;  // in the first pass all structs, in the second those in "$defs"
};

struct MemberType {
  FieldNote note;
  bool optional = false;  // absent is as good as null
  bool (*read)(Reader& reader, json::View value, const Place& place, void* object) = nullptr;
  void (*write)(const void* object, Output& out) = nullptr;
  bool (*is_empty)(const void* object) = nullptr;
  KeywordsFunction keywords = nullptr;
};

struct StructType {
  std::string_view full_name;  // as the compiler spells it
  std::string text;
  std::vector<MemberType> members;

  void CompileChecks();  // of the notes, once they are complete
};

struct EnumType {
  std::vector<EnumNote> enumerators;
};

json::Value SchemaOf(KeywordsFunction root);
Result<json::Value> ParseText(std::string_view text);
void WriteStruct(const StructType& type, const void* object, Output& out);
void WriteEnum(const EnumType& type, std::int64_t value, Output& out);

template <class T>
struct Codec;

template <class T>
void KeywordsOf(SchemaWriter& out, const Shape& shape) {
  Codec<T>::Keywords(out, shape);
}
template <class T>
constexpr KeywordsFunction TypeOf() {
  return &KeywordsOf<T>;
}

template <class M>
json::Value ValueOf(const M& value) {
  Output out;
  Codec<M>::Write(value, out);
  return std::move(out).Finish();
}

template <template <class...> class List, class... D, class F>
void ForEach(List<D...>, F f) {
  (f(D{}), ...);
}

template <class T>
using MembersOf = boost::describe::describe_members<T, boost::describe::mod_public |
                                                           boost::describe::mod_inherited>;

template <class T>
constexpr std::string_view FullName() {
  return __PRETTY_FUNCTION__;
}

template <class T>
struct PointerTraits {
  static constexpr bool kIsOptional = false;
};
template <class T>
struct PointerTraits<std::optional<T>> {
  static constexpr bool kIsOptional = true;
  static void Make(std::optional<T>& out) { out.emplace(); }
};
template <class T>
struct PointerTraits<std::unique_ptr<T>> {
  static constexpr bool kIsOptional = true;
  static void Make(std::unique_ptr<T>& out) { out = std::make_unique<T>(); }
};
template <class T>
struct PointerTraits<std::shared_ptr<T>> {
  static constexpr bool kIsOptional = true;
  static void Make(std::shared_ptr<T>& out) { out = std::make_shared<T>(); }
};

// The member that the descriptor D names, of the described struct T.
template <class T, class D>
struct MemberCodec {
  using Member = std::remove_cvref_t<decltype(std::declval<T&>().*D::pointer)>;

  static bool Read(Reader& reader, json::View value, const Place& place, void* object) {
    return Codec<Member>::Read(reader, value, place, static_cast<T*>(object)->*D::pointer);
  }
  static void Write(const void* object, Output& out) {
    Codec<Member>::Write(static_cast<const T*>(object)->*D::pointer, out);
  }
  static bool IsEmpty(const void* object) {
    if constexpr (PointerTraits<Member>::kIsOptional) {
      return !(static_cast<const T*>(object)->*D::pointer);
    }
    return false;
  }
  static MemberType Make() {
    MemberType made;
    made.note.name = D::name;
    made.optional = PointerTraits<Member>::kIsOptional;
    made.read = &Read;
    made.write = &Write;
    made.is_empty = &IsEmpty;
    made.keywords = TypeOf<Member>();
    return made;
  }
};

template <class T>
StructType MakeStruct() {
  StructType type;
  type.full_name = FullName<T>();
  ForEach(MembersOf<T>{}, [&]<class D>(D) { type.members.push_back(MemberCodec<T, D>::Make()); });
  if constexpr (requires(Fields<T>& fields) { Notes<T>::Describe(fields); }) {
    std::vector<FieldNote*> notes;
    notes.reserve(type.members.size());
    for (MemberType& member : type.members) notes.push_back(&member.note);
    Fields<T> fields(type.text, std::move(notes));
    Notes<T>::Describe(fields);
  }
  type.CompileChecks();
  return type;
}

template <class E>
EnumType MakeEnum() {
  EnumType type;
  ForEach(boost::describe::describe_enumerators<E>{}, [&]<class D>(D) {
    type.enumerators.push_back(
        {.value = static_cast<std::int64_t>(D::value), .name = D::name, .aliases = {}});
  });
  if constexpr (requires(Enumerators<E>& names) { Notes<E>::Describe(names); }) {
    Enumerators<E> names(type.enumerators);
    Notes<E>::Describe(names);
  }
  return type;
}

// Made at the first use and never changed.
template <class T>
const StructType& StructOf() {
  static const StructType kType = MakeStruct<T>();
  return kType;
}
template <class E>
const EnumType& EnumOf() {
  static const EnumType kType = MakeEnum<E>();
  return kType;
}

// All other types: described structs and enums.
template <class T>
struct Codec {
  static_assert(boost::describe::has_describe_members<T>::value ||
                    boost::describe::has_describe_enumerators<T>::value,
                "describe this type with BOOST_DESCRIBE_STRUCT or BOOST_DESCRIBE_ENUM, or use one "
                "of the types that weir/schema/structs.h lists");

  static bool Read(Reader& reader, json::View value, const Place& place, T& out) {
    if constexpr (std::is_enum_v<T>) {
      std::int64_t number = 0;
      if (!reader.ReadEnum(value, place, EnumOf<T>(), number)) return false;
      out = static_cast<T>(number);
      return true;
    } else {
      return reader.ReadStruct(value, place, StructOf<T>(), &out);
    }
  }
  static void Write(const T& value, Output& out) {
    if constexpr (std::is_enum_v<T>) {
      WriteEnum(EnumOf<T>(), static_cast<std::int64_t>(value), out);
    } else {
      WriteStruct(StructOf<T>(), &value, out);
    }
  }
  static void Keywords(SchemaWriter& out, const Shape& shape) {
    if constexpr (std::is_enum_v<T>) {
      out.Enum(EnumOf<T>(), shape);
    } else {
      out.Struct(StructOf<T>(), shape);
    }
  }
};

template <>
struct Codec<bool> {
  static bool Read(Reader& reader, json::View value, const Place& place, bool& out) {
    return reader.ReadBool(value, place, out);
  }
  static void Write(bool value, Output& out) { out.Bool(value); }
  static void Keywords(SchemaWriter& out, const Shape& shape) { out.Type("boolean", shape); }
};

template <class T>
concept Integer = std::integral<T> && !std::same_as<T, bool> && !std::same_as<T, char> &&
                  !std::same_as<T, wchar_t> && !std::same_as<T, char8_t> &&
                  !std::same_as<T, char16_t> && !std::same_as<T, char32_t>;

template <Integer T>
struct Codec<T> {
  using Limits = std::numeric_limits<T>;

  static bool Read(Reader& reader, json::View value, const Place& place, T& out) {
    std::conditional_t<std::signed_integral<T>, std::int64_t, std::uint64_t> number = 0;
    bool good = false;
    if constexpr (std::signed_integral<T>) {
      good = reader.ReadInt(value, place, Limits::min(), Limits::max(), number);
    } else {
      good = reader.ReadUint(value, place, Limits::max(), number);
    }
    if (good) out = static_cast<T>(number);
    return good;
  }
  static void Write(T value, Output& out) {
    if constexpr (std::signed_integral<T>) {
      out.Int(value);
    } else {
      out.Uint(value);
    }
  }
  static void Keywords(SchemaWriter& out, const Shape& shape) {
    out.Type("integer", shape);
    out.Range(shape, static_cast<std::int64_t>(Limits::min()), Limits::max());
  }
};

template <class T>
  requires std::same_as<T, double> || std::same_as<T, float>
struct Codec<T> {
  static bool Read(Reader& reader, json::View value, const Place& place, T& out) {
    double number = 0;
    if (!reader.ReadDouble(value, place, std::numeric_limits<T>::max(), number)) return false;
    out = static_cast<T>(number);
    return true;
  }
  static void Write(T value, Output& out) { out.Double(value); }
  static void Keywords(SchemaWriter& out, const Shape& shape) {
    out.Type("number", shape);
    out.Bounds(shape);
  }
};

template <>
struct Codec<std::string> {
  static bool Read(Reader& reader, json::View value, const Place& place, std::string& out) {
    return reader.ReadString(value, place, out);
  }
  static void Write(std::string_view value, Output& out) { out.String(value); }
  static void Keywords(SchemaWriter& out, const Shape& shape) {
    out.Type("string", shape);
    out.Bounds(shape);
  }
};

template <>
struct Codec<json::Value> {
  static bool Read(Reader&, json::View value, const Place&, json::Value& out) {
    out = value.exists() ? json::Value::CopyOf(value) : json::Value();
    return true;
  }
  static void Write(const json::Value& value, Output& out) { out.Copy(value); }
  static void Keywords(SchemaWriter&, const Shape&) {}
};

template <>
struct Codec<std::monostate> {
  static bool Read(Reader& reader, json::View value, const Place& place, std::monostate&) {
    return reader.ExpectNull(value, place);
  }
  static void Write(std::monostate, Output& out) { out.Null(); }
  static void Keywords(SchemaWriter& out, const Shape&) { out.Type("null", {}); }
};

template <class T>
  requires PointerTraits<T>::kIsOptional
struct Codec<T> {
  using Inside = std::remove_cvref_t<decltype(*std::declval<T&>())>;

  static bool Read(Reader& reader, json::View value, const Place& place, T& out) {
    out.reset();
    if (value.IsNull()) return true;
    PointerTraits<T>::Make(out);
    return Codec<Inside>::Read(reader, value, place, *out);
  }
  static void Write(const T& value, Output& out) {
    if (value) {
      Codec<Inside>::Write(*value, out);
    } else {
      out.Null();
    }
  }
  static void Keywords(SchemaWriter& out, const Shape& shape) {
    Codec<Inside>::Keywords(out, {.nullable = true, .note = shape.note});
  }
};

template <class T>
struct Codec<std::vector<T>> {
  static bool Read(Reader& reader, json::View value, const Place& place, std::vector<T>& out) {
    if (!reader.ExpectArray(value, place)) return false;
    out.clear();
    out.reserve(value.size());
    for (const json::View item : value.items()) {
      T read{};
      if (!Codec<T>::Read(reader, item, place.Item(out.size()), read)) return false;
      out.push_back(std::move(read));
    }
    return true;
  }
  static void Write(const std::vector<T>& value, Output& out) {
    out.BeginArray();
    for (const auto& item : value) Codec<T>::Write(item, out);
    out.EndArray();
  }
  static void Keywords(SchemaWriter& out, const Shape& shape) {
    out.Type("array", shape);
    out.Nested("items", TypeOf<T>());
    out.Bounds(shape);
  }
};

template <class T, std::size_t kSize>
struct Codec<std::array<T, kSize>> {
  static bool Read(Reader& reader, json::View value, const Place& place,
                   std::array<T, kSize>& out) {
    if (!reader.ExpectArray(value, place, kSize)) return false;
    for (std::size_t i = 0; i < kSize; ++i) {
      if (!Codec<T>::Read(reader, value[i], place.Item(i), out[i])) return false;
    }
    return true;
  }
  static void Write(const std::array<T, kSize>& value, Output& out) {
    out.BeginArray();
    for (const T& item : value) Codec<T>::Write(item, out);
    out.EndArray();
  }
  static void Keywords(SchemaWriter& out, const Shape& shape) {
    out.Type("array", shape);
    out.Nested("items", TypeOf<T>());
    for (const std::string_view keyword : {"minItems", "maxItems"}) {
      out.Key(keyword);
      out.Uint(kSize);
    }
  }
};

template <class T>
struct Codec<std::map<std::string, T>> {
  static bool Read(Reader& reader, json::View value, const Place& place,
                   std::map<std::string, T>& out) {
    if (!reader.ExpectObject(value, place)) return false;
    out.clear();
    for (const json::Member member : value.members()) {
      T read{};
      if (!Codec<T>::Read(reader, member.value, place.Member(member.key), read)) return false;
      out.insert_or_assign(std::string(member.key), std::move(read));
    }
    return true;
  }
  static void Write(const std::map<std::string, T>& value, Output& out) {
    out.BeginObject();
    for (const auto& [key, item] : value) {
      out.Key(key);
      Codec<T>::Write(item, out);
    }
    out.EndObject();
  }
  static void Keywords(SchemaWriter& out, const Shape& shape) {
    out.Type("object", shape);
    out.Nested("additionalProperties", TypeOf<T>());
    out.Bounds(shape);
  }
};

template <class... Ts>
struct Codec<std::variant<Ts...>> {
  struct Attempt {
    Reader& reader;
    json::View value;
    const Place& place;
    std::variant<Ts...>& out;
  };

  template <std::size_t kIndex>
  static bool ReadOne(Attempt& attempt) {
    using T = std::variant_alternative_t<kIndex, std::variant<Ts...>>;
    T read{};
    if (!Codec<T>::Read(attempt.reader, attempt.value, attempt.place, read)) return false;
    attempt.out.template emplace<kIndex>(std::move(read));
    return true;
  }
  template <std::size_t... kIndices>
  static bool Pick(Attempt& attempt, std::size_t index, std::index_sequence<kIndices...>) {
    static constexpr bool (*kReaders[])(Attempt&) = {&ReadOne<kIndices>...};
    return kReaders[index](attempt);
  }
  static bool ReadAt(void* context, std::size_t index) {
    return Pick(*static_cast<Attempt*>(context), index, std::index_sequence_for<Ts...>{});
  }
  static bool Read(Reader& reader, json::View value, const Place& place, std::variant<Ts...>& out) {
    Attempt attempt{reader, value, place, out};
    return reader.ReadAlternatives(place, sizeof...(Ts), &ReadAt, &attempt);
  }
  static void Write(const std::variant<Ts...>& value, Output& out) {
    std::visit([&]<class T>(const T& held) { Codec<T>::Write(held, out); }, value);
  }
  static void Keywords(SchemaWriter& out, const Shape& shape) {
    static constexpr KeywordsFunction kAlternatives[] = {TypeOf<Ts>()...};
    out.AnyOf(shape, kAlternatives, sizeof...(Ts));
  }
};

}  // namespace weir::schema::internal

namespace weir::schema {

template <class T>
template <class M, class C>
Field<M> Fields<T>::operator()(M C::* member) {
  internal::FieldNote* found = nullptr;
  std::size_t place = 0;
  internal::ForEach(internal::MembersOf<T>{}, [&]<class D>(D) {
    if constexpr (std::same_as<std::remove_cv_t<decltype(D::pointer)>, M C::*>) {
      if (D::pointer == member) found = notes_[place];
    }
    ++place;
  });
  return Field<M>(found == nullptr ? unknown_ : *found, internal::ValueOf<M>(T{}.*member));
}

}  // namespace weir::schema
