#pragma once

// A review of one run: what is decided, said and told as events. The flags and the prompt both work
// through it.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/agent/workspace/review.h"
#include "weir/base/clock.h"
#include "weir/cli/terminal.h"
#include "weir/events/event.h"

namespace weir::cli {

class ReviewActions {
 public:
  // `terminal` and `clock` must outlive it.
  static Result<std::unique_ptr<ReviewActions>> Open(std::string run, Terminal& terminal,
                                                     const Clock& clock);
  // Only to show rows and diffs, also while somebody else decides.
  static Result<std::unique_ptr<ReviewActions>> Look(std::string run, Terminal& terminal);

  agent::Review& review() { return *review_; }
  Terminal& terminal() { return terminal_; }
  const std::string& run() const { return run_; }
  std::string NameOf(const agent::ReviewItem& item) const;

  // The rows that are meant; "all" are those that are pending. Fails with kInvalidRequest.
  Result<std::vector<const agent::ReviewItem*>> Choose(const std::vector<std::string>& names) const;

  // Each says what it did. False: a conflict, or it failed.
  bool Accept(const agent::ReviewItem& item, const agent::AcceptOptions& options);
  bool Reject(const agent::ReviewItem& item);
  bool Retry(const agent::ReviewItem& item, const json::Value& overrides);

  // What is left to do, and with which commands.
  void TellRest() const;

 private:
  ReviewActions(std::string run, std::unique_ptr<agent::Review> review, Terminal& terminal);
  void Emit(std::string_view event, const agent::ReviewItem& item) const;
  bool Told(const Result<void>& result, const agent::ReviewItem& item, std::string_view did,
            std::string_view event) const;

  const std::string run_;
  const std::unique_ptr<agent::Review> review_;
  Terminal& terminal_;
  std::unique_ptr<events::JsonlSink> events_;  // null: the run writes none
};

// {"max_turns": 30} of "max_turns=30": what is no JSON is a text. Fails with kInvalidRequest.
Result<json::Value> ReadOverrides(const std::vector<std::string>& settings);

}  // namespace weir::cli
