// Rows of JSON: one object in a line, or one list of objects.

#include <utility>

#include "weir/base/text.h"
#include "weir/flow/rows_input.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/store/crc32c.h"

namespace weir::flow {
namespace {

constexpr std::size_t kMaxListBytes = 256 << 20;

class JsonLines final : public RowSource {
 public:
  JsonLines(std::unique_ptr<RowInput> input, const RowOptions& options)
      : input_(std::move(input)), lines_(*input_, options.max_row_bytes), maker_(options) {}

  Result<std::optional<Row>> Next() override {
    if (maker_.at_limit()) return std::optional<Row>();
    Result<bool> more = ahead_ ? *std::exchange(ahead_, std::nullopt) : lines_.Next();
    while (more && *more && lines_.blank()) more = lines_.Next();
    if (!more) return std::unexpected<Error>(more.error());
    if (!*more) return std::optional<Row>();
    checksum_ = lines_.Checksum(checksum_);
    return std::optional(ReadLine());
  }
  bool WouldWait() override {
    if (maker_.at_limit()) return false;
    // Blank lines are stepped over, since there may be nothing behind them.
    while (!ahead_) {
      if (input_->WouldWait(maker_.options().max_row_bytes)) return true;
      Result<bool> more = lines_.Next();
      if (!more || !*more || !lines_.blank()) ahead_ = std::move(more);
    }
    return false;
  }
  std::uint32_t checksum() const override { return checksum_; }
  std::optional<double> part_read() const override {
    return PartRead(input_->part_read(), maker_.part_of_limit());
  }

 private:
  Row ReadLine() {
    const std::string place = input_->Place(lines_.number());
    if (lines_.too_long()) return maker_.TooLong(place);
    Result<json::Value> value = json::Read(lines_.text(), {.max_depth = maker_.options().max_depth,
                                                           .max_bytes = lines_.text().size()});
    if (!value) {
      Error error = std::move(value).error();
      const bool csv = lines_.number() == 1 && lines_.text().contains(',') &&
                       !Trim(lines_.text()).starts_with('{');
      error.message = StrCat(place, " is no JSON: ", error.message,
                             "; every line holds one JSON object: {\"name\": \"value\"}",
                             csv ? " (CSV is read from files whose names end in .csv)" : "");
      return maker_.Bad(std::move(error));
    }
    if (!value->IsObject()) {
      return maker_.Bad(StrCat(place, " is no JSON object, but a value of the kind ",
                               json::KindName(value->kind()),
                               "; every line holds one: {\"name\": \"value\"}"));
    }
    return maker_.Make(*std::move(value), place);
  }

  const std::unique_ptr<RowInput> input_;
  LineInput lines_;
  RowMaker maker_;
  std::optional<Result<bool>> ahead_;  // what the next line is, if it was read already
  std::uint32_t checksum_ = 0;
};

class JsonList final : public RowSource {
 public:
  JsonList(json::Value list, const RowOptions& options) : list_(std::move(list)), maker_(options) {}

  Result<std::optional<Row>> Next() override {
    if (maker_.at_limit() || next_ == list_.size()) return std::optional<Row>();
    const json::View item = list_[next_++];
    checksum_ = store::Crc32c(json::Write(item), checksum_);
    const std::string place = StrCat("item ", next_ - 1);
    if (!item.IsObject()) {
      return std::optional(maker_.Bad(
          StrCat(place, " of the list is no object, but a value of the kind ",
                 json::KindName(item.kind()), "; every item is one: {\"name\": \"value\"}")));
    }
    return std::optional(maker_.Make(list_.Share(item), place));
  }
  std::uint32_t checksum() const override { return checksum_; }
  std::optional<std::uint64_t> total() const override {
    return std::min<std::uint64_t>(list_.size(), maker_.options().limit.value_or(list_.size()));
  }

 private:
  const json::Value list_;
  RowMaker maker_;
  std::size_t next_ = 0;
  std::uint32_t checksum_ = 0;
};

}  // namespace

std::unique_ptr<RowSource> JsonRows(std::unique_ptr<RowInput> input, const RowOptions& options) {
  return std::make_unique<JsonLines>(std::move(input), options);
}

Result<std::unique_ptr<RowSource>> JsonListRows(std::unique_ptr<RowInput> input,
                                                const RowOptions& options) {
  std::string text;
  for (;;) {
    WEIR_TRY(const std::string_view bytes, input->Peek());
    if (bytes.empty()) break;
    text += bytes;
    input->Skip(bytes.size());
    if (text.size() > kMaxListBytes) {
      return Fail(Code::kConfigError,
                  StrCat(input->Place(1), ": a list of rows may have ", kMaxListBytes,
                         " bytes; write the rows as JSON lines, which have no such limit: ",
                         "jq -c '.[]' FILE > rows.jsonl"));
    }
  }
  Result<json::Value> list = json::Read(text, {.max_bytes = kMaxListBytes});
  if (!list) {
    return Fail(
        Code::kConfigError,
        StrCat(input->Place(1), ": the list of rows cannot be read: ", list.error().message));
  }
  return std::make_unique<JsonList>(*std::move(list), options);
}

}  // namespace weir::flow
