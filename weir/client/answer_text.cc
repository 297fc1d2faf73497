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

Result<void> CheckText(const model::Reply& reply) {
  if (reply.choices.empty()) return {};
  const model::Choice& choice = reply.choices.front();
  if (engine::IsRefusal(choice)) return Fail(Withheld(engine::RefusedAnswer(choice), choice));
  if (choice.finish == model::Finish::kContentFilter) {
    return Fail(Withheld(engine::FilteredAnswer(choice), choice));
  }
  return {};
}

Result<std::string> TextOf(Result<model::Reply> reply) {
  if (!reply) return Fail(std::move(reply).error());
  WEIR_CHECK(CheckText(*reply));
  return reply->choices.empty() ? std::string() : std::move(reply->choices.front().text);
}

}  // namespace weir::client
