#pragma once

// C++ types as JSON, without a second description of them:
//
//   struct Person {
//     std::string name;
//     int age = 0;
//     std::optional<std::string> email;
//   };
//   BOOST_DESCRIBE_STRUCT(Person, (), (name, age, email))
//
//   json::Value schema = schema::Of<Person>();           // for a constraint
//   Result<Person> person = schema::Parse<Person>(text); // checked, or says what is wrong, where
//   json::Value document = schema::Write(*person);
//
// What the types alone cannot say is said beside them:
//
//   template <>
//   struct weir::Notes<Person> {
//     static void Describe(weir::schema::Fields<Person>& f) {
//       f.Text("Somebody who is mentioned in the text.");
//       f(&Person::age).Text("in years").Min(0).Max(150).Default();
//     }
//   };
//
// Types: bool, integers (with their range), float and double, std::string, described structs (with
// their described base classes) and enums, std::vector, std::array, std::map with string keys,
// std::variant, std::monostate (null), json::Value (anything), and std::optional, std::unique_ptr,
// std::shared_ptr of these, whose empty state is null. docs/structs.md has a whole program.

#include <string_view>
#include <utility>

#include "weir/base/result.h"
#include "weir/json/value.h"
#include "weir/schema/structs_codec.h"
#include "weir/schema/structs_notes.h"

namespace weir::schema {

// The JSON Schema (2020-12) of T. Objects are closed, and a member is required unless it is
// optional, a pointer, or has a default. A struct that is used once stands where it is used; one
// that is used again or contains itself is in "$defs", but a reference to T itself is "#".
template <class T>
json::Value Of() {
  return internal::SchemaOf(internal::TypeOf<T>());
}

// Fails with kSchemaMismatch; the message has a JSON pointer to the first thing that is wrong and
// says what was expected there. A document that Of<T>() accepts is read; those that Read() takes
// beyond it are the ones with aliases.
//
// Of a variant the first alternative that fits is read, so put the narrow before the wide: an
// integer before a double, the struct with more required members before the one with fewer.
template <class T>
Result<T> Read(json::View value) {
  internal::Reader reader;
  T out{};
  if (!internal::Codec<T>::Read(reader, value, {}, out)) {
    return std::unexpected<Error>(std::move(reader).error());
  }
  return out;
}

// The same of a text that is one JSON document; kInvalidJson if it is none.
template <class T>
Result<T> Parse(std::string_view text) {
  const Result<json::Value> value = internal::ParseText(text);
  if (!value) return std::unexpected<Error>(value.error());
  return Read<T>(*value);
}

// Doubles must be finite and enumerators described. An empty optional member is left out, or null
// when it has a default; elsewhere it is null.
template <class T>
json::Value Write(const T& value) {
  internal::Output out;
  internal::Codec<T>::Write(value, out);
  return std::move(out).Finish();
}

}  // namespace weir::schema
