#include "weir/client/answer_text.h"

#include <utility>

#include "weir/base/text.h"
#include "weir/engine/withheld.h"

namespace weir::client {
namespace {

Error Withheld(Error error, const model::Choice& choice) {
  if (!choice.text.empty()) error.cause = StrCat("the answer was: ", Truncate(choice.text, 200));
  return error;
}

}  // namespace

Result<std::string> TextOf(Result<model::Reply> reply) {
  if (!reply) return Fail(std::move(reply).error());
  if (reply->choices.empty()) return std::string();
  model::Choice& choice = reply->choices.front();
  if (engine::IsRefusal(choice)) return Fail(Withheld(engine::RefusedAnswer(choice), choice));
  if (choice.finish == model::Finish::kContentFilter) {
    return Fail(Withheld(engine::FilteredAnswer(choice), choice));
  }
  return std::move(choice.text);
}

}  // namespace weir::client
