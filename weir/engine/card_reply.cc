#include "weir/engine/card_reply.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/engine/card_call.h"
#include "weir/json/lenient.h"
#include "weir/json/writer.h"

namespace weir::engine {
namespace {

using text::ToolMode;

// Whether the text begins with an opening mark, and so tells by itself that it is thoughts. Where
// nobody knows that the prompt has opened them, one anywhere shows that it has not.
bool OpensThoughts(const CardReading& reading, std::string_view text) {
  const std::string_view words = Trim(text);
  return std::ranges::any_of(reading.family->thoughts.open, [&](const std::string& mark) {
    return reading.may_think_first ? words.starts_with(mark) : words.find(mark) != words.npos;
  });
}

}  // namespace

ChoiceReader::ChoiceReader(CardReading reading)
    : reading_(reading), undecided_(reading_.may_think_first || reading_.may_close_alone) {
  Begin(undecided_);
}

void ChoiceReader::Begin(bool in_thoughts) {
  reader_ = std::make_unique<text::AnswerReader>(
      *reading_.family,
      text::AnswerReaderOptions{.tools = {reading_.tools.begin(), reading_.tools.end()},
                                .prompt_tail = {},
                                .in_thoughts = in_thoughts,
                                .read_reasoning = !server_thinks_,
                                .read_calls = reading_.mode != ToolMode::kGuided &&
                                              !server_calls_ && !reading_.tools.empty()});
}

void ChoiceReader::AddCalls(std::vector<model::ToolCallDelta> calls, model::Delta& piece) {
  for (model::ToolCallDelta& call : calls) {
    call.index = next_index_++;
    ++calls_;
    piece.tool_calls.push_back(std::move(call));
  }
}

// The server's calls and those that are read here stand in one list.
void ChoiceReader::Renumber(std::vector<model::ToolCallDelta>& calls) {
  for (model::ToolCallDelta& call : calls) {
    const auto [at, is_new] = server_indexes_.try_emplace(call.index, next_index_);
    if (is_new) bare_.emplace(next_index_++, call.name);
    call.index = at->second;
    if (!call.arguments.empty()) bare_.erase(call.index);
  }
}

void ChoiceReader::FeedText(std::string_view text, model::Delta& piece) {
  model::Delta read;
  reader_->Feed(text, read);
  piece.text += read.text;
  piece.reasoning += read.reasoning;
  AddCalls(std::move(read.tool_calls), piece);
}

// Reads the text as thoughts that the prompt had begun, until it shows whether that is right.
void ChoiceReader::Probe(std::string_view text, model::Delta& piece) {
  unread_ += text;
  if (OpensThoughts(reading_, unread_)) return Decide(piece);
  model::Delta read;
  reader_->Feed(text, read);
  thoughts_ += read.reasoning;
  if (read.text.empty() && read.tool_calls.empty()) return;
  undecided_ = false;
  unread_.clear();
  piece.reasoning += std::exchange(thoughts_, {});
  piece.text += read.text;
  AddCalls(std::move(read.tool_calls), piece);
}

// The text so far is read again, by now knowing that it does not begin inside thoughts.
void ChoiceReader::Decide(model::Delta& piece) {
  undecided_ = false;
  thoughts_.clear();
  Begin(false);
  FeedText(std::exchange(unread_, {}), piece);
}

// A piece of plain text, in the flow of an answer: it goes on as it is.
bool ChoiceReader::Passes(const model::Delta& piece) const {
  return !undecided_ && piece.reasoning.empty() && piece.tool_calls.empty() &&
         reading_.mode != ToolMode::kGuided && reader_->Passes(piece.text);
}

void ChoiceReader::Feed(model::Delta& piece) {
  if (Passes(piece)) {
    has_text_ = has_text_ || !piece.text.empty();
    return;
  }
  const std::string text = std::exchange(piece.text, {});
  server_calls_ = server_calls_ || !piece.tool_calls.empty();
  Renumber(piece.tool_calls);
  if (!piece.reasoning.empty()) {
    if (!std::exchange(server_thinks_, true)) {
      if (!undecided_) FinishReader(piece);
      Decide(piece);
    }
    if (reading_.thinking_off && !has_text_) thoughts_ += piece.reasoning;
  }
  if (!undecided_) {
    FeedText(text, piece);
  } else if (reading_.may_think_first) {
    Probe(text, piece);
  } else {
    unread_ += text;  // nobody waits for it: it is looked at once, when it is whole
  }
  Gather(piece);
}

void ChoiceReader::Gather(model::Delta& piece) {
  has_thoughts_ = has_thoughts_ || !piece.reasoning.empty();
  has_text_ = has_text_ || !piece.text.empty();
  if (reading_.mode == ToolMode::kGuided) gathered_ += std::exchange(piece.text, {});
}

// What the reader held back is what it is.
void ChoiceReader::FinishReader(model::Delta& piece) {
  model::Delta last;
  reader_->Finish(last);
  piece.text += last.text;
  piece.reasoning += last.reasoning;
  AddCalls(std::move(last.tool_calls), piece);
  repairs_.insert(repairs_.end(), reader_->repairs().begin(), reader_->repairs().end());
}

void ChoiceReader::Finish(model::Delta& piece) {
  const bool cut = piece.finish == model::Finish::kLength;
  if (undecided_ && !reading_.may_think_first) Probe(std::exchange(unread_, {}), piece);
  if (undecided_ && !(cut && reading_.may_think_first)) Decide(piece);
  if (undecided_) piece.reasoning += std::exchange(thoughts_, {});
  FinishReader(piece);
  Gather(piece);
  if (!cut) FinishThoughts(piece);
  if (reading_.mode == ToolMode::kGuided) FinishGuided(piece);
  // A tool without parameters is called without a word about them.
  for (const auto& [index, name] : std::exchange(bare_, {})) {
    if (cut) break;
    piece.tool_calls.push_back({.index = index, .id = {}, .name = {}, .arguments = "{}"});
    repairs_.push_back(StrCat("the tool ", name, " was called without arguments: {}"));
  }
  has_thoughts_ = has_thoughts_ || !piece.reasoning.empty();
  only_thought_ = has_thoughts_ && !has_text_ && calls_ == 0 && !server_calls_ &&
                  piece.finish == model::Finish::kStop;
  if (calls_ == 0) return;
  if (reading_.mode == ToolMode::kNative) {
    repairs_.push_back(StrCat("the server left ", CountOf(calls_, "call"),
                              " of tools in the text; read here (its --tool-call-parser is missing "
                              "or does not fit the model)"));
  }
  if (piece.finish != model::Finish::kStop) return;
  piece.finish = model::Finish::kToolCalls;
  piece.finish_text = model::FinishName(piece.finish);
}

bool ChoiceReader::BreakOff(model::Delta& piece) {
  if (!undecided_) return false;
  if (reading_.may_think_first) {
    piece.reasoning = std::exchange(thoughts_, {});
  } else {
    Probe(std::exchange(unread_, {}), piece);
    if (undecided_) Decide(piece);
  }
  undecided_ = false;
  return !piece.text.empty() || !piece.reasoning.empty();
}

void ChoiceReader::FinishThoughts(model::Delta& piece) {
  const bool has_answer = has_text_ || calls_ > 0 || server_calls_;
  if (has_answer || !reading_.thinking_off || thoughts_.empty()) return;
  const std::string said = std::exchange(thoughts_, {});
  Begin(false);
  FeedText(said, piece);
  FinishReader(piece);
  Gather(piece);
  answer_was_in_thoughts_ = true;
  repairs_.emplace_back(
      "the answer stood where thoughts belong, although thinking was switched off: the server's "
      "--reasoning-parser does not fit the model");
}

// The text is one JSON object: a call, or the answer in the clothes of one.
void ChoiceReader::FinishGuided(model::Delta& piece) {
  std::string text = std::exchange(gathered_, {});
  const Result<json::Mended> read = json::ReadLenient(text);
  const json::View call = read ? json::View(read->value) : json::View();
  const std::string_view name = call.Find("name").StringOr("");
  const json::View arguments = call.Find("arguments");
  if (!read || !read->report.complete || name.empty() || !arguments.IsObject()) {
    piece.text = std::move(text);  // the verdict on it is another's business
    return;
  }
  if (read->report.count > 0) {
    repairs_.push_back(
        StrCat("the object of a call was mended in ", CountOf(read->report.count, "place")));
  }
  if (name == AnswerName(reading_.tools) && arguments.Find("answer").exists()) {
    const json::View answer = arguments.Find("answer");
    piece.text = answer.IsString() ? std::string(answer.StringOr("")) : json::Write(answer);
    return;
  }
  AddCalls({{.name = std::string(name), .arguments = json::Write(arguments)}}, piece);
}

}  // namespace weir::engine
