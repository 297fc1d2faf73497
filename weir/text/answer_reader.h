#pragma once

// AnswerReader: what a model wrote, as it comes, taken apart into answer, thoughts and tool calls
// by the marks of its family. Where the text is cut into pieces changes nothing.

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/model/message.h"
#include "weir/model/reply.h"
#include "weir/text/family.h"

namespace weir::text {

struct AnswerReaderOptions {
  std::vector<model::ToolSpec> tools;  // none: calls are not looked for
  // What the prompt ended with: it may have opened the thoughts already, or closed them. Thoughts
  // that it had begun are part of the thoughts. Empty: nothing is known of the prompt, and what the
  // family usually does is assumed.
  std::string prompt_tail;
  // Whether the text starts inside thoughts, for who knows better than prompt_tail: false where
  // thinking is switched off.
  std::optional<bool> in_thoughts;
  bool read_reasoning = true;  // false: the server has taken it out already
  bool read_calls = true;
  // Of one call with its marks. What is longer is text.
  std::size_t max_call_bytes = 4 << 20;
};

class AnswerReader {
 public:
  // `family` must outlive this.
  AnswerReader(const Family& family, AnswerReaderOptions options);
  AnswerReader(Family&&, AnswerReaderOptions) = delete;
  AnswerReader(AnswerReader&&) noexcept;
  ~AnswerReader();

  // Adds what is certain by now to `out`: its text, reasoning and tool_calls (each call whole, in
  // one piece, with an id only if the model wrote one). A mark, or a part of one, never becomes
  // text. White space alone before, between and after calls is no text either.
  //
  // A call inside thoughts that are closed later was only thought of; when they never are, it is
  // one. From such a call on, thoughts come when that is known.
  void Feed(std::string_view piece, model::Delta& out);
  // Whether Feed() would add `piece` to the text as it is, and nothing else: in the flow of an
  // answer, most pieces. Such a piece need not be fed.
  bool Passes(std::string_view piece) const;
  // The text ends here: what was held back becomes what it is.
  void Finish(model::Delta& out);

  // What was mended in calls, in words; what looked like a call and was none stays in the text and
  // is named here as well.
  const std::vector<std::string>& repairs() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace weir::text
