#include "weir/agent/checkpoint.h"

#include <optional>
#include <utility>

#include <unistd.h>

#include "weir/agent/message_json.h"
#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/store/journal.h"

namespace weir::agent {
namespace {

enum Record : std::uint8_t { kBeginning = 1, kMessage, kReplaced, kStarted };

std::string BeginningText(std::uint64_t beginning) {
  return StrCat(R"({"version":1,"beginning":")", beginning, R"("})");
}

Result<void> TakeMessages(json::View record, Begun& begun) {
  for (const json::View item : record.Find("messages").items()) {
    WEIR_TRY(model::Message message, ReadMessage(item));
    begun.messages.push_back(std::move(message));
  }
  begun.figures = ReadFigures(record.Find("figures"));
  return {};
}

std::string RecordOf(const model::Message* first, std::size_t count, const Figures& figures) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.PlainKey("messages");
  out.BeginArray();
  for (std::size_t i = 0; i < count; ++i) WriteMessage(out, first[i]);
  out.EndArray();
  out.PlainKey("figures");
  WriteFigures(out, figures);
  out.EndObject();
  return text;
}

struct Opened {
  store::Journal journal;
  Begun begun;
  bool same = true;  // it has nothing, or began from the same
  bool empty = true;
};

Result<Opened> OpenJournal(const std::string& path, std::uint64_t beginning, bool* in_use) {
  Begun begun;
  bool same = true;
  bool empty = true;
  const auto take = [&](std::string_view payload, std::uint8_t type) -> Result<void> {
    if (std::exchange(empty, false)) {
      same = type == kBeginning && payload == BeginningText(beginning);
      return {};
    }
    if (!same) return {};
    WEIR_TRY(const json::Value record, json::Read(payload));
    switch (type) {
      case kReplaced:
        begun.messages.clear();
        [[fallthrough]];
      case kMessage:
        return TakeMessages(record, begun);
      case kStarted:
        begun.started.emplace_back(record.Find("id").StringOr(""));
        return {};
      default:
        return Fail(Code::kIoError, StrCat("the checkpoint ", path, " is of a later version"));
    }
  };
  WEIR_TRY(store::Journal journal, store::Journal::Open(path, {}, take, in_use));
  return Opened{
      .journal = std::move(journal), .begun = std::move(begun), .same = same, .empty = empty};
}

class JournalCheckpoint final : public Checkpoint {
 public:
  JournalCheckpoint(store::Journal journal, Begun begun)
      : journal_(std::move(journal)), begun_(std::move(begun)) {}

  const Begun& begun() const override { return begun_; }

  Result<void> Add(const model::Message& message, const Figures& figures) override {
    return journal_.Append(kMessage, RecordOf(&message, 1, figures));
  }

  Result<void> Replace(const std::vector<model::Message>& messages,
                       const Figures& figures) override {
    return journal_.Append(kReplaced, RecordOf(messages.data(), messages.size(), figures));
  }

  Result<void> Start(const std::string& call_id) override {
    std::string text;
    json::Writer out(text);
    out.BeginObject();
    out.Field("id", call_id);
    out.EndObject();
    return journal_.Append(kStarted, text);
  }

 private:
  store::Journal journal_;
  const Begun begun_;
};

}  // namespace

std::uint64_t BeginningOf(const std::vector<model::Message>& messages, std::uint64_t seed) {
  std::string text;
  json::Writer out(text);
  out.BeginArray();
  for (const model::Message& message : messages) WriteMessage(out, message);
  out.EndArray();
  return StableHash(text.data(), text.size(), seed);
}

Result<std::unique_ptr<Checkpoint>> Checkpoint::Open(const std::string& path,
                                                     std::uint64_t beginning, bool* in_use) {
  std::optional<Opened> opened;
  {
    WEIR_TRY(Opened first, OpenJournal(path, beginning, in_use));
    opened.emplace(std::move(first));
  }
  if (!opened->same) {
    opened.reset();
    ::unlink(path.c_str());
    WEIR_TRY(Opened anew, OpenJournal(path, beginning, in_use));
    opened.emplace(std::move(anew));
  }
  if (opened->empty) {
    WEIR_CHECK(opened->journal.Append(kBeginning, BeginningText(beginning)));
  }
  return std::make_unique<JournalCheckpoint>(std::move(opened->journal), std::move(opened->begun));
}

}  // namespace weir::agent
