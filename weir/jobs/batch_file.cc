#include "weir/jobs/batch_file.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <utility>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/jobs/batch_spool.h"
#include "weir/json/reader.h"
#include "weir/wire/batch_check.h"

namespace weir::jobs {
namespace {

// The lines of a file and where they stand.
class Lines {
 public:
  explicit Lines(const std::string& path) : file_(path, std::ios::binary) {}

  bool open() const { return file_.is_open(); }
  bool broken() const { return file_.bad(); }
  // False at the end. The line is without its line feed.
  bool Next() {
    offset_ = next_;
    if (!std::getline(file_, line_)) return false;
    next_ += line_.size() + 1;
    return true;
  }
  const std::string& line() const { return line_; }
  std::uint64_t offset() const { return offset_; }

 private:
  std::ifstream file_;
  std::string line_;
  std::uint64_t offset_ = 0;
  std::uint64_t next_ = 0;
};

// Two hashes, since one of 64 bits is met by chance too easily.
class Digest {
 public:
  void Add(std::string_view bytes) {
    one_ = StableHash(bytes.data(), bytes.size(), one_);
    two_ = StableHash(bytes.data(), bytes.size(), two_);
  }
  std::string Text() const { return HexText(one_) + HexText(two_); }

 private:
  std::uint64_t one_ = 1;
  std::uint64_t two_ = 2;
};

std::unexpected<Error> Unreadable(const std::string& path) {
  return Fail(Code::kConfigError, StrCat("cannot read ", path));
}

void WriteLine(BatchSpool& out, std::string_view line) {
  out.Write(line);
  out.Write("\n");
}

std::string IdOf(const std::string& line) {
  const Result<json::Value> request = json::Read(line);
  return request ? std::string(request->Find("custom_id").StringOr("")) : "";
}

}  // namespace

Result<std::string> DigestFile(const std::string& path) {
  Lines lines(path);
  if (!lines.open()) return Unreadable(path);
  Digest digest;
  while (lines.Next()) digest.Add(lines.line());
  if (lines.broken()) return Unreadable(path);
  return digest.Text();
}

Result<BatchInput> CheckBatchFile(const std::string& path, const BatchLimits& limits) {
  Lines lines(path);
  if (!lines.open()) return Unreadable(path);
  std::error_code failed;
  const std::uintmax_t bytes = std::filesystem::file_size(path, failed);
  if (failed) return Unreadable(path);
  wire::BatchChecker checker({.endpoint = {}, .max_requests = limits.max_requests});
  Digest digest;
  while (lines.Next()) {
    digest.Add(lines.line());
    checker.Add(lines.line());
  }
  if (lines.broken()) return Unreadable(path);
  checker.Finish();
  BatchInput input{.problems = checker.errors(),
                   .endpoint = checker.endpoint(),
                   .model = checker.model(),
                   .mixed_models = checker.mixed_models(),
                   .requests = checker.requests(),
                   .bytes = bytes,
                   .digest = digest.Text()};
  if (input.bytes > limits.max_bytes) {
    wire::BatchError& error = input.problems.emplace_back();
    error.code = "file_too_large";
    error.message = StrCat("The file has ", input.bytes, " bytes, and a batch has at most ",
                           limits.max_bytes, ".");
  }
  return input;
}

std::string TellProblems(const std::string& path, const std::vector<wire::BatchError>& problems) {
  std::string text;
  for (const wire::BatchError& problem : problems) {
    text += path;
    if (problem.line) StrAppend(text, ":", *problem.line);
    StrAppend(text, ": ", problem.code, ": ", problem.message, "\n");
  }
  return text;
}

Result<void> BatchResults::Add(const std::string& path) {
  Lines lines(path);
  if (!lines.open()) return Fail(Code::kIoError, StrCat("cannot read the results in ", path));
  const auto file = static_cast<std::uint32_t>(paths_.size());
  paths_.push_back(path);
  while (lines.Next()) {
    if (Trim(lines.line()).empty()) continue;
    const std::optional<wire::BatchVerdict> verdict = wire::ReadBatchVerdict(lines.line());
    if (!verdict) {
      ++strays_;
      continue;
    }
    Place& place = places_[verdict->custom_id];
    if (place.answered && !verdict->answered) continue;
    place = {.file = file,
             .answered = verdict->answered,
             .good = verdict->good,
             .offset = lines.offset(),
             .size = lines.line().size()};
  }
  if (lines.broken()) return Fail(Code::kIoError, StrCat("cannot read the results in ", path));
  return {};
}

bool BatchResults::IsAnswered(const std::string& custom_id) const {
  const auto found = places_.find(custom_id);
  return found != places_.end() && found->second.answered;
}

// Reads results where they lie.
class Merger {
 public:
  explicit Merger(const BatchResults& results) : results_(results) {
    for (const std::string& path : results.paths_) {
      files_.push_back(std::make_unique<std::ifstream>(path, std::ios::binary));
    }
  }

  Result<void> Take(const std::string& custom_id, const wire::BatchError& missing, BatchSpool& out,
                    MergeCounts& counts) {
    ++counts.total;
    const auto found = results_.places_.find(custom_id);
    if (found == results_.places_.end()) {
      ++counts.missing;
      wire::BatchResult result;
      result.custom_id = custom_id;
      result.error = missing;
      out.Write(wire::EncodeBatchResult(result));
      return {};
    }
    const BatchResults::Place& place = found->second;
    ++(place.good ? counts.good : place.answered ? counts.failed : counts.missing);
    std::ifstream& file = *files_[place.file];
    line_.resize(place.size);
    file.seekg(static_cast<std::streamoff>(place.offset));
    file.read(line_.data(), static_cast<std::streamsize>(place.size));
    if (!file) {
      return Fail(Code::kIoError,
                  StrCat("cannot read the results in ", results_.paths_[place.file]));
    }
    WriteLine(out, line_);
    return {};
  }

 private:
  const BatchResults& results_;
  std::vector<std::unique_ptr<std::ifstream>> files_;
  std::string line_;
};

Result<MergeCounts> MergeResults(const std::string& input, const BatchResults& results,
                                 const wire::BatchError& missing, const std::string& out) {
  Lines lines(input);
  if (!lines.open()) return Unreadable(input);
  BatchSpool file(out);
  Merger merger(results);
  MergeCounts counts;
  while (lines.Next()) {
    if (Trim(lines.line()).empty()) continue;
    WEIR_CHECK(merger.Take(IdOf(lines.line()), missing, file, counts));
  }
  if (lines.broken()) return Unreadable(input);
  WEIR_CHECK(file.Finish());
  return counts;
}

Result<std::uint64_t> WriteUnanswered(const std::string& input, const BatchResults& results,
                                      const std::string& out) {
  Lines lines(input);
  if (!lines.open()) return Unreadable(input);
  BatchSpool file(out);
  std::uint64_t count = 0;
  while (lines.Next()) {
    if (Trim(lines.line()).empty() || results.IsAnswered(IdOf(lines.line()))) continue;
    WriteLine(file, lines.line());
    ++count;
  }
  if (lines.broken()) return Unreadable(input);
  WEIR_CHECK(file.Finish());
  return count;
}

}  // namespace weir::jobs
