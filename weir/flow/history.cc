#include "weir/flow/history.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include <fcntl.h>

#include "weir/base/text.h"
#include "weir/flow/ledger.h"
#include "weir/json/writer.h"
#include "weir/store/journal_format.h"

namespace weir::flow {
namespace {

constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::size_t kMostPasses = std::numeric_limits<std::size_t>::max();

}  // namespace

History::History(store::FileOps& ops, std::string path, const std::vector<std::uint64_t>& ends)
    : ops_(ops), path_(std::move(path)) {
  std::uint64_t begin = store::kJournalHeader.size();
  rounds_.reserve(ends.size());
  for (const std::uint64_t end : ends) {
    rounds_.push_back({.position = begin, .end = end, .buffer = {}, .sure = {}, .origins = {}});
    begin = end;
  }
}

std::unexpected<Error> History::Failed(std::string_view why) const {
  return Fail(Code::kIoError, StrCat("cannot read again what the ledger ", path_, " has"),
              std::string(why));
}

Result<const Past*> History::Find(std::size_t pass, std::uint64_t origin, std::string_view child,
                                  std::size_t node) {
  for (Round& round : rounds_) {
    while (round.sure <= Place(pass, origin)) {
      WEIR_CHECK(ReadOn(round));
    }
  }
  const auto found = known_.find(KeyView(pass, origin, child, node));
  return found == known_.end() ? nullptr : &found->second.past;
}

void History::Forget(std::size_t pass, std::uint64_t origin) {
  forgotten_ = std::max(forgotten_, Place(pass, origin));
  known_.erase(known_.begin(), known_.lower_bound(KeyView(pass, origin, "", 0)));
}

// One record more; at the end of the round everything is sure.
Result<void> History::ReadOn(Round& round) {
  if (round.position >= round.end) {
    round.sure = {kMostPasses, 0};
    round.buffer = {};
    return {};
  }
  WEIR_TRY(std::string_view bytes, Bytes(round, store::kRecordHeadBytes));
  const auto head = store::ReadRecordHead(bytes, round.position);
  if (!head) return Failed("it changed since it was opened");
  WEIR_TRY(bytes, Bytes(round, head->record_bytes()));
  const auto payload = store::ReadRecordPayload(bytes, *head);
  if (!payload) return Failed("it changed since it was opened");
  round.from += head->record_bytes();
  round.position += head->record_bytes();
  return Take(round, *payload, head->type);
}

// At least so many bytes of the round, fewer only at the end of the file.
Result<std::string_view> History::Bytes(Round& round, std::size_t bytes) {
  if (!file_) file_.emplace(ops_, ops_.Open(path_, O_RDONLY | O_CLOEXEC, 0));
  if (!file_->open()) return Failed(std::strerror(errno));
  if (round.buffer.size() - round.from < bytes) {
    round.buffer.erase(0, std::exchange(round.from, 0));
  }
  while (round.buffer.size() - round.from < bytes) {
    const std::size_t had = round.buffer.size();
    round.buffer.resize(std::max(bytes, had + kReadBytes));
    const ssize_t got = file_->Read(round.buffer.data() + had, round.buffer.size() - had,
                                    static_cast<off_t>(round.position + had));
    const int error = errno;
    round.buffer.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    if (got < 0) return Failed(std::strerror(error));
    if (got == 0) break;
  }
  return std::string_view(round.buffer).substr(round.from);
}

Result<void> History::Take(Round& round, std::string_view payload, std::uint8_t type) {
  if (type == kFinishedRecord) {
    WEIR_TRY(Finished finished, DecodeFinished(payload));
    // Older ledgers do not say which row of the input one of a later pass was.
    if (finished.pass > 0 && !finished.origin) return {};
    const std::uint64_t origin = finished.origin.value_or(finished.row);
    if (finished.pass > 0) round.origins[finished.row] = origin;
    if (Place(finished.pass, origin) < forgotten_) return {};
    Keep(static_cast<std::size_t>(&round - rounds_.data()), origin, std::move(finished));
    return {};
  }
  if (type != kNoteRecord) return {};
  WEIR_TRY(const Note note, DecodeNote(payload));
  if (note.pass != round.sure.first) {
    round.sure = {note.pass, 0};
    round.origins.clear();  // the pass before is on the disk whole
  }
  if (note.pass == 0) round.sure.second = note.rows;
  while (!round.origins.empty() && round.origins.begin()->first < note.rows) {
    round.sure.second = std::max(round.sure.second, round.origins.begin()->second);
    round.origins.erase(round.origins.begin());
  }
  return {};
}

// Rounds are read side by side, so that a later one may come first. What a record took has in it
// what those of earlier rounds did: the most is the sum.
void History::Keep(std::size_t round, std::uint64_t origin, Finished finished) {
  Known& known = known_[Key(finished.pass, origin, finished.child, finished.node)];
  Past& past = known.past;
  past.prompt_tokens = std::max(past.prompt_tokens, finished.prompt_tokens);
  past.completion_tokens = std::max(past.completion_tokens, finished.completion_tokens);
  past.cached_tokens = std::max(past.cached_tokens, finished.cached_tokens);
  past.cost = std::max(past.cost, finished.cost);
  if (finished.agents.ended > past.agents.ended) past.agents = finished.agents;
  if (finished.confidences.size() > past.confidences.size()) {
    past.confidences = finished.confidences;
  }
  const bool failed = std::holds_alternative<Error>(finished.outcome);
  if (failed) ++past.failures;
  if (round < known.round) return;
  known.round = round;
  past.answer.reset();
  if (!failed) past.answer = std::move(finished);
}

std::string TotalsAgain(json::View totals) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  for (const char* kept : {"seconds", "sessions"}) {
    if (const json::View value = totals.Find(kept); value.exists()) out.Field(kept, value);
  }
  out.Key("nodes");
  out.BeginObject();
  for (const json::Member node : totals.Find("nodes").members()) {
    out.Key(node.key);
    out.BeginObject();
    for (const char* kept : {"retries", "fallbacks", "repaired", "latencies_ms", "model", "weights",
                             "dialect", "server_version"}) {
      if (const json::View value = node.value.Find(kept); value.exists()) out.Field(kept, value);
    }
    out.EndObject();
  }
  out.EndObject();
  out.EndObject();
  return text;
}

}  // namespace weir::flow
