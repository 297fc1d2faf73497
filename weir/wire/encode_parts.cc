#include "weir/wire/encode_parts.h"

#include "weir/wire/python_text.h"

namespace weir::wire {
namespace {

constexpr Version kUsageDetails{0, 28, 0};  // completion_tokens_details
constexpr Version kCacheWrites{0, 28, 0};   // created_cache_tokens, multimodal_tokens

void WriteLogprob(const std::optional<double>& logprob, json::Writer& out) {
  out.Raw(PythonFloat(logprob.value_or(model::kLogprobFloor)));
}

void WriteBytes(std::span<const std::uint8_t> bytes, json::Writer& out) {
  out.BeginArray();
  for (const std::uint8_t byte : bytes) out.Int(byte);
  out.EndArray();
}

void WriteCount(std::string_view key, const std::optional<std::int64_t>& count, json::Writer& out) {
  out.Key(key);
  out.Int(count.value_or(0));
}

// {"cached_tokens":N}, or null where the form has nulls.
void WriteDetails(std::string_view key, std::string_view inner,
                  const std::optional<std::int64_t>& count, bool nulls, json::Writer& out) {
  if (count) {
    out.Key(key);
    out.BeginObject();
    WriteCount(inner, count, out);
    out.EndObject();
  } else if (nulls) {
    out.Key(key);
    out.Null();
  }
}

void WriteMore(std::string_view key, json::View details, bool nulls, json::Writer& out) {
  const json::View value = details.Find(key);
  if (value.exists()) {
    out.Field(key, value);
  } else if (nulls) {
    out.Key(key);
    out.Null();
  }
}

// Beside the count of cached tokens, which the details always have.
void WritePromptDetails(const model::Usage& usage, bool nulls, const Dialect& dialect,
                        json::Writer& out) {
  if (!usage.cached_tokens || dialect.version < kCacheWrites) {
    return WriteDetails("prompt_tokens_details", "cached_tokens", usage.cached_tokens, nulls, out);
  }
  const json::View more = usage.extra.Find("prompt_tokens_details");
  out.Key("prompt_tokens_details");
  out.BeginObject();
  WriteCount("cached_tokens", usage.cached_tokens, out);
  WriteMore("created_cache_tokens", more, nulls, out);
  WriteMore("multimodal_tokens", more, nulls, out);
  out.EndObject();
}

}  // namespace

void WriteInt(std::string_view key, std::int64_t value, json::Writer& out) {
  out.Key(key);
  out.Int(value);
}

void WriteNull(std::string_view key, json::Writer& out) {
  out.Key(key);
  out.Null();
}

void WriteChatLogprobs(std::span<const model::Token> tokens, json::Writer& out,
                       bool refusal_shown) {
  out.BeginObject();
  out.Key("content");
  out.BeginArray();
  for (const model::Token& token : tokens) {
    out.BeginObject();
    out.Field("token", token.text);
    out.Key("logprob");
    WriteLogprob(token.logprob, out);
    out.Key("bytes");
    WriteBytes(token.bytes, out);
    out.Key("top_logprobs");
    out.BeginArray();
    for (const model::TopToken& top : token.top) {
      out.BeginObject();
      out.Field("token", top.text);
      out.Key("logprob");
      WriteLogprob(top.logprob, out);
      out.Key("bytes");
      WriteBytes(top.bytes, out);
      out.EndObject();
    }
    out.EndArray();
    out.EndObject();
  }
  out.EndArray();
  if (refusal_shown) {
    out.Key("refusal");
    out.Null();
  }
  out.EndObject();
}

void WriteTextLogprobs(std::span<const model::Token> tokens, json::Writer& out) {
  out.BeginObject();
  out.Key("text_offset");
  out.BeginArray();
  for (const model::Token& token : tokens) out.Int(token.text_offset.value_or(0));
  out.EndArray();
  out.Key("token_logprobs");
  out.BeginArray();
  for (const model::Token& token : tokens) {
    if (token.logprob) {
      WriteLogprob(token.logprob, out);
    } else {
      out.Null();
    }
  }
  out.EndArray();
  out.Key("tokens");
  out.BeginArray();
  for (const model::Token& token : tokens) out.String(token.text);
  out.EndArray();
  out.Key("top_logprobs");
  out.BeginArray();
  for (const model::Token& token : tokens) {
    if (token.top.empty()) {
      out.Null();
      continue;
    }
    out.BeginObject();
    for (const model::TopToken& top : token.top) {
      out.Key(top.text);
      WriteLogprob(top.logprob, out);
    }
    out.EndObject();
  }
  out.EndArray();
  out.EndObject();
}

void WriteUsage(const model::Usage& usage, UsageForm form, const Dialect& dialect,
                json::Writer& out) {
  const bool nulls = form == UsageForm::kWhole;
  out.BeginObject();
  WriteCount("prompt_tokens", usage.prompt_tokens, out);
  WriteCount("total_tokens", usage.total_tokens, out);
  WriteCount("completion_tokens", usage.completion_tokens, out);
  if (form != UsageForm::kContinuous) {
    WritePromptDetails(usage, nulls, dialect, out);
  }
  WriteDetails("completion_tokens_details", "reasoning_tokens", usage.reasoning_tokens,
               form != UsageForm::kLast && dialect.version >= kUsageDetails, out);
  out.EndObject();
}

void WriteInts(std::span<const std::int64_t> values, json::Writer& out) {
  out.BeginArray();
  for (const std::int64_t value : values) out.Int(value);
  out.EndArray();
}

std::string_view FinishWord(model::Finish finish, const std::string& text) {
  return text.empty() ? model::FinishName(finish) : std::string_view(text);
}

void WriteTextOrNull(std::string_view key, std::string_view text, json::Writer& out) {
  out.Key(key);
  if (text.empty()) {
    out.Null();
  } else {
    out.String(text);
  }
}

}  // namespace weir::wire
