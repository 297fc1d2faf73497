#pragma once

// Makes a Value, one event after the other. The strict reader, the lenient reader and code that
// assembles documents all feed it.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "weir/json/arena.h"
#include "weir/json/node_stack.h"
#include "weir/json/value.h"

namespace weir::json {

// Call one event per value; inside an object, Key() before each. Breaking that grammar, giving a
// double that is not finite, a text that is not a JSON number or an absent View is a bug of the
// caller: it stops a debug build, and in a release build it is remembered, misuse() says what it
// was and Finish() returns an absent Value. Nothing is written in its place in silence.
class Builder {
 public:
  // `expected_bytes` of JSON text, when known, spares the arena from growing.
  explicit Builder(std::size_t expected_bytes = 0);

  // Keeps a copy of `text` in the document. Strings, keys and numbers that are given as views into
  // the returned text are not copied again. At most once, before anything else.
  std::string_view AdoptSource(std::string_view text) { return arena_->AdoptSource(text); }

  void Null() { Add(Scalar(Kind::kNull)); }
  void Bool(bool value);
  void Int(std::int64_t value);
  void Uint(std::uint64_t value);
  void Double(double value);           // the shortest text that reads back as the same double
  void Number(std::string_view text);  // kept as it is; must be a number of the JSON grammar
  // Any bytes; the writer mends what is not UTF-8.
  void String(std::string_view text) { Text(Kind::kString, text); }
  void BeginArray() { Begin(Kind::kArray); }
  void EndArray() { End(Kind::kArray); }
  void BeginObject() { Begin(Kind::kObject); }
  // Duplicates are kept.
  void Key(std::string_view key) {
    if (!expects_key_) return Misuse("a key where none belongs");
    expects_key_ = false;
    nodes_.Push(TextNode(Kind::kString, key));
  }
  void EndObject() { End(Kind::kObject); }
  void Copy(View view);  // a deep copy, one value

  // Containers that are open.
  std::size_t depth() const { return depth_; }
  // The container that was just ended, or the value just added; absent before the first. Good
  // until the next event.
  View Last() const { return nodes_.size() == 0 ? View() : View(&nodes_.back()); }
  // What was done wrong first; empty if nothing was.
  std::string_view misuse() const { return misuse_; }

  Value Finish() &&;

 private:
  static internal::Node Scalar(Kind kind) {
    return {.kind = static_cast<std::uint64_t>(kind), .flag = 0, .size = 0, .text = ""};
  }
  internal::Node TextNode(Kind kind, std::string_view text) {
    internal::Node node = Scalar(kind);
    node.size = text.size();
    node.text = arena_->Text(text);
    return node;
  }
  void Text(Kind kind, std::string_view text) { Add(TextNode(kind, text)); }
  void Add(internal::Node node) {
    if (expects_key_) return Misuse("a value without a key in an object");
    if (open_ == kNone && nodes_.size() != 0) return Misuse("a second value after the document");
    nodes_.Push(node);
    expects_key_ = in_object_;
  }
  void Enter(std::size_t container);
  void Begin(Kind kind);
  void End(Kind kind);
  void Misuse(std::string_view what);

  static constexpr std::size_t kNone = (std::uint64_t{1} << 56) - 1;

  std::shared_ptr<Arena> arena_;
  // The values whose container is still open. An open container stands before its children as a
  // node whose `size` is the place of the container around it.
  internal::NodeStack nodes_;
  std::size_t open_ = kNone;
  std::size_t depth_ = 0;
  bool in_object_ = false;  // whether the innermost open container is one
  bool expects_key_ = false;
  std::string_view misuse_;
};

}  // namespace weir::json
