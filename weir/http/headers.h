#pragma once

// Header fields, and the writer of message heads and chunks: everything goes into one flat string,
// and nothing that could break out of its line is ever written.

#include <cstddef>
#include <initializer_list>
#include <iterator>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/result.h"

namespace weir::http {

// A field that lives elsewhere: in Headers, in a literal.
struct Header {
  std::string_view name;
  std::string_view value;

  friend bool operator==(const Header&, const Header&) = default;
};

// Fields in the order in which they came; names compare without case. All of them lie in one
// string, as lines of a head, so that reading a head costs two allocations, and none after Clear().
// The views given out hold until the next change or move; they may be arguments of that change.
class Headers {
 public:
  class Iterator;

  Headers() = default;
  Headers(std::initializer_list<Header> fields);

  void Add(std::string_view name, std::string_view value);  // keeps earlier fields of that name
  void Set(std::string_view name, std::string_view value);  // replaces them, in the first's place
  void Remove(std::string_view name);
  void Clear();  // keeps the memory
  // Room for a further head of `bytes` bytes.
  void Reserve(std::size_t bytes);

  // The first value of that name.
  std::optional<std::string_view> Find(std::string_view name) const;
  std::size_t Count(std::string_view name) const;
  // Whether a field of that name holds `token` in its comma list ("Connection: close, TE").
  bool HasToken(std::string_view name, std::string_view token) const;

  Header operator[](std::size_t index) const;
  Iterator begin() const;
  Iterator end() const;
  std::size_t size() const { return ends_.size(); }
  bool empty() const { return ends_.empty(); }

  // "Name: value\r\n", once for every field, unchecked.
  std::string_view lines() const { return text_; }

  friend bool operator==(const Headers&, const Headers&) = default;

 private:
  // Where the name and the line of a field end in `text_`. It begins where the one before ends.
  struct Ends {
    std::size_t name = 0;
    std::size_t line = 0;

    friend bool operator==(const Ends&, const Ends&) = default;
  };

  friend class HeadReader;  // which knows a whole line to be right

  // What Add does; `line` is "name: value\r\n", exactly.
  void AddLine(std::string_view line, std::size_t name_size);
  std::size_t BeginOf(std::size_t index) const { return index == 0 ? 0 : ends_[index - 1].line; }
  std::size_t IndexOf(std::string_view name, std::size_t from) const;  // size() if there is none
  void Erase(std::size_t index);

  std::string text_;
  std::vector<Ends> ends_;
};

class Headers::Iterator {
 public:
  using value_type = Header;
  using difference_type = std::ptrdiff_t;

  Iterator() = default;
  Iterator(const Headers* headers, std::size_t index) : headers_(headers), index_(index) {}

  Header operator*() const { return (*headers_)[index_]; }
  Iterator& operator++() {
    ++index_;
    return *this;
  }
  Iterator operator++(int) { return {headers_, index_++}; }

  friend bool operator==(const Iterator&, const Iterator&) = default;

 private:
  const Headers* headers_ = nullptr;
  std::size_t index_ = 0;
};

inline Header Headers::operator[](std::size_t index) const {
  const std::string_view text = text_;
  const std::size_t begin = BeginOf(index);
  const Ends ends = ends_[index];
  const std::size_t value = ends.name + 2;  // behind ": "
  return {text.substr(begin, ends.name - begin), text.substr(value, ends.line - 2 - value)};
}
inline Headers::Iterator Headers::begin() const { return {this, 0}; }
inline Headers::Iterator Headers::end() const { return {this, size()}; }

// Whether the field may be written: the name is a token, the value has no control character but
// tab, and no white space at its ends. Fails with Code::kInvalidRequest.
Result<void> CheckHeader(std::string_view name, std::string_view value);

// Fields that were checked once and are written many times, as the lines of a head.
class FieldBlock {
 public:
  FieldBlock() = default;  // no field

  // Fails with Code::kInvalidRequest, like CheckHeader.
  static Result<FieldBlock> Make(const Headers& headers);

  std::string_view lines() const { return lines_; }  // "Name: value\r\n", once for every field

 private:
  explicit FieldBlock(std::string lines) : lines_(std::move(lines)) {}

  std::string lines_;
};

// Writes one message head to the end of a text: the start line, fields, End(). Whatever fails (with
// Code::kInvalidRequest) has appended nothing; the text is then worth nothing. Framing fields
// (Content-Length, Transfer-Encoding) are the caller's.
class HeadWriter {
 public:
  explicit HeadWriter(std::string& out) : out_(out) {}

  // The target is given in its parts.
  Result<void> Start(std::string_view method, std::initializer_list<std::string_view> target);
  Result<void> Start(int status);

  Result<void> Add(std::string_view name, std::string_view value);
  Result<void> Add(const Headers& headers);
  // Fields that are right because the caller made them so; they are not checked again.
  void AddKnown(std::string_view name, std::string_view value);
  void AddKnown(const FieldBlock& block) { out_ += block.lines(); }

  void End() { out_ += "\r\n"; }

 private:
  std::string& out_;
};

// "Not Found"; "Unknown" for a status that has no name here.
std::string_view ReasonPhrase(int status);

// One chunk of a chunked body. An empty piece appends nothing: it would end the body.
void AppendChunk(std::string& out, std::string_view piece);
void AppendLastChunk(std::string& out);

}  // namespace weir::http
