#include "weir/cli/answer.h"

#include <algorithm>

#include "weir/engine/withheld.h"

namespace weir::cli {

Result<void> CheckAnswer(const CallRun& run, const model::Reply& reply) {
  for (const model::Choice& choice : reply.choices) {
    if (choice.finish == model::Finish::kLength) {
      return Fail(Code::kTruncated,
                  "the model hit its token limit before it was done; raise --max-tokens");
    }
    if (choice.finish == model::Finish::kContentFilter) {
      return Fail(engine::FilteredAnswer(choice));
    }
    if (choice.finish == model::Finish::kAbort) return Fail(engine::AbortedAnswer());
  }
  const bool only_reasoning =
      run.reasoning == ShowReasoning::kOnly && run.flags.form() == Output::kText;
  if (only_reasoning && std::ranges::all_of(reply.choices, [](const model::Choice& choice) {
        return choice.reasoning.empty();
      })) {
    return Fail(Code::kEmptyModelResponse,
                "there is an answer, but no reasoning in it; does the model reason, and does the "
                "server tell it apart (vllm serve --reasoning-parser)? See the answer without "
                "--reasoning only");
  }
  return {};
}

}  // namespace weir::cli
