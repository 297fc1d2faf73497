#pragma once

// Exact JSON values. A document is immutable once built: its nodes lie in one arena, objects keep
// the order of their members and notice duplicate keys, and a number stays the text it was until
// somebody asks for an int or a double.

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>

namespace weir::json {

class Arena;
class View;

enum class Kind : std::uint8_t { kAbsent, kNull, kBool, kNumber, kString, kArray, kObject };

std::string_view KindName(Kind kind);  // "nothing", "null", "boolean", "number", "string", ...

namespace internal {

// One value in 16 bytes. The nodes of an array lie side by side; an object's lie as key, value,
// key, value, followed by a hash index when there are many.
struct Node {
  std::uint64_t kind : 4;
  std::uint64_t flag : 4;   // of a boolean: its value; of a large object: has duplicate keys
  std::uint64_t size : 56;  // bytes of a text, items of an array, members of an object
  union {
    const char* text;
    const Node* nodes;
  };

  std::string_view Text() const { return {text, static_cast<std::size_t>(size)}; }
};
static_assert(sizeof(Node) == 16);

template <class Item, std::size_t kStride>
class Range;

}  // namespace internal

struct Member;
using Items = internal::Range<View, 1>;      // what View::items() yields: View
using Members = internal::Range<Member, 2>;  // what View::members() yields: Member

// A cursor of one pointer. It owns nothing: the Value it came from must outlive it. A
// default-made View, and the result of looking for something that is not there, is *absent*;
// looking further into an absent View is allowed and gives absent again.
class View {
 public:
  constexpr View() = default;

  Kind kind() const { return node_ == nullptr ? Kind::kAbsent : static_cast<Kind>(node_->kind); }
  bool exists() const { return node_ != nullptr; }
  bool IsNull() const { return kind() == Kind::kNull; }
  bool IsBool() const { return kind() == Kind::kBool; }
  bool IsNumber() const { return kind() == Kind::kNumber; }
  bool IsString() const { return kind() == Kind::kString; }
  bool IsArray() const { return kind() == Kind::kArray; }
  bool IsObject() const { return kind() == Kind::kObject; }

  // Each is nullopt (or the fallback) when this is another kind of value: nothing is coerced.
  std::optional<bool> AsBool() const {
    return IsBool() ? std::optional(node_->flag != 0) : std::nullopt;
  }
  std::optional<std::string_view> AsString() const {
    return IsString() ? std::optional(node_->Text()) : std::nullopt;
  }
  bool BoolOr(bool fallback) const { return AsBool().value_or(fallback); }
  std::string_view StringOr(std::string_view fallback) const {
    return IsString() ? node_->Text() : fallback;
  }

  // The number exactly as it was written, e.g. "1.50"; empty when this is not a number.
  std::string_view NumberText() const { return IsNumber() ? node_->Text() : ""; }
  // The integer that the number is: 1, 1.0 and 1e3 are integers, 1.5 is not. Nullopt also when it
  // does not fit.
  std::optional<std::int64_t> AsInt64() const;
  std::optional<std::uint64_t> AsUint64() const;
  // The nearest double; nullopt when that would be infinite.
  std::optional<double> AsDouble() const;

  // Items of an array, members of an object (duplicates counted), 0 for everything else.
  std::size_t size() const { return IsArray() || IsObject() ? node_->size : 0; }
  bool empty() const { return size() == 0; }

  // The item of an array; absent when out of range or not an array.
  View operator[](std::size_t index) const {
    return IsArray() && index < node_->size ? View(node_->nodes + index) : View();
  }
  // The member of an object; the last one when the key occurs twice, as JavaScript does. Constant
  // time in large objects.
  View Find(std::string_view key) const;
  bool has_duplicate_keys() const;

  Items items() const;      // empty unless this is an array
  Members members() const;  // empty unless this is an object; in the order of the text

  // Deep equality. Numbers are equal when their exact decimal values are (1, 1.0 and 10e-1);
  // objects ignore the order of members, but when a key occurs twice its values must come in the
  // same order. Two absent views are equal.
  friend bool operator==(View a, View b);

 private:
  friend class Builder;
  friend class Value;
  friend struct Member;
  template <class Item, std::size_t kStride>
  friend class internal::Range;

  constexpr explicit View(const internal::Node* node) : node_(node) {}

  const internal::Node* node_ = nullptr;
};

struct Member {
  std::string_view key;
  View value;

 private:
  friend Members;
  explicit Member(const internal::Node* node) : key(node[0].Text()), value(View(node + 1)) {}
};

namespace internal {

template <class Item, std::size_t kStride>
class Range {
 public:
  class Iterator {
   public:
    using value_type = Item;
    using difference_type = std::ptrdiff_t;
    using iterator_category = std::input_iterator_tag;
    using pointer = void;
    using reference = Item;

    Iterator() = default;
    Item operator*() const { return Item(node_); }
    Iterator& operator++() {
      node_ += kStride;
      return *this;
    }
    Iterator operator++(int) {
      const Iterator before = *this;
      ++*this;
      return before;
    }
    friend bool operator==(Iterator, Iterator) = default;

   private:
    friend class Range;
    explicit Iterator(const Node* node) : node_(node) {}
    const Node* node_ = nullptr;
  };

  Iterator begin() const { return Iterator(nodes_); }
  Iterator end() const { return Iterator(nodes_ + size_ * kStride); }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Item operator[](std::size_t index) const { return Item(nodes_ + index * kStride); }

 private:
  friend class json::View;
  Range(const Node* nodes, std::size_t size) : nodes_(nodes), size_(size) {}

  const Node* nodes_;
  std::size_t size_;
};

}  // namespace internal

inline Items View::items() const {
  return IsArray() ? Items(node_->nodes, node_->size) : Items(nullptr, 0);
}

inline Members View::members() const {
  return IsObject() ? Members(node_->nodes, node_->size) : Members(nullptr, 0);
}

// A View that keeps its document alive. Copying is cheap, and because documents never change a
// Value may be read from many threads at once. A View taken from a temporary Value dangles.
class Value : public View {
 public:
  Value();  // null

  // One scalar. A double is written in the shortest form that reads back as itself and must be
  // finite (see Builder::Double). The string is copied.
  template <class T>
    requires std::is_arithmetic_v<T>
  static Value Of(T scalar) {
    if constexpr (std::is_same_v<T, bool>) {
      return OfBool(scalar);
    } else if constexpr (std::is_floating_point_v<T>) {
      return OfDouble(static_cast<double>(scalar));
    } else if constexpr (std::is_signed_v<T>) {
      return OfInt(scalar);
    } else {
      return OfUint(scalar);
    }
  }
  static Value Of(std::string_view text);

  // A deep copy in an arena of its own, so that a small part does not keep a large document.
  static Value CopyOf(View view);

  // An owning handle on a part of this document; it keeps the whole document alive. `part` must
  // come from this Value.
  Value Share(View part) const { return Value(part, arena_); }

 private:
  friend class Builder;
  Value(View view, std::shared_ptr<const Arena> arena);

  static Value OfBool(bool value);
  static Value OfInt(std::int64_t value);
  static Value OfUint(std::uint64_t value);
  static Value OfDouble(double value);

  // Shared because documents are handed across threads; null for the constants.
  std::shared_ptr<const Arena> arena_;
};

}  // namespace weir::json
