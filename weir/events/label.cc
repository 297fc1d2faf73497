#include "weir/events/label.h"

#include <algorithm>
#include <array>

namespace weir::events {
namespace {

constexpr std::size_t kFewFields = 40;  // as many need no memory of their own
constexpr int kIdBits = 28;             // of the spans below one label; both fit into a double

}  // namespace

LabelSink::LabelSink(TraceSink& next, EventLabels labels, std::uint64_t parent)
    : TraceSink(next.wants_spans()),
      next_(next),
      labels_(std::move(labels)),
      parent_(parent),
      first_id_(next.NewSpanId() << kIdBits) {}

void LabelSink::OnEvent(std::string_view name, std::span<const TraceField> fields) {
  std::array<TraceField, kFewFields> few;
  std::vector<TraceField> many;
  const std::size_t count = labels_.size() + fields.size();
  if (count > few.size()) many.resize(count);
  const std::span<TraceField> all = many.empty() ? std::span(few).first(count) : std::span(many);
  for (std::size_t i = 0; i < labels_.size(); ++i) {
    const auto& [key, value] = labels_[i];
    all[i].key = key;
    if (const auto* text = std::get_if<std::string>(&value)) {
      all[i].value = std::string_view(*text);
    } else {
      all[i].value = std::get<std::int64_t>(value);
    }
  }
  std::ranges::copy(fields, all.begin() + static_cast<std::ptrdiff_t>(labels_.size()));
  next_.OnEvent(name, all);
}

SpanRecord LabelSink::Renumbered(SpanRecord span) const {
  span.id += first_id_;
  span.parent = span.parent == 0 ? parent_ : span.parent + first_id_;
  return span;
}

}  // namespace weir::events
