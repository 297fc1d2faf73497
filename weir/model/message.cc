#include "weir/model/message.h"

#include <utility>

namespace weir::model {

Message Message::Text(Role role, std::string text) {
  Message message;
  message.role = role;
  message.parts.push_back(Part{.kind = Part::Kind::kText, .text = std::move(text)});
  return message;
}

std::string Message::AllText() const {
  std::string text;
  for (const Part& part : parts) text += part.text;
  return text;
}

std::string_view RoleName(Role role) {
  switch (role) {
    case Role::kSystem:
      return "system";
    case Role::kDeveloper:
      return "developer";
    case Role::kUser:
      return "user";
    case Role::kAssistant:
      return "assistant";
    case Role::kTool:
      return "tool";
  }
  std::unreachable();
}

std::optional<Role> ParseRole(std::string_view name) {
  for (const Role role :
       {Role::kSystem, Role::kDeveloper, Role::kUser, Role::kAssistant, Role::kTool}) {
    if (RoleName(role) == name) return role;
  }
  return std::nullopt;
}

}  // namespace weir::model
