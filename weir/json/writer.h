#pragma once

// JSON text, made without a tree in between. The same events always give the same bytes.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "weir/json/value.h"

namespace weir::json {

struct WriteOptions {
  int indent = 0;  // blanks per level; 0 writes everything on one line
};

// Appends one document to a string that it does not own; commas come by themselves.
//
// Strings are written as UTF-8 with the fewest escapes: \" \\ \b \f \n \r \t and \u00XX for the
// other control characters. Bytes that are not UTF-8 become U+FFFD, so that the text is always
// valid JSON. The events must make a document; a double that is not finite, a Number() that is not
// one or an absent View is a bug of the caller: it stops a debug build, and in a release build
// `null` is written and misuse() says why.
class Writer {
 public:
  explicit Writer(std::string& out, WriteOptions options = {})
      : out_(out), indent_(options.indent) {}
  Writer(const Writer&) = delete;
  Writer& operator=(const Writer&) = delete;

  void Null() { Raw("null"); }
  void Bool(bool value) { Raw(value ? "true" : "false"); }
  void Int(std::int64_t value);
  void Uint(std::uint64_t value);
  void Double(double value);           // the shortest text that reads back as the same double
  void Number(std::string_view text);  // as it is
  void String(std::string_view text);
  void BeginArray() { Begin('['); }
  void EndArray() { End(']'); }
  void BeginObject() { Begin('{'); }
  void Key(std::string_view key);
  // A name of our own that is known to hold nothing to escape.
  void PlainKey(std::string_view key) {
    Separate();
    out_ += '"';
    out_ += key;
    out_ += spaced_ || indent_ > 0 ? "\": " : "\":";
    after_key_ = true;
  }
  void EndObject() { End('}'); }
  void Value(View view);  // a whole value; numbers keep their text

  // Text that is known to be one JSON value, e.g. a schema kept as it came. It is not checked.
  void Raw(std::string_view json) {
    Separate();
    out_ += json;
    comma_ = true;
  }

  // A member in one call.
  void Field(std::string_view key, std::string_view text) {
    Key(key);
    String(text);
  }
  void Field(std::string_view key, View view) {
    Key(key);
    Value(view);
  }

  // What was done wrong first; empty if nothing was.
  std::string_view misuse() const { return misuse_; }

 private:
  friend std::string WriteSpaced(View view);

  void Begin(char bracket);
  void End(char bracket);
  void Separate() {
    if (after_key_) {
      after_key_ = false;
    } else if (comma_ || indent_ > 0) {
      NextPlace();
    }
  }
  void NextPlace();
  void NewLine();
  void Quoted(std::string_view text);
  void Misuse(std::string_view what);

  std::string& out_;
  int indent_;
  bool spaced_ = false;  // as Python's json.dumps: blanks after separators, ASCII only
  bool comma_ = false;   // a value stands before this place in the same container
  bool after_key_ = false;
  std::size_t depth_ = 0;
  std::string_view misuse_;
};

std::string Write(View view, WriteOptions options = {});

// The form of Python's json.dumps(): ", " and ": " between, everything outside ASCII as \uXXXX.
std::string WriteSpaced(View view);

// One text for equal documents that spell their numbers the same way: compact, members sorted by
// the bytes of their keys. For hashing and comparing, not for sending.
std::string Canonical(View view);

// Appends `text` as a JSON string with its quotation marks.
void AppendQuoted(std::string& out, std::string_view text);

}  // namespace weir::json
