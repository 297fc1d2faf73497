#pragma once

// What is asked: a question, a conversation, or a whole call. Every function of the library takes
// any of them.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/model/call.h"

namespace weir {

struct Prompt {
  Prompt(const char* question) : Prompt(std::string(question)) {}
  Prompt(std::string_view question) : Prompt(std::string(question)) {}
  Prompt(std::string question) {
    call.messages.push_back(model::Message::Text(model::Role::kUser, std::move(question)));
  }
  Prompt(std::vector<model::Message> messages) { call.messages = std::move(messages); }
  Prompt(model::Call whole) : call(std::move(whole)) {}

  model::Call call;
};

}  // namespace weir
