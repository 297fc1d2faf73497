#include "weir/cli/review_actions.h"

#include <algorithm>
#include <utility>

#include <unistd.h>

#include "weir/agent/overrides.h"
#include "weir/base/text.h"
#include "weir/cli/review_view.h"
#include "weir/json/builder.h"
#include "weir/json/reader.h"

namespace weir::cli {

namespace {

std::string WithoutSlashes(std::string run) {
  while (run.size() > 1 && run.ends_with('/')) run.pop_back();
  return run;
}

// "a.0" also means the row that is kept as "a.0." beside the children of the row "a".
bool IsMeant(const agent::ReviewItem& item, std::string_view name) {
  if (name.starts_with(item.node + "/")) {
    const std::string_view row = name.substr(item.node.size() + 1);
    if (row == item.row || (!item.title.empty() && row == item.title)) return true;
  }
  return name == item.row || (!item.title.empty() && name == item.title);
}

}  // namespace

Result<std::unique_ptr<ReviewActions>> ReviewActions::Look(std::string run, Terminal& terminal) {
  run = WithoutSlashes(std::move(run));
  WEIR_TRY(std::unique_ptr<agent::Review> review, agent::Review::Look(run));
  return std::unique_ptr<ReviewActions>(
      new ReviewActions(std::move(run), std::move(review), terminal));
}

Result<std::unique_ptr<ReviewActions>> ReviewActions::Open(std::string run, Terminal& terminal,
                                                           const Clock& clock) {
  run = WithoutSlashes(std::move(run));
  WEIR_TRY(std::unique_ptr<agent::Review> review, agent::Review::Open(run));
  for (const std::string& note : review->notes()) terminal.Warn(note);
  std::unique_ptr<ReviewActions> actions(
      new ReviewActions(std::move(run), std::move(review), terminal));
  const std::string file = actions->run_ + "/events.jsonl";
  if (::access(file.c_str(), F_OK) == 0) {
    WEIR_TRY(actions->events_,
             events::OpenJsonl(clock, {.path = file, .max_bytes = 0, .spans = false}));
  }
  return actions;
}

ReviewActions::ReviewActions(std::string run, std::unique_ptr<agent::Review> review,
                             Terminal& terminal)
    : run_(std::move(run)), review_(std::move(review)), terminal_(terminal) {}

std::string ReviewActions::NameOf(const agent::ReviewItem& item) const {
  return RowName(*review_, item);
}

Result<std::vector<const agent::ReviewItem*>> ReviewActions::Choose(
    const std::vector<std::string>& names) const {
  std::vector<const agent::ReviewItem*> chosen;
  for (const std::string& name : names) {
    std::vector<const agent::ReviewItem*> found;
    const auto find = [&](const std::string& wanted) {
      for (const agent::ReviewItem& item : review_->items()) {
        const bool is_all = name == "all" && item.state == agent::ReviewState::kPending;
        if (is_all || IsMeant(item, wanted)) found.push_back(&item);
      }
    };
    find(name);
    if (found.empty()) find(name + ".");
    if (name != "all" && found.empty()) {
      std::vector<std::string> known;
      known.reserve(review_->items().size());
      for (const agent::ReviewItem& item : review_->items()) known.push_back(item.row);
      const std::optional<std::string> nearest = Nearest(name, known);
      return Fail(Code::kInvalidRequest,
                  StrCat("the run ", run_, " has no row ", name,
                         nearest ? StrCat("; is ", *nearest, " meant?")
                                 : StrCat("; `weir review ", run_, " --list` shows them")));
    }
    if (name != "all" && found.size() > 1) {
      const bool one_node = found[0]->node == found[1]->node;
      const auto full = [&](const agent::ReviewItem& item) {
        return one_node ? item.row : StrCat(item.node, "/", name);
      };
      return Fail(Code::kInvalidRequest,
                  StrCat(one_node ? "several rows are called " : "several nodes have a row ", name,
                         "; name one as ", full(*found[0]), " or ", full(*found[1])));
    }
    std::ranges::copy(found, std::back_inserter(chosen));
  }
  return chosen;
}

bool ReviewActions::Accept(const agent::ReviewItem& item, const agent::AcceptOptions& options) {
  const Result<std::vector<agent::Conflict>> conflicts = review_->Accept(item, options);
  if (!conflicts) {
    terminal_.Problem(conflicts.error());
    return false;
  }
  if (conflicts->empty() || options.write_conflicts) Emit("review.accept", item);
  if (!conflicts->empty()) {
    terminal_.Raw(ConflictText(run_, NameOf(item), *conflicts, options.write_conflicts));
    return false;
  }
  terminal_.Note(StrCat("row ", NameOf(item), " is accepted: ", item.changes.size(),
                        item.changes.size() == 1 ? " file of " : " files of ", review_->source()));
  return true;
}

bool ReviewActions::Reject(const agent::ReviewItem& item) {
  return Told(review_->Reject(item), item, "rejected", "review.reject");
}

bool ReviewActions::Retry(const agent::ReviewItem& item, const json::Value& overrides) {
  return Told(review_->Retry(item, overrides), item, "sent back", "review.retry");
}

bool ReviewActions::Told(const Result<void>& result, const agent::ReviewItem& item,
                         std::string_view did, std::string_view event) const {
  if (!result) {
    terminal_.Problem(result.error());
    return false;
  }
  Emit(event, item);
  terminal_.Note(StrCat("row ", NameOf(item), " is ", did));
  return true;
}

void ReviewActions::Emit(std::string_view event, const agent::ReviewItem& item) const {
  if (!events_) return;
  const TraceField fields[] = {{"run", std::string_view(run_)},
                               {"node", std::string_view(item.node)},
                               {"row", std::string_view(item.row)},
                               {"files", static_cast<std::int64_t>(item.changes.size())}};
  events_->OnEvent(event, fields);
}

void ReviewActions::TellRest() const {
  const auto count = [this](agent::ReviewState state) {
    return std::ranges::count(review_->items(), state, &agent::ReviewItem::state);
  };
  const auto pending = count(agent::ReviewState::kPending);
  const auto retrying = count(agent::ReviewState::kRetrying);
  if (pending > 0) {
    terminal_.Note(StrCat(pending, pending == 1 ? " row is" : " rows are",
                          " pending; go on with: weir review ", run_));
  }
  if (retrying > 0) {
    terminal_.Note(StrCat(retrying, retrying == 1 ? " row waits" : " rows wait",
                          " to be tried again: weir run --resume ", run_));
  }
  if (pending == 0 && retrying == 0) terminal_.Note("nothing is left to review");
}

Result<json::Value> ReadOverrides(const std::vector<std::string>& settings) {
  json::Builder out;
  out.BeginObject();
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    if (equals == 0 || equals == setting.npos) {
      return Fail(Code::kInvalidRequest,
                  StrCat("'", setting, "' is no setting; write KEY=VALUE, as in max_turns=30"));
    }
    out.Key(std::string_view(setting).substr(0, equals));
    const std::string_view text = std::string_view(setting).substr(equals + 1);
    const Result<json::Value> value = json::Read(text);
    if (value) {
      out.Copy(*value);
    } else {
      out.String(text);
    }
  }
  out.EndObject();
  json::Value overrides = std::move(out).Finish();
  agent::Agent any;
  model::Call its_call;
  WEIR_CHECK(agent::Override(any, its_call, overrides));
  return overrides;
}

}  // namespace weir::cli
