#pragma once

// The body of a request to Ollama while it is written, and what had to be left out of it.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/json/writer.h"
#include "weir/model/call.h"
#include "weir/wire/codec.h"

namespace weir::wire {

class OllamaWriter {
 public:
  // Both must outlive the writer.
  OllamaWriter(const model::Call& call, const EncodeOptions& options);

  const model::Call& call() const { return call_; }
  bool stream() const { return options_.stream; }
  bool chat() const { return call_.api == model::Api::kChat; }

  // Begins a member of the body, whose value goes to the result. The name is a literal.
  json::Writer& Key(std::string_view name);
  void SetText(std::string_view name, std::string_view value) { Key(name).String(value); }
  void SetBool(std::string_view name, bool value) { Key(name).Bool(value); }

  // Something that Ollama has no word for: kUnsupportedParam, or a degradation when the call may
  // lose it.
  Result<void> Lacks(std::string_view what);
  // Told once, however often it happens.
  void Degrade(std::string what, std::string why);

  // The answer will be a JSON string, and is what it says.
  void SetQuotedAnswer() { quoted_answer_ = true; }

  // Adds the raw fields of the call, of which the computed ones win, and gives the result.
  Result<EncodedRequest> Finish(std::string_view path) &&;

 private:
  const model::Call& call_;
  const EncodeOptions& options_;
  std::string body_;
  json::Writer json_;
  std::vector<std::string_view> keys_;
  std::vector<model::Degradation> degradations_;
  bool quoted_answer_ = false;
};

// `messages` of a chat.
Result<void> WriteOllamaMessages(OllamaWriter& out);
// `format`: the constraint.
Result<void> WriteOllamaFormat(OllamaWriter& out);
// `options`: sampling, and those of the call's raw fields.
Result<void> WriteOllamaOptions(OllamaWriter& out);

}  // namespace weir::wire
