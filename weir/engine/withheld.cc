#include "weir/engine/withheld.h"

#include "weir/base/text.h"

namespace weir::engine {

bool IsRefusal(const model::Choice& choice) {
  return !choice.refusal.empty() && choice.tool_calls.empty();
}

Error RefusedAnswer(const model::Choice& choice) {
  return {.code = Code::kContentFilter,
          .message = StrCat("the model refused to answer; ask in other words, or another model. It "
                            "said: ",
                            Truncate(choice.refusal, 200))};
}

Error FilteredAnswer(const model::Choice& choice) {
  const bool begun = !choice.text.empty() || !choice.tool_calls.empty();
  return {.code = Code::kContentFilter,
          .message = StrCat("a filter of the server ",
                            begun ? "cut the answer off" : "held the answer back",
                            " (finish reason `content_filter`); ask in other words, or another "
                            "model")};
}

Error AbortedAnswer(std::string_view server) {
  return {.code = Code::kStreamTruncated,
          .message = StrCat(server,
                            " broke the answer off (finish reason `abort`), as it does when it is "
                            "stopped; ask again")};
}

}  // namespace weir::engine
