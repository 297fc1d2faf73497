#include "weir/flow/failures.h"

#include "weir/base/text.h"

namespace weir::flow {

bool MayTryAgain(const Error& error) {
  switch (ClassOf(error)) {
    case ErrorClass::kInvalidRequest:
    case ErrorClass::kConfig:
    case ErrorClass::kBudget:
    case ErrorClass::kAbort:
    case ErrorClass::kAuth:
    case ErrorClass::kDenied:
    case ErrorClass::kInternal:
      return false;
    default:
      return true;
  }
}

Error Gone(const std::string& engine, const Error& error) {
  return {.code = Code::kConnectionError,
          .message = StrCat("the server of ", engine.empty() ? "the default engine" : engine,
                            " went away in the middle of the run: ", error.message),
          .cause = error.cause};
}

void AddTo(std::optional<std::int64_t>& sum, const std::optional<std::int64_t>& more) {
  if (more) sum = sum.value_or(0) + *more;
}

}  // namespace weir::flow
