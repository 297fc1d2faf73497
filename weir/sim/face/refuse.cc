#include "weir/sim/face/refuse.h"

#include <utility>

namespace weir::sim {

Refusal RefusalOf(wire::ServerError error) {
  Refusal refusal;
  refusal.error = std::move(error);
  return refusal;
}

Refusal Refuse(int status, std::string message, std::string param, std::string code) {
  wire::ServerError error{.status = status, .message = std::move(message)};
  if (status == 404) error.type = "NotFoundError";
  if (!param.empty()) error.param = std::move(param);
  error.code = std::move(code);
  return RefusalOf(std::move(error));
}

}  // namespace weir::sim
