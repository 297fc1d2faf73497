#include "weir/agent/workspace/review.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <system_error>
#include <utility>

#include "weir/agent/workspace/review_journal.h"
#include "weir/agent/workspace/review_plan.h"
#include "weir/agent/workspace/workspace_files.h"
#include "weir/agent/workspace/workspace_record.h"
#include "weir/base/text.h"

namespace weir::agent {
namespace {

namespace fs = std::filesystem;

// "row 2" before "row 10".
bool NaturallyLess(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    const auto a_digits =
        static_cast<std::size_t>(std::ranges::find_if_not(a, IsDigit) - a.begin());
    const auto b_digits =
        static_cast<std::size_t>(std::ranges::find_if_not(b, IsDigit) - b.begin());
    if (a_digits > 0 && b_digits > 0) {
      if (a_digits != b_digits) return a_digits < b_digits;
      const int order = a.substr(0, a_digits).compare(b.substr(0, b_digits));
      if (order != 0) return order < 0;
      a.remove_prefix(a_digits);
      b.remove_prefix(b_digits);
      continue;
    }
    if (a.front() != b.front()) return a.front() < b.front();
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return a.size() < b.size();
}

bool InOrder(const RowRecord& a, const RowRecord& b) {
  if (a.row != b.row) return NaturallyLess(a.row, b.row);
  return NaturallyLess(a.node, b.node);
}

// All rows that are done.
Result<std::vector<RowRecord>> ReadRecords(const WorkspacePaths& paths) {
  std::vector<RowRecord> records;
  std::error_code error;
  for (fs::directory_iterator node(paths.root(), error), end; !error && node != end;
       node.increment(error)) {
    if (!WorkspacePaths::IsOfNode(node->path().filename().string())) continue;
    if (!node->is_directory()) continue;
    for (fs::directory_iterator file(node->path(), error); !error && file != end;
         file.increment(error)) {
      if (file->path().extension() != ".json") continue;
      WEIR_TRY(std::optional<RowRecord> record, ReadRecord(file->path().string()));
      if (record) records.push_back(*std::move(record));
    }
  }
  if (error) {
    return Fail(Code::kIoError, StrCat("cannot list ", paths.root()), error.message());
  }
  std::ranges::sort(records, InOrder);
  return records;
}

Result<SourceRecord> RequireSource(const std::string& run_folder, const WorkspacePaths& paths) {
  WEIR_TRY(std::optional<SourceRecord> source, ReadSource(paths));
  if (source) return *std::move(source);
  if (fs::exists(run_folder + "/run.json")) {
    return Fail(Code::kConfigError,
                StrCat("the run ", run_folder, " has no workspaces: none of its nodes is an agent ",
                       "that works on a copy, so there is nothing to review"));
  }
  return Fail(Code::kConfigError,
              StrCat(run_folder, " is no run folder; name what `weir run -o` made"));
}

std::string NameOf(const ReviewItem& item) { return StrCat(item.node, "/", item.row); }

std::string_view StateName(ReviewState state) {
  switch (state) {
    case ReviewState::kAccepted:
      return "accepted";
    case ReviewState::kRejected:
      return "rejected";
    case ReviewState::kRetrying:
      return "sent back";
    case ReviewState::kPending:
      break;
  }
  return "pending";
}

class FolderReview final : public Review {
 public:
  FolderReview(WorkspacePaths paths, std::string source, ReviewJournal journal)
      : paths_(std::move(paths)), source_(std::move(source)), journal_(std::move(journal)) {}

  Result<void> Load() {
    WEIR_TRY(std::vector<RowRecord> records, ReadRecords(paths_));
    for (RowRecord& record : records) Take(std::move(record));
    if (!journal_.may_append()) return {};
    for (ReviewItem& item : items_) {
      const DecisionRecord* last = Last(item);
      if (last != nullptr && last->decision == Decision::kAccepting) {
        const DecisionRecord intent = *last;
        WEIR_CHECK(GoOn(item, intent));
      }
    }
    return {};
  }

  const std::string& source() const override { return source_; }
  const std::deque<ReviewItem>& items() const override { return items_; }
  const std::vector<std::string>& notes() const override { return notes_; }

  Result<const ReviewItem*> Find(std::string_view node, std::string_view row) override {
    WEIR_TRY(std::optional<RowRecord> record, ReadRecord(paths_.row(node, row) + ".json"));
    return record ? Take(*std::move(record)) : nullptr;
  }

  Result<std::string> Diff(const ReviewItem& item) const override {
    WEIR_TRY(const RowTrees trees, RowTrees::Open(paths_, source_, item));
    return DiffOf(trees, item);
  }

  Result<std::vector<Conflict>> Accept(const ReviewItem& item,
                                       const AcceptOptions& options) override {
    if (item.state != ReviewState::kPending) {
      return Fail(Code::kInvalidRequest,
                  StrCat("row ", NameOf(item), " is ", StateName(item.state), ", not pending"));
    }
    WEIR_TRY(const RowTrees trees, RowTrees::Open(paths_, source_, item));
    WEIR_TRY(const std::vector<PlannedFile> plan, PlanAccept(trees, item));
    std::vector<Conflict> conflicts;
    DecisionRecord intent = Decide(item, Decision::kAccepting);
    intent.write_conflicts = options.write_conflicts;
    for (const PlannedFile& file : plan) {
      if (file.merge.conflict) conflicts.push_back(*file.merge.conflict);
      if (!file.merge.write) continue;
      intent.files.push_back({.path = file.path, .after = ChecksumOf(file.merge.result)});
    }
    if (!conflicts.empty() && !options.write_conflicts) return conflicts;
    WEIR_CHECK(journal_.Append(std::move(intent)));
    WEIR_CHECK(Carry(trees.tree, plan));
    WEIR_CHECK(Settle(item, Decision::kAccepted));
    return conflicts;
  }

  Result<void> Reject(const ReviewItem& item) override {
    WEIR_CHECK(RefuseAccepted(item));
    return Settle(item, Decision::kRejected);
  }

  Result<void> Retry(const ReviewItem& item, json::Value overrides) override {
    WEIR_CHECK(RefuseAccepted(item));
    DecisionRecord record = Decide(item, Decision::kRetrying);
    record.overrides = std::move(overrides);
    WEIR_CHECK(journal_.Append(std::move(record)));
    Show(item, ReviewState::kRetrying);
    return {};
  }

 private:
  static DecisionRecord Decide(const ReviewItem& item, Decision decision, std::string id) {
    return {.decision = decision,
            .id = std::move(id),
            .node = item.node,
            .row = item.row,
            .files = {},
            .write_conflicts = false,
            .overrides = {}};
  }
  DecisionRecord Decide(const ReviewItem& item, Decision decision) const {
    return Decide(item, decision, ids_.at(RowKey(item.node, item.row)));
  }

  // The last decision on what the row has made this time.
  const DecisionRecord* Last(const ReviewItem& item) const {
    const RowKey key(item.node, item.row);
    const DecisionRecord* last = journal_.Last(key);
    return last != nullptr && last->id == ids_.at(key) ? last : nullptr;
  }

  const ReviewItem* Take(RowRecord record) {
    const RowKey key(record.node, record.row);
    const auto [at, fresh] = places_.try_emplace(key, items_.size());
    ids_[key] = std::move(record.id);
    if (fresh) items_.emplace_back();
    ReviewItem& item = items_[at->second];
    item = {.node = std::move(record.node),
            .row = std::move(record.row),
            .title = std::move(record.title),
            .base = std::move(record.base),
            .state = ReviewState::kPending,
            .changes = std::move(record.changes),
            .result = std::move(record.result)};
    if (const DecisionRecord* last = Last(item)) item.state = StateOf(last->decision);
    return &item;
  }

  static ReviewState StateOf(Decision decision) {
    switch (decision) {
      case Decision::kAccepted:
        return ReviewState::kAccepted;
      case Decision::kRejected:
        return ReviewState::kRejected;
      case Decision::kRetrying:
        return ReviewState::kRetrying;
      case Decision::kAccepting:
      case Decision::kGivenUp:
        break;
    }
    return ReviewState::kPending;
  }

  void Show(const ReviewItem& item, ReviewState state) {
    items_[places_.at(RowKey(item.node, item.row))].state = state;
  }

  Result<void> Settle(const ReviewItem& item, Decision decision) {
    WEIR_CHECK(journal_.Append(Decide(item, decision)));
    Show(item, StateOf(decision));
    return {};
  }

  static Result<void> RefuseAccepted(const ReviewItem& item) {
    if (item.state != ReviewState::kAccepted) return {};
    return Fail(Code::kInvalidRequest,
                StrCat("row ", NameOf(item), " is accepted; its changes are in the tree"));
  }

  static Result<void> Carry(const Tree& tree, const std::vector<PlannedFile>& plan) {
    for (const PlannedFile& file : plan) {
      if (!file.merge.write) continue;
      if (file.merge.result.form == FileForm::kNone) {
        WEIR_CHECK(tree.Remove(file.path));
      } else {
        WEIR_CHECK(tree.Write(file.path, file.merge.result));
      }
    }
    return {};
  }

  // An accept that was killed between its first and its last file. Files that have what they were
  // to have are done; the others are merged with what stands there now.
  Result<void> GoOn(const ReviewItem& item, const DecisionRecord& intent) {
    WEIR_TRY(const RowTrees trees, RowTrees::Open(paths_, source_, item));
    WEIR_TRY(std::vector<PlannedFile> plan, PlanAccept(trees, item));
    for (const IntendedFile& file : intent.files) {
      trees.tree.RemoveLeftover(file.path);
      WEIR_TRY(const Found now, trees.tree.Read(file.path, std::string::npos));
      if (!now.obstacle.empty() || ChecksumOf(now.file) != file.after) continue;
      std::erase_if(plan, [&](const PlannedFile& planned) { return planned.path == file.path; });
    }
    const auto conflict = std::ranges::find_if(
        plan, [](const PlannedFile& file) { return file.merge.conflict.has_value(); });
    if (conflict != plan.end() && !intent.write_conflicts) {
      notes_.push_back(StrCat("accepting row ", NameOf(item), " was interrupted, and ",
                              conflict->path, " conflicts by now (", conflict->merge.conflict->why,
                              "); the row is pending again, and what had been written stays"));
      return Settle(item, Decision::kGivenUp);
    }
    if (const Result<void> carried = Carry(trees.tree, plan); !carried) {
      notes_.push_back(StrCat("accepting row ", NameOf(item), " was interrupted and cannot be ",
                              "ended (", carried.error().message, ": ", carried.error().cause,
                              "); the row is pending again"));
      return Settle(item, Decision::kGivenUp);
    }
    notes_.push_back(StrCat("accepting row ", NameOf(item), " was interrupted; it is done now"));
    return Settle(item, Decision::kAccepted);
  }

  const WorkspacePaths paths_;
  const std::string source_;
  ReviewJournal journal_;
  std::deque<ReviewItem> items_;
  std::map<RowKey, std::size_t> places_;  // in items_
  std::map<RowKey, std::string> ids_;     // of the rows' records
  std::vector<std::string> notes_;
};

}  // namespace

namespace {

Result<std::unique_ptr<Review>> OpenReview(const std::string& run_folder, bool may_append) {
  WorkspacePaths paths(run_folder);
  WEIR_TRY(SourceRecord source, RequireSource(run_folder, paths));
  WEIR_TRY(ReviewJournal journal,
           may_append ? ReviewJournal::Open(paths.review()) : ReviewJournal::Read(paths.review()));
  auto review = std::make_unique<FolderReview>(std::move(paths), std::move(source.folder),
                                               std::move(journal));
  WEIR_CHECK(review->Load());
  return review;
}

}  // namespace

Result<std::unique_ptr<Review>> Review::Open(const std::string& run_folder) {
  return OpenReview(run_folder, true);
}

Result<std::unique_ptr<Review>> Review::Look(const std::string& run_folder) {
  return OpenReview(run_folder, false);
}

Result<std::vector<RetriedRow>> RetriedRows(const std::string& run_folder) {
  const WorkspacePaths paths(run_folder);
  std::vector<RetriedRow> rows;
  if (!fs::exists(paths.review())) return rows;
  WEIR_TRY(const ReviewJournal journal, ReviewJournal::Open(paths.review()));
  for (const auto& [key, last] : journal.decisions()) {
    if (last.decision != Decision::kRetrying) continue;
    WEIR_TRY(const std::optional<RowRecord> done,
             ReadRecord(paths.row(key.first, key.second) + ".json"));
    if (done && done->id != last.id) continue;
    rows.push_back({.node = key.first, .row = key.second, .overrides = last.overrides});
  }
  std::ranges::sort(rows, NaturallyLess, &RetriedRow::row);
  return rows;
}

}  // namespace weir::agent
