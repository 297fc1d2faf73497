#include "weir/model/call.h"

#include <utility>

namespace weir::model {

std::string_view ApiName(Api api) {
  switch (api) {
    case Api::kChat:
      return "chat";
    case Api::kCompletions:
      return "completions";
    case Api::kResponses:
      return "responses";
  }
  std::unreachable();
}

}  // namespace weir::model
