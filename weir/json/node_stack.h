#pragma once

// The nodes of a document whose container is still open. Those of most documents that are read fit
// into the object itself, so that a small document costs no allocation here.

#include <algorithm>
#include <cstddef>
#include <memory>
#include <utility>

#include "weir/json/value.h"

namespace weir::json::internal {

class NodeStack {
 public:
  NodeStack() : nodes_(first_), capacity_(kFirst) {}
  NodeStack(const NodeStack&) = delete;
  NodeStack& operator=(const NodeStack&) = delete;

  std::size_t size() const { return size_; }
  Node& operator[](std::size_t index) { return nodes_[index]; }
  const Node& front() const { return nodes_[0]; }
  const Node& back() const { return nodes_[size_ - 1]; }

  void Push(Node node) {
    if (size_ == capacity_) Grow();
    nodes_[size_++] = node;
  }
  void Pop(std::size_t count) { size_ -= count; }

 private:
  static constexpr std::size_t kFirst = 48;

  void Grow() {
    auto larger = std::make_unique_for_overwrite<Node[]>(capacity_ * 2);
    std::copy_n(nodes_, size_, larger.get());
    capacity_ *= 2;
    grown_ = std::move(larger);
    nodes_ = grown_.get();
  }

  Node* nodes_;
  std::size_t size_ = 0;
  std::size_t capacity_;
  std::unique_ptr<Node[]> grown_;
  Node first_[kFirst];
};

}  // namespace weir::json::internal
