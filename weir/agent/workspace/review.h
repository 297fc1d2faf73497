#pragma once

// Review: what a person decides about the changes of a run's rows. Every decision is in a journal
// of the run folder before it is carried out and again when it was, so that a kill in between is
// noticed and mended by the next review.

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/agent/workspace/workspace.h"
#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::agent {

enum class ReviewState : std::uint8_t { kPending, kAccepted, kRejected, kRetrying };

struct ReviewItem {
  std::string node;
  std::string row;
  std::string title;  // what a person calls it, such as "src/a.py:Account.pay"; may be empty
  std::string base;   // the snapshot that it began from; empty: that of the run
  ReviewState state = ReviewState::kPending;
  std::vector<Change> changes;
  json::Value result;  // what the agent handed in; null: not known
};

// A file that could not be merged: both sides changed the same lines since the snapshot.
struct Conflict {
  std::string path;
  std::string
      text;  // the merged file with <<<<<<< ======= >>>>>>> around what conflicts; empty: binary
  std::string why;  // in words
};

struct AcceptOptions {
  // What conflicts is written into the tree with marks, and the row is accepted. Where marks cannot
  // be, the tree's file stays; one that the tree has deleted comes back as the row has it.
  bool write_conflicts = false;
};

class Review {
 public:
  // Opens the run folder; one review at a time (a lock). An accept that was killed is brought to
  // its end, or given up where the tree has changed since so that it conflicts. Fails with
  // kConfigError when it is no run or has no workspaces, and with kIoError when it is open
  // elsewhere.
  static Result<std::unique_ptr<Review>> Open(const std::string& run_folder);
  // Only to look, also while it is open elsewhere: without a lock, nothing that was left half done
  // is mended, and decisions are refused with kInvalidRequest.
  static Result<std::unique_ptr<Review>> Look(const std::string& run_folder);
  virtual ~Review() = default;

  virtual const std::string& source() const = 0;  // the tree that changes go to
  // Rows in their natural order ("2" before "10"), then nodes. Pointers into it stay good.
  virtual const std::deque<ReviewItem>& items() const = 0;
  // The row as it stands now, also one that was finished after Open(); null: nothing is known of
  // it. For a run that accepts its own rows: Finish(), Find(), Accept().
  virtual Result<const ReviewItem*> Find(std::string_view node, std::string_view row) = 0;
  // What a review that was killed had left half done, and what became of it; sentences.
  virtual const std::vector<std::string>& notes() const = 0;

  // A unified diff of one row against the snapshot, with a/ and b/ paths; binary files in a line.
  virtual Result<std::string> Diff(const ReviewItem& item) const = 0;

  // Items are those of items() or Find().

  // Merges the row's changes into the tree: snapshot, tree as it is now, the row's files. Nothing
  // is written when one file conflicts (unless write_conflicts), and the conflicts are what is
  // given; none: the row is accepted. Each file is replaced at once, after the journal knows of it.
  // A row that is not pending is refused with kInvalidRequest.
  virtual Result<std::vector<Conflict>> Accept(const ReviewItem& item,
                                               const AcceptOptions& options) = 0;
  // Its files stay in the run folder. An accepted row is refused, here and below.
  virtual Result<void> Reject(const ReviewItem& item) = 0;
  // Marks the row: `weir run --resume` runs it anew, with these overrides ("max_turns": 30).
  virtual Result<void> Retry(const ReviewItem& item, json::Value overrides) = 0;
};

// Rows that a review has sent back and that have neither been finished nor given up since, with
// their overrides; for the run that resumes, before it makes their workspaces anew. Fails as
// Review::Open() does, but for a run without workspaces: it has none.
struct RetriedRow {
  std::string node;
  std::string row;
  json::Value overrides;
};
Result<std::vector<RetriedRow>> RetriedRows(const std::string& run_folder);

}  // namespace weir::agent
