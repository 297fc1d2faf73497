#include "weir/jobs/answer_journal.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>
#include <utility>

#include <fcntl.h>
#include <sys/file.h>

#include "weir/base/text.h"
#include "weir/flow/ledger.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/store/journal_scan.h"

namespace weir::jobs {
namespace {

namespace fs = std::filesystem;

// Types of the records; numbers never change.
constexpr std::uint8_t kAskedRecord = 1;     // a job's node, as EncodeFinished writes it
constexpr std::uint8_t kAnsweredRecord = 2;  // its length, it, and the attempts
constexpr std::uint8_t kEndedRecord = 3;     // numbers of jobs
constexpr std::uint8_t kCountedRecord = 4;   // a job, and how many open questions were counted

constexpr std::string_view kEnding = ".answers";
constexpr std::size_t kMostRecordBytes = 1 << 30;
constexpr std::int64_t kMostSegments = 100'000'000;

void PutNumber(std::string& out, std::uint64_t number) {
  for (int i = 0; i < 8; ++i) out += static_cast<char>(number >> (8 * i) & 0xFF);
}

std::optional<std::uint64_t> TakeNumber(std::string_view& bytes) {
  if (bytes.size() < 8) return std::nullopt;
  std::uint64_t number = 0;
  for (int i = 7; i >= 0; --i) number = number << 8 | static_cast<unsigned char>(bytes[i]);
  bytes.remove_prefix(8);
  return number;
}

std::unexpected<Error> Damaged(std::string_view path) {
  return Fail(Code::kIoError, StrCat(path,
                                     " holds a record that no weir wrote; move it away, and the "
                                     "answers in it are asked for again"));
}

struct AnsweredParts {
  flow::Finished finished;
  std::string_view attempts;
};

Result<AnsweredParts> ReadAnswered(std::string_view payload, std::string_view path) {
  const std::optional<std::uint64_t> length = TakeNumber(payload);
  if (!length || *length > payload.size()) return Damaged(path);
  WEIR_TRY(flow::Finished finished, flow::DecodeFinished(payload.substr(0, *length)));
  return AnsweredParts{std::move(finished), payload.substr(*length)};
}

}  // namespace

Result<std::unique_ptr<AnswerJournal>> AnswerJournal::Open(AnswerJournalOptions options) {
  std::error_code failed;
  fs::create_directories(options.folder, failed);
  if (failed) {
    return Fail(Code::kIoError, StrCat("cannot make the folder ", options.folder,
                                       " for the journal of answers: ", failed.message(),
                                       "; choose another with --journal"));
  }
  // Not make_unique: the constructor is private.
  std::unique_ptr<AnswerJournal> journal(new AnswerJournal(std::move(options)));
  // Behind every file of that name: an earlier worker of it may have left some.
  for (const fs::directory_entry& entry : fs::directory_iterator(journal->folder(), failed)) {
    const std::optional<int> segment = journal->SegmentOf(entry.path().filename().string());
    if (segment) journal->segment_ = std::max(journal->segment_, *segment);
  }
  WEIR_CHECK(journal->NextSegment());
  return journal;
}

AnswerJournal::~AnswerJournal() {
  journal_.reset();
  std::error_code ignored;
  for (const auto& [segment, jobs] : open_) {
    if (jobs.empty()) fs::remove(PathOf(segment), ignored);
  }
}

std::string AnswerJournal::PathOf(int segment) const {
  std::string number = StrCat(segment);
  number.insert(0, 4 - std::min<std::size_t>(4, number.size()), '0');
  return StrCat(options_.folder, "/", options_.name, "-", number, kEnding);
}

// The number in NAME-0001.answers; nothing for files of others.
std::optional<int> AnswerJournal::SegmentOf(std::string_view file) const {
  const std::string front = options_.name + "-";
  if (!file.starts_with(front) || !file.ends_with(kEnding)) return std::nullopt;
  file.remove_prefix(front.size());
  file.remove_suffix(kEnding.size());
  const std::optional<std::int64_t> number = ParseInt(file);
  if (!number || *number < 0 || *number > kMostSegments) return std::nullopt;
  return static_cast<int>(*number);
}

Result<void> AnswerJournal::NextSegment() {
  std::error_code ignored;
  do {
    ++segment_;
  } while (fs::exists(PathOf(segment_), ignored));
  const store::JournalOptions options{.max_record_bytes = kMostRecordBytes, .ops = options_.ops};
  const auto keep_none = [](std::string_view, std::uint8_t) { return Result<void>(); };
  WEIR_TRY(store::Journal opened, store::Journal::Open(PathOf(segment_), options, keep_none));
  journal_.emplace(std::move(opened));
  open_[segment_];
  DropEnded();
  return {};
}

// Files behind us whose jobs have all ended.
void AnswerJournal::DropEnded() {
  std::error_code ignored;
  std::erase_if(open_, [&](const auto& segment) {
    const bool done = segment.first != segment_ && segment.second.empty();
    if (done) fs::remove(PathOf(segment.first), ignored);
    return done;
  });
}

Result<void> AnswerJournal::Append(std::uint8_t type, std::string_view payload) {
  WEIR_CHECK(journal_->Append(type, payload));
  if (journal_->bytes() > options_.segment_bytes) return NextSegment();
  return {};
}

Result<void> AnswerJournal::Asked(const flow::Finished& blank) {
  ++open_[segment_][static_cast<JobId>(blank.row)];
  return Append(kAskedRecord, flow::EncodeFinished(blank));
}

Result<void> AnswerJournal::Answered(const flow::Finished& finished,
                                     std::span<const std::string> attempts) {
  const std::string encoded = flow::EncodeFinished(finished);
  std::string payload;
  PutNumber(payload, encoded.size());
  payload += encoded;
  json::Writer out(payload);
  out.BeginArray();
  for (const std::string& attempt : attempts) out.String(attempt);
  out.EndArray();
  ++open_[segment_][static_cast<JobId>(finished.row)];
  return Append(kAnsweredRecord, payload);
}

Result<void> AnswerJournal::Ended(std::span<const JobId> jobs) {
  std::string payload;
  for (const JobId job : jobs) {
    PutNumber(payload, static_cast<std::uint64_t>(job));
    for (auto& [segment, open] : open_) open.erase(job);
    for (auto& [path, foreign] : read_) foreign.jobs.erase(job);
  }
  DropEnded();
  return Append(kEndedRecord, payload);
}

Result<void> AnswerJournal::ReadFile(const std::string& path, Foreign& into) const {
  store::FileOps& ops = options_.ops != nullptr ? *options_.ops : store::SystemFileOps();
  const store::File file(ops, ops.Open(path, O_RDONLY | O_CLOEXEC, 0));
  if (!file.open()) return {};  // its owner has just removed it
  Foreign fresh;
  const auto take = [&](std::string_view payload, std::uint8_t type) -> Result<void> {
    if (type == kEndedRecord) {
      while (const std::optional<std::uint64_t> job = TakeNumber(payload)) {
        fresh.jobs.erase(static_cast<JobId>(*job));
      }
      return {};
    }
    JobId job = 0;
    if (type == kCountedRecord) {
      std::string_view bytes = payload;
      const std::optional<std::uint64_t> counted = TakeNumber(bytes);
      if (!counted) return Damaged(path);
      job = static_cast<JobId>(*counted);
    } else if (type == kAnsweredRecord) {
      WEIR_TRY(const AnsweredParts parts, ReadAnswered(payload, path));
      job = static_cast<JobId>(parts.finished.row);
    } else if (type == kAskedRecord) {
      WEIR_TRY(const flow::Finished blank, flow::DecodeFinished(payload));
      job = static_cast<JobId>(blank.row);
    } else {
      return Damaged(path);
    }
    fresh.jobs[job].push_back({type, std::string(payload)});
    return {};
  };
  WEIR_TRY(const store::JournalScan scan, store::ScanJournal(file, path, kMostRecordBytes, take));
  fresh.bytes = scan.file_bytes;
  into = std::move(fresh);
  return {};
}

Result<void> AnswerJournal::ReadFolder() {
  std::error_code failed;
  std::set<std::string> there;
  for (const fs::directory_entry& entry : fs::directory_iterator(options_.folder, failed)) {
    const std::string path = entry.path().string();
    if (!path.ends_with(kEnding)) continue;
    there.insert(path);
    std::error_code gone;
    const std::uint64_t bytes = entry.file_size(gone);
    if (gone) continue;
    Foreign& foreign = read_[path];
    if (foreign.bytes == bytes) continue;
    // One that is damaged hides what is in it, and nothing else.
    const Result<void> read = ReadFile(path, foreign);
    foreign.bytes = bytes;
    foreign.damaged = !read;
    if (!read) complaints_.push_back(read.error().message);
  }
  if (failed) {
    return Fail(Code::kIoError,
                StrCat("cannot read the folder ", options_.folder, ": ", failed.message()));
  }
  std::erase_if(read_, [&](const auto& file) { return !there.contains(file.first); });
  return {};
}

Result<BegunBefore> AnswerJournal::Look(JobId job, std::uint32_t input) {
  WEIR_CHECK(ReadFolder());
  BegunBefore before;
  before.complaints = std::exchange(complaints_, {});
  // A question in one file may have its answer in the next.
  std::map<std::pair<std::string, std::size_t>, int> open;
  std::uint64_t counted = 0;
  for (const auto& [path, foreign] : read_) {
    const auto found = foreign.jobs.find(job);
    if (found == foreign.jobs.end()) continue;
    for (const Entry& entry : found->second) {
      if (entry.type == kCountedRecord) {
        std::string_view bytes = entry.payload;
        (void)TakeNumber(bytes);
        counted = std::max(counted, TakeNumber(bytes).value_or(0));
        continue;
      }
      if (entry.type == kAskedRecord) {
        WEIR_TRY(const flow::Finished blank, flow::DecodeFinished(entry.payload));
        ++open[{blank.child, blank.node}];
        continue;
      }
      WEIR_TRY(AnsweredParts parts, ReadAnswered(entry.payload, path));
      --open[{parts.finished.child, parts.finished.node}];
      if (parts.finished.input != input) continue;
      WEIR_TRY(const json::Value attempts, json::Read(parts.attempts));
      for (const json::View attempt : attempts.items()) {
        before.attempts.emplace_back(attempt.StringOr(""));
      }
      if (std::holds_alternative<Error>(parts.finished.outcome)) continue;
      before.answers.push_back(std::move(parts.finished));
    }
  }
  for (const auto& [node, times] : open) {
    before.asked += static_cast<std::uint64_t>(std::max(0, times));
  }
  before.in_flight = static_cast<int>(before.asked - std::min(before.asked, counted));
  return before;
}

Result<void> AnswerJournal::Counted(JobId job, std::uint64_t asked) {
  std::string payload;
  PutNumber(payload, static_cast<std::uint64_t>(job));
  PutNumber(payload, asked);
  ++open_[segment_][job];
  return Append(kCountedRecord, payload);
}

Result<int> AnswerJournal::Tidy(const std::function<Result<bool>(JobId)>& is_open) {
  WEIR_CHECK(ReadFolder());
  int removed = 0;
  std::vector<std::string> paths;
  paths.reserve(read_.size());
  for (const auto& [path, foreign] : read_) paths.push_back(path);
  for (const std::string& path : paths) {
    const bool own = std::ranges::any_of(
        open_, [&](const auto& segment) { return PathOf(segment.first) == path; });
    if (own) continue;
    // A worker that is alive holds its lock, and needs it whatever its jobs are.
    store::FileOps& ops = options_.ops != nullptr ? *options_.ops : store::SystemFileOps();
    const store::File file(ops, ops.Open(path, O_RDONLY | O_CLOEXEC, 0));
    if (!file.open() || file.Lock(LOCK_EX | LOCK_NB) != 0) continue;
    const Foreign& foreign = read_[path];
    bool needed = foreign.damaged;
    for (const auto& [job, entries] : foreign.jobs) {
      if (needed) break;
      WEIR_TRY(needed, is_open(job));
    }
    if (needed) continue;
    std::error_code ignored;
    removed += fs::remove(path, ignored) ? 1 : 0;
    read_.erase(path);
  }
  return removed;
}

}  // namespace weir::jobs
