#pragma once

// The tree under the partial reader: complete values lie in an arena, the children of open
// containers in buffers that grow, and a View over both can be taken at any time.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/json/arena.h"
#include "weir/json/partial.h"
#include "weir/json/value.h"

namespace weir::json::internal {

// Takes the events of Builder, and a value that is still open with each question.
class PartialTree {
 public:
  explicit PartialTree(const PartialOptions& options) : options_(options), arena_(0) {}
  PartialTree(const PartialTree&) = delete;
  PartialTree& operator=(const PartialTree&) = delete;

  static Node Scalar(Kind kind, std::string_view text = {});
  static Node Bool(bool value);

  void Begin(Kind kind);
  void End();
  void Key(std::string_view key);  // copied
  void Add(Node value);            // a complete one; the text of strings and numbers is copied

  std::size_t depth() const { return depth_; }
  bool in_object() const { return depth_ != 0 && levels_[depth_ - 1].kind == Kind::kObject; }
  bool complete() const { return complete_; }

  // `open` is the scalar that is being read, if it may be shown.
  View Snapshot(std::optional<Node> open);
  std::vector<std::string> OpenPlaces(bool open_scalar) const;
  std::vector<std::string> TakeCompleted();

 private:
  // An open container. A level is used again for the next container of its depth, so that its
  // buffers are allocated once.
  struct Level {
    Kind kind;
    Node key;                 // of the member that comes next
    std::vector<Node> nodes;  // the first `used` are complete children; the rest is room
    std::size_t used;

    // The hash index of the members shown last. It is good for nodes that lie at `index_base`.
    std::vector<std::uint32_t> slots;
    const Node* index_base;
    std::size_t indexed;
    std::size_t index_written;  // for how many members a copy stands behind the nodes
    bool duplicates;
  };

  bool Shown(const Level& level) const {
    return level.kind == Kind::kObject ? options_.objects : options_.arrays;
  }
  void AppendPlace(std::string& pointer, const Level& level) const;
  void Push(Node value);
  static void Reserve(Level& level, std::size_t nodes);
  static void WriteIndex(Level& level, std::size_t members);
  Node Freeze(Level& level);
  Node ShowLevel(Level& level, const std::optional<Node>& open);

  const PartialOptions& options_;
  Arena arena_;
  std::vector<Level> levels_;  // the first `depth_` are open
  std::size_t depth_ = 0;
  Node root_{};
  bool complete_ = false;
  std::vector<std::string> completed_;
};

}  // namespace weir::json::internal
