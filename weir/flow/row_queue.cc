#include "weir/flow/row_queue.h"

#include <string>
#include <utility>

namespace weir::flow {
namespace {

// Roughly: what it and everything within it has allocated.
std::size_t WeightOf(json::View value) {
  constexpr std::size_t kNode = 16;
  std::size_t bytes = kNode + value.StringOr(value.NumberText()).size();
  for (const json::View item : value.items()) bytes += WeightOf(item);
  for (const json::Member& member : value.members()) {
    bytes += kNode + member.key.size() + WeightOf(member.value);
  }
  return bytes;
}

std::size_t WeightOf(const EndedRow& row) {
  constexpr std::size_t kPart = 128;  // of an entry in one of the lists
  std::size_t bytes = sizeof(EndedRow) + kPart * row.given.size();
  for (const NodeOutput& output : row.record.outputs) bytes += kPart + WeightOf(output.value);
  for (const FlatRow& flat : row.record.flat) {
    bytes += kPart;
    for (const auto& [node, value] : flat.values) bytes += kPart + WeightOf(value);
  }
  for (const RowError& error : row.record.errors) bytes += 4 * kPart + error.error.message.size();
  for (const std::string& line : row.record.carried) bytes += kPart + line.size();
  return bytes;
}

}  // namespace

void RowQueue::Add(EndedRow row) {
  const std::uint64_t number = row.record.row;
  Waiting waiting{.row = std::move(row)};
  if (number != next_) {
    const std::size_t bytes = WeightOf(waiting.row);
    if (bytes <= most_light_ - light_) {
      waiting.light = bytes;
      light_ += bytes;
      waiting.row.place.Release();
    }
  }
  waiting_.emplace(number, std::move(waiting));
}

std::optional<EndedRow> RowQueue::Take() {
  if (waiting_.empty() || waiting_.begin()->first != next_) return std::nullopt;
  Waiting first = std::move(waiting_.extract(waiting_.begin()).mapped());
  light_ -= first.light;
  ++next_;
  return std::move(first.row);
}

void RowQueue::Clear() {
  waiting_.clear();
  light_ = 0;
}

}  // namespace weir::flow
