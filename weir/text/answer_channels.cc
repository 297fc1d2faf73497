// A text that is a row of messages: their headers, and what is for nobody here.

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/text/answer_state.h"

namespace weir::text {
namespace {

constexpr std::size_t kMaxHeaderBytes = 4096;
constexpr std::string_view kRole = "assistant";

// Whether `text` is what a header without its opening mark begins with, as far as it is known.
bool MayBeHeader(const Channels& channels, std::string_view text) {
  const auto begins = [text](std::string_view head) {
    return head.starts_with(text.substr(0, head.size()));
  };
  return begins(channels.recipient) ||
         std::ranges::any_of(channels.routes, [&](const Channels::Route& route) {
           return begins(StrCat(route.word, " ", channels.recipient));
         });
}

std::vector<std::string_view> Words(std::string_view text) {
  std::vector<std::string_view> words;
  while (true) {
    text.remove_prefix(SkipWhite(text));
    if (text.empty()) return words;
    const std::size_t size = std::min(text.find_first_of(" \t\r\n"), text.size());
    words.push_back(text.substr(0, size));
    text.remove_prefix(size);
  }
}

}  // namespace

void AnswerReader::State::StartInHeader() {
  const Channels& channels = *family.channels;
  std::string_view tail = options.prompt_tail;
  tail.remove_prefix(LastEnd(tail, channels.close));
  std::size_t opened = kNowhere;
  for (const std::string& mark : channels.open) {
    if (const std::size_t at = tail.find(mark); at != kNowhere) {
      opened = std::min(opened, at + mark.size());
    }
  }
  guessed_header_ = opened == kNowhere && options.prompt_tail.empty();
  if (opened != kNowhere) pending = tail.substr(opened);
  if (opened != kNowhere || guessed_header_) mode_ = Mode::kHeader;
}

bool AnswerReader::State::StepHeader(bool ends) {
  const MarkFinder::Hit hit = header_.Find(rest(), scanned_, kNowhere, ends);
  if (guessed_header_ && hit.at > 0) {
    const std::string_view to = family.channels->recipient;
    const std::string_view text = rest().substr(SkipWhite(rest()));
    const bool fits = to.empty() ? rest().find(' ') >= hit.at : MayBeHeader(*family.channels, text);
    if (!fits || (ends && hit.size == 0)) {
      mode_ = Mode::kAnswer;
      guessed_header_ = false;
      return true;
    }
  }
  if (OpensWithoutMark(rest().substr(0, hit.at))) return true;
  if (hit.at > kMaxHeaderBytes) {
    mode_ = Mode::kAnswer;
    EmitText(kMaxHeaderBytes);
    return true;
  }
  scanned_ = hit.at;
  if (hit.size == 0) {
    if (ends && hit.at > 0 && rest() != kRole) {
      repairs.emplace_back("a header that the end of the text had cut was left out");
    }
    if (ends) Drop(hit.at);
    return false;
  }
  guessed_header_ = false;
  scanned_ = 0;
  const std::string_view text = rest().substr(0, hit.at);
  Drop(hit.at + hit.size);
  if (hit.mark == kMessage) {
    OpenMessage(StrCat(std::exchange(header_text_, {}), text));
  } else if (hit.mark == kMessageEnd) {
    mode_ = Mode::kAnswer;
  } else {
    StrAppend(header_text_, text, " ");
  }
  return true;
}

// The mark that ends a header may be missing: the arguments of a call stand in it then, or words
// right behind the role.
bool AnswerReader::State::OpensWithoutMark(std::string_view header) {
  const std::string_view to = family.channels->recipient;
  if (to.empty()) return false;
  const std::size_t arguments = header.find('{');
  std::string head = StrCat(header_text_, header.substr(0, arguments));
  if (arguments != kNowhere && head.contains(to)) {
    repairs.emplace_back("a header had no end: the arguments behind it are the call's");
    header_text_.clear();
    guessed_header_ = false;
    scanned_ = 0;
    Drop(arguments);
    OpenMessage(head);
    return true;
  }
  const bool has_words = header_text_.empty() && header.size() > kRole.size() &&
                         header.starts_with(kRole) && header[kRole.size()] != '<' &&
                         !kWhiteSpace.contains(header[kRole.size()]);
  if (!has_words) return false;
  repairs.emplace_back("a header had no end: the words behind it are the answer");
  guessed_header_ = false;
  scanned_ = 0;
  Drop(kRole.size());
  mode_ = Mode::kAnswer;
  return true;
}

void AnswerReader::State::OpenMessage(std::string_view text) {
  const Channels& channels = *family.channels;
  const std::vector<std::string_view> words = Words(text);
  std::string_view to;
  for (std::string_view word : words) {
    if (!word.starts_with(channels.recipient)) continue;
    word.remove_prefix(channels.recipient.size());
    word = word.substr(0, word.find("<|"));
    if (std::ranges::find(channels.people, word) == channels.people.end()) to = word;
  }
  if (!to.empty()) {
    const std::string_view prefix = channels.name_prefix;
    const bool is_tool = (to.starts_with(prefix) && to != prefix) || IsTool(options.tools, to);
    if (!is_tool || !reads_calls_) {
      repairs.push_back(StrCat("a message to \"", Truncate(to, 64),
                               "\", which is no tool of this call, was left out"));
      mode_ = Mode::kSkip;
      return;
    }
    if (!channels.body_has_name)
      call_name_ = to.starts_with(prefix) ? to.substr(prefix.size()) : to;
    const CallMarks marks{
        .close = channels.close, .forms = {channels.form}, .shields = channels.shields};
    return OpenCall(marks, 0);
  }
  mode_ = Mode::kAnswer;
  for (auto word = words.rbegin(); word != words.rend(); ++word) {
    const auto route = std::ranges::find(channels.routes, *word, &Channels::Route::word);
    if (route == channels.routes.end()) continue;
    mode_ = route->goes == Channels::Goes::kThoughts ? Mode::kThoughts : Mode::kAnswer;
    return;
  }
}

bool AnswerReader::State::StepSkip(bool ends) {
  const MarkFinder::Hit hit = skip_.Find(rest(), 0, kNowhere, ends);
  Drop(hit.at);
  if (hit.size == 0) return false;
  TakeAnswerMark(hit);
  if (mode_ == Mode::kSkip) mode_ = Mode::kAnswer;
  return true;
}

}  // namespace weir::text
