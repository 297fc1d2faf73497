#include "weir/engine/prompt_format.h"

#include "weir/base/text.h"

namespace weir::engine {
namespace {

using model::Role;

// How one turn is written: before its role, between role and text, after the text; and what opens
// the turn of the answer.
struct Turns {
  std::string_view begin;   // of the whole prompt
  std::string_view before;  // the role
  std::string_view between;
  std::string_view after;
  std::string_view answer;
  std::vector<std::string> stops;
};

Turns TurnsOf(PromptFormat format) {
  switch (format) {
    case PromptFormat::kChatMl:
      return {"", "<|im_start|>", "\n", "<|im_end|>\n", "<|im_start|>assistant\n", {"<|im_end|>"}};
    case PromptFormat::kLlama3:
      return {"<|begin_of_text|>",
              "<|start_header_id|>",
              "<|end_header_id|>\n\n",
              "<|eot_id|>",
              "<|start_header_id|>assistant<|end_header_id|>\n\n",
              {"<|eot_id|>"}};
    case PromptFormat::kGemma:
      return {"<bos>",           "<start_of_turn>",        "\n",
              "<end_of_turn>\n", "<start_of_turn>model\n", {"<end_of_turn>"}};
    case PromptFormat::kHarmony:
      return {"",
              "<|start|>",
              "<|message|>",
              "<|end|>",
              "<|start|>assistant<|channel|>final<|message|>",
              {"<|return|>", "<|end|>"}};
    default:
      return {"", "[", "]\n", "\n", "[ASSISTANT]\n", {"[USER]"}};
  }
}

std::string RoleWord(Role role, PromptFormat format) {
  if (format == PromptFormat::kGemma) return role == Role::kAssistant ? "model" : "user";
  std::string word(model::RoleName(role));
  if (format != PromptFormat::kRoles) return word;
  for (char& c : word) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return word;
}

// Mistral has no role for the system: its words stand before those of the user.
std::string MistralPrompt(const std::vector<model::Message>& messages) {
  std::string prompt = "<s>";
  std::string asked;
  for (const model::Message& message : messages) {
    if (message.role == Role::kAssistant) {
      StrAppend(prompt, "[INST] ", asked, " [/INST] ", message.AllText(), "</s>");
      asked.clear();
      continue;
    }
    if (!asked.empty()) asked += "\n\n";
    asked += message.AllText();
  }
  if (!asked.empty()) StrAppend(prompt, "[INST] ", asked, " [/INST]");
  return prompt;
}

std::string PlainPrompt(const std::vector<model::Message>& messages) {
  std::string prompt;
  for (const model::Message& message : messages) {
    if (!prompt.empty()) prompt += "\n\n";
    prompt += message.AllText();
  }
  return prompt;
}

Result<void> Check(const model::Message& message) {
  const auto refuse = [](std::string_view what) {
    return Fail(Code::kUnsupportedParam,
                StrCat("a prompt cannot carry ", what,
                       ": this engine speaks to the completions API; set `api: chat` for it"));
  };
  if (!message.tool_calls.empty() || message.role == Role::kTool) return refuse("tool calls");
  for (const model::Part& part : message.parts) {
    if (part.kind != model::Part::Kind::kText) return refuse("images, audio, video or files");
  }
  return {};
}

}  // namespace

Result<std::string> PromptOf(const std::vector<model::Message>& messages, PromptFormat format) {
  for (const model::Message& message : messages) {
    WEIR_CHECK(Check(message));
  }
  if (format == PromptFormat::kMistral) return MistralPrompt(messages);
  if (format == PromptFormat::kPlain) return PlainPrompt(messages);
  const Turns turns = TurnsOf(format);
  std::string prompt(turns.begin);
  for (const model::Message& message : messages) {
    StrAppend(prompt, turns.before, RoleWord(message.role, format), turns.between,
              message.AllText(), turns.after);
  }
  prompt += turns.answer;
  return prompt;
}

std::vector<std::string> StopsOf(PromptFormat format) {
  if (format == PromptFormat::kMistral) return {"</s>", "[INST]"};
  if (format == PromptFormat::kPlain) return {};
  return TurnsOf(format).stops;
}

const std::vector<std::string>& PromptFormatNames() {
  static const std::vector<std::string> kNames = {"roles", "chatml",  "llama3", "mistral",
                                                  "gemma", "harmony", "plain"};
  return kNames;
}

std::string_view PromptFormatName(PromptFormat format) {
  return PromptFormatNames()[static_cast<std::size_t>(format)];
}

}  // namespace weir::engine
