#include "weir/sim/writer.h"

#include <algorithm>
#include <span>

#include "weir/base/text.h"

namespace weir::sim {
namespace {

// In the patterns T is a topic, A an adjective, N a noun, P its plural, V what people do with
// things, D when or how: each behind a dollar sign.
constexpr std::string_view kOpenings[] = {
    "A good place to start with $T is the $A $N behind it.",
    "When people ask about $T, they usually mean the $A $N.",
    "The short answer is that $T depends on a $A $N.",
    "There is more to $T than a $A $N, but that is where it begins.",
    "Think of $T as a $A $N that you can $V $D.",
    "Most of what matters about $T comes down to $A $P.",
    "In plain words, $T is a $A way to $V a $N.",
};

constexpr std::string_view kPatterns[] = {
    "The $A part is to $V the $N $D.",
    "It helps to $V one $N at a time.",
    "A $A $N makes this easier than it looks.",
    "Some $P are $A, others are not, and the difference shows $D.",
    "If the $N seems $A, $V it again with $T in mind.",
    "You will see the same $N in $T and in many other $P.",
    "Nothing about this is $A, but it rewards a $A eye.",
    "Once you $V the $N, the rest follows $D.",
    "For $T, two $P matter most: the $A one and the one you can $V.",
    "This is why a $A $N is worth more than ten $A $P.",
    "Keep the $P small and $A, and check $T $D.",
    "People who $V their $P $D tend to agree on this.",
    "An example says more: take one $N, $V it, and compare the $P.",
    "There is no need to hurry; a $A $N grows $D.",
    "Where $T is concerned, a $N that is $A today may be $A tomorrow.",
    "In practice the $N decides, and the $P come along $D.",
    "That leaves the question of $T, which is a matter of $A $P.",
};

constexpr std::string_view kAdjectives[] = {
    "simple", "quiet",  "careful",   "steady", "clear",  "useful", "patient", "gentle",
    "honest", "bright", "small",     "common", "sturdy", "warm",   "curious", "reliable",
    "modest", "lively", "practical", "broad",  "fresh",  "sound",  "plain",   "familiar",
};

constexpr std::string_view kNouns[] = {
    "idea",    "pattern", "river",   "garden", "question", "habit",  "map",      "bridge",
    "window",  "story",   "balance", "tool",   "path",     "signal", "harbor",   "lantern",
    "measure", "model",   "method",  "detail", "reason",   "sketch", "workshop", "season",
};

constexpr std::string_view kPlurals[] = {
    "ideas",   "patterns", "rivers",  "gardens", "questions", "habits",  "maps",    "bridges",
    "windows", "stories",  "details", "tools",   "paths",     "signals", "harbors", "lanterns",
    "steps",   "models",   "methods", "reasons", "sketches",  "notes",   "numbers", "seasons",
};

constexpr std::string_view kVerbs[] = {
    "follow", "describe", "measure", "repeat", "question", "share", "sort",   "test",
    "trace",  "shape",    "compare", "watch",  "simplify", "keep",  "revise", "build",
};

constexpr std::string_view kTimes[] = {
    "every day",        "over time",    "in the end",    "with some care",
    "before long",      "step by step", "as you go",     "in small pieces",
    "at your own pace", "now and then", "without haste", "in the open",
};

constexpr std::string_view kCommonWords[] = {
    "about",   "above",  "after",  "again", "answer", "because", "before",  "being",   "below",
    "between", "could",  "does",   "doing", "down",   "during",  "each",    "explain", "from",
    "give",    "have",   "having", "hello", "here",   "into",    "just",    "like",    "make",
    "many",    "more",   "most",   "much",  "need",   "only",    "other",   "over",    "please",
    "same",    "should", "some",   "such",  "tell",   "than",    "that",    "their",   "them",
    "then",    "there",  "these",  "they",  "this",   "those",   "through", "under",   "until",
    "very",    "want",   "what",   "when",  "where",  "which",   "while",   "will",    "with",
    "word",    "words",  "would",  "write", "your",
};

static_assert(std::ranges::is_sorted(kCommonWords));

constexpr std::size_t kMaxTopics = 8;
constexpr std::size_t kShortestTopic = 4;
constexpr std::size_t kLongestTopic = 24;
constexpr std::size_t kQuestionBytes = 4096;  // topics are looked for in the end of it

bool IsWordByte(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte >= 0x80;
}

bool WorthTakingUp(std::string_view word, const std::vector<std::string>& topics) {
  if (word.size() < kShortestTopic || word.size() > kLongestTopic || !IsUtf8(word)) return false;
  if (std::ranges::binary_search(kCommonWords, ToLower(word))) return false;
  return std::ranges::none_of(
      topics, [&](const std::string& known) { return EqualsIgnoreCase(known, word); });
}

std::string_view Pick(std::span<const std::string_view> words, Random& random) {
  return words[random.Below(words.size())];
}

}  // namespace

std::vector<std::string> TopicsOf(std::string_view question) {
  if (question.size() > kQuestionBytes) question.remove_prefix(question.size() - kQuestionBytes);
  std::vector<std::string> topics;
  for (std::size_t at = 0; at < question.size() && topics.size() < kMaxTopics;) {
    const std::size_t start = at;
    while (at < question.size() && IsWordByte(question[at])) ++at;
    const std::string_view word = question.substr(start, at - start);
    if (WorthTakingUp(word, topics)) topics.emplace_back(word);
    if (at == start) ++at;
  }
  return topics;
}

Writer::Writer(std::uint64_t seed, const std::vector<std::string>& topics)
    : random_(seed),
      topics_(topics),
      topic_(topics.empty() ? 0 : random_.Below(topics.size())),
      last_pattern_(std::size(kPatterns)) {}

void Writer::AppendSentence(std::string& out) {
  std::string_view pattern;
  if (sentences_++ == 0) {
    pattern = Pick(kOpenings, random_);
  } else {
    out += ' ';
    std::uint64_t next = random_.Below(std::size(kPatterns));
    if (next == last_pattern_) next = (next + 1) % std::size(kPatterns);
    last_pattern_ = next;
    pattern = kPatterns[next];
  }
  for (std::size_t at = 0; at < pattern.size(); ++at) {
    const std::size_t slot = pattern.find('$', at);
    out += pattern.substr(at, slot - at);
    if (slot == pattern.npos) return;
    AppendSlot(pattern[slot + 1], out);
    at = slot + 1;
  }
}

void Writer::AppendSlot(char slot, std::string& out) {
  switch (slot) {
    case 'T':
      if (topics_.empty()) {
        StrAppend(out, "a ", Pick(kNouns, random_));
      } else {
        out += topics_[topic_++ % topics_.size()];
      }
      return;
    case 'A':
      out += Pick(kAdjectives, random_);
      return;
    case 'N':
      out += Pick(kNouns, random_);
      return;
    case 'P':
      out += Pick(kPlurals, random_);
      return;
    case 'V':
      out += Pick(kVerbs, random_);
      return;
    default:
      out += Pick(kTimes, random_);
  }
}

std::string Writer::Phrase() {
  std::string phrase;
  if (!topics_.empty() && random_.Below(3) == 0) {
    phrase = topics_[topic_++ % topics_.size()];
  } else {
    phrase = Pick(kAdjectives, random_);
  }
  StrAppend(phrase, " ", Pick(kNouns, random_));
  return phrase;
}

}  // namespace weir::sim
