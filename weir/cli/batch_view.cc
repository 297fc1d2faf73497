#include "weir/cli/batch_view.h"

#include <utility>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/cli/run_view.h"
#include "weir/json/writer.h"

namespace weir::cli {
namespace {

constexpr std::int64_t kTenths = 10;

std::int64_t TenthOf(const wire::BatchCounts& counts) {
  if (counts.total <= 0) return 0;
  return (counts.completed + counts.failed) * kTenths / counts.total;
}

}  // namespace

std::string BatchLine(const wire::BatchObject& batch) {
  std::string line = StrCat(batch.id, "  ", batch.status);
  const wire::BatchCounts& counts = batch.counts;
  if (counts.total > 0) {
    StrAppend(line, "  ", counts.completed + counts.failed, " of ", counts.total, " answered");
    if (counts.failed > 0) StrAppend(line, ", ", counts.failed, " failed");
  }
  return Harmless(line);
}

std::string CollectedJson(const jobs::BatchJob::Collected& collected, const std::string& out,
                          const std::string& batch_id) {
  std::string text;
  json::Writer writer(text);
  writer.BeginObject();
  writer.Field("batch_id", batch_id);
  writer.Field("status", collected.status);
  writer.Field("output", out);
  const std::pair<const char*, std::uint64_t> counts[] = {{"requests", collected.counts.total},
                                                          {"good", collected.counts.good},
                                                          {"failed", collected.counts.failed},
                                                          {"missing", collected.counts.missing}};
  for (const auto& [name, count] : counts) {
    writer.Key(name);
    writer.Uint(count);
  }
  writer.EndObject();
  return text + "\n";
}

std::string CollectedText(const jobs::BatchJob::Collected& collected, const std::string& out) {
  const jobs::MergeCounts& counts = collected.counts;
  std::string text = StrCat(out, ": ", counts.good, " of ", counts.total, " answered");
  if (counts.failed > 0) StrAppend(text, ", ", counts.failed, " failed");
  if (counts.missing > 0) {
    StrAppend(text, ", ", counts.missing, " without an answer since the batch is ",
              collected.status);
  }
  return text;
}

void BatchProgress::Show(const wire::BatchObject& batch) {
  if (kind_ == Kind::kNone) return;
  const std::string line = BatchLine(batch);
  if (kind_ == Kind::kLive) {
    const Terminal::Size size = StderrSize();
    const auto width = static_cast<std::size_t>(size.width > 1 ? size.width - 1 : 1);
    terminal_.Raw(lines_.Draw({std::string(Utf8Prefix(line, width))}, size));
    drawn_ = true;
    return;
  }
  const std::int64_t tenth = TenthOf(batch.counts);
  if (batch.status == status_ && tenth == tenth_) return;
  status_ = batch.status;
  tenth_ = tenth;
  terminal_.Note(line);
}

void BatchProgress::End() {
  if (std::exchange(drawn_, false)) terminal_.Raw(lines_.Finish(StderrSize(), true));
}

}  // namespace weir::cli
