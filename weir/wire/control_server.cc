#include "weir/wire/control_server.h"

#include <bit>
#include <utility>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/wire/encode_parts.h"
#include "weir/wire/json_fields.h"
#include "weir/wire/python_text.h"
#include "weir/wire/request_reader.h"

namespace weir::wire {
namespace {

constexpr Version kDetailsInUsage{0, 28, 0};
constexpr Version kInPlace{0, 14, 0};

// Reads a body as an object, and hands it to `read`.
template <class Out, class Read>
std::expected<Out, ServerError> DecodeObject(model::Api api, std::string_view body,
                                             const Dialect& dialect, Read read) {
  const auto root = json::Read(body, {.max_bytes = limits::kRequestBodyBytes});
  if (!root) return std::unexpected(BadJson(body, dialect));
  RequestReader in(api, *root, dialect);
  Out out;
  if (root->IsObject()) {
    read(in, out);
  } else {
    in.Complain("model_attributes_type", "",
                "Input should be a valid dictionary or object to extract fields from", *root);
  }
  if (std::optional<ServerError> error = in.TakeError()) {
    return std::unexpected(*std::move(error));
  }
  return out;
}

void RequireText(RequestReader& in, std::string_view key, std::string& out) {
  if (!in.body().Find(key).exists()) {
    in.Complain("missing", key, "Field required", in.body());
    return;
  }
  in.Read(key, out);
}

void AppendNulls(json::Writer& out, std::initializer_list<std::string_view> keys) {
  for (const std::string_view key : keys) {
    out.Key(key);
    out.Null();
  }
}

std::string Base64OfFloats(std::span<const float> vector) {
  std::string bytes;
  bytes.reserve(vector.size() * sizeof(float));
  for (const float value : vector) {
    const auto bits = std::bit_cast<std::uint32_t>(value);
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift & 0xFF);
  }
  return Base64Encode(bytes);
}

void ReadEmbeddingInput(RequestReader& in, IncomingEmbedding& out) {
  const json::View input = in.Take("input");
  if (input.IsString()) {
    out.texts.push_back(StringOf(input));
  } else if (input[0].IsString()) {
    out.texts = StringsOf(input);
  } else if (input[0].IsNumber()) {
    out.tokens.push_back(IntsOf(input));
  } else if (input[0].IsArray()) {
    for (const json::View list : input.items()) out.tokens.push_back(IntsOf(list));
  } else {
    in.Complain(IsSet(input) ? "string_type" : "missing", "input",
                IsSet(input) ? "Input should be a valid string" : "Field required",
                IsSet(input) ? input : in.body());
  }
}

}  // namespace

std::expected<IncomingTokenize, ServerError> DecodeTokenize(std::string_view body,
                                                            const Dialect& dialect) {
  const auto read = [](RequestReader& in, IncomingTokenize& out) {
    in.Read("model", out.call.model);
    std::optional<bool> texts;
    in.Read("return_token_strs", texts);
    out.token_texts = texts.value_or(false);
    if (in.body().Find("messages").exists()) {
      ReadMessages(in, out.call);
      ReadTools(in, out.call);
      in.Read("add_generation_prompt", out.call.add_generation_prompt, Null::kRefused);
      in.Read("continue_final_message", out.call.continue_final_message, Null::kRefused);
    } else {
      out.call.api = model::Api::kCompletions;
      RequireText(in, "prompt", out.call.prompt);
    }
  };
  return DecodeObject<IncomingTokenize>(model::Api::kChat, body, dialect, read);
}

std::string EncodeTokenize(std::span<const std::int32_t> tokens, std::int64_t max_model_len,
                           const std::vector<std::string>* texts) {
  std::string body;
  json::Writer out(body);
  out.BeginObject();
  out.Key("count");
  out.Int(static_cast<std::int64_t>(tokens.size()));
  out.Key("max_model_len");
  out.Int(max_model_len);
  out.Key("tokens");
  out.BeginArray();
  for (const std::int32_t token : tokens) out.Int(token);
  out.EndArray();
  out.Key("token_strs");
  if (texts == nullptr) {
    out.Null();
  } else {
    out.BeginArray();
    for (const std::string& text : *texts) out.String(text);
    out.EndArray();
  }
  out.EndObject();
  return body;
}

std::expected<IncomingDetokenize, ServerError> DecodeDetokenize(std::string_view body,
                                                                const Dialect& dialect) {
  const auto read = [](RequestReader& in, IncomingDetokenize& out) {
    in.Read("model", out.model);
    if (in.body().Find("tokens").exists()) {
      in.Read("tokens", out.tokens);
    } else {
      in.Complain("missing", "tokens", "Field required", in.body());
    }
  };
  return DecodeObject<IncomingDetokenize>(model::Api::kCompletions, body, dialect, read);
}

std::string EncodeDetokenize(std::string_view text) {
  std::string body;
  json::Writer out(body);
  out.BeginObject();
  out.Field("prompt", text);
  out.EndObject();
  return body;
}

std::expected<IncomingAdapter, ServerError> DecodeAdapter(AdapterChange change,
                                                          std::string_view body,
                                                          const Dialect& dialect) {
  const auto read = [change](RequestReader& in, IncomingAdapter& out) {
    RequireText(in, "lora_name", out.name);
    if (change == AdapterChange::kUnload) return;
    RequireText(in, "lora_path", out.path);
    std::optional<bool> in_place;
    if (in.dialect().version >= kInPlace) in.Read("load_inplace", in_place);
    out.in_place = in_place.value_or(false);
  };
  return DecodeObject<IncomingAdapter>(model::Api::kCompletions, body, dialect, read);
}

std::expected<IncomingEmbedding, ServerError> DecodeEmbedding(std::string_view body,
                                                              const Dialect& dialect) {
  const auto read = [](RequestReader& in, IncomingEmbedding& out) {
    in.Read("model", out.model);
    in.Read("request_id", out.request_id);
    in.Read("dimensions", out.dimensions);
    std::string format;
    in.Read("encoding_format", format);
    out.base64 = format == "base64";
    if (!format.empty() && format != "float" && format != "base64") {
      in.Complain("literal_error", "encoding_format", "Input should be 'float' or 'base64'",
                  in.body().Find("encoding_format"));
    }
    if (in.body().Find("normalize").exists()) {
      in.Refuse("`normalize` is no longer supported; vectors have length 1.", "normalize");
    }
    if (out.dimensions.value_or(1) < 1) {
      in.RefuseLate(StrCat("dimensions must be positive, got ", *out.dimensions, "."),
                    "dimensions");
    }
    if (in.body().Find("messages").exists()) {
      model::Call call;
      ReadMessages(in, call);
      out.messages = std::move(call.messages);
    } else {
      ReadEmbeddingInput(in, out);
    }
  };
  return DecodeObject<IncomingEmbedding>(model::Api::kChat, body, dialect, read);
}

std::string EncodeEmbedding(const model::ReplyInfo& info,
                            std::span<const std::vector<float>> vectors, bool base64,
                            std::int64_t prompt_tokens, const Dialect& dialect) {
  std::string body;
  json::Writer out(body);
  out.BeginObject();
  const bool openai = dialect.kind == ServerKind::kOpenAi;
  if (!openai) out.Field("id", info.id);
  out.Field("object", "list");
  if (!openai) {
    out.Key("created");
    out.Int(info.created);
  }
  out.Field("model", info.model);
  out.Key("data");
  out.BeginArray();
  for (std::size_t i = 0; i < vectors.size(); ++i) {
    out.BeginObject();
    out.Key("index");
    out.Int(static_cast<std::int64_t>(i));
    out.Field("object", "embedding");
    out.Key("embedding");
    if (base64) {
      out.String(Base64OfFloats(vectors[i]));
    } else {
      out.BeginArray();
      for (const float value : vectors[i]) out.Raw(PythonFloat(value));
      out.EndArray();
    }
    out.EndObject();
  }
  out.EndArray();
  out.Key("usage");
  out.BeginObject();
  out.Key("prompt_tokens");
  out.Int(prompt_tokens);
  out.Key("total_tokens");
  out.Int(prompt_tokens);
  if (!openai) {
    out.Key("completion_tokens");
    out.Int(0);
    AppendNulls(out, {"prompt_tokens_details"});
    if (dialect.version >= kDetailsInUsage) AppendNulls(out, {"completion_tokens_details"});
  }
  out.EndObject();
  out.EndObject();
  return body;
}

json::Value TokenIds(std::span<const std::int32_t> tokens) {
  json::Builder out;
  out.BeginArray();
  for (const std::int32_t token : tokens) out.Int(token);
  out.EndArray();
  return std::move(out).Finish();
}

json::Value PromptIdsExtra(model::Api api, std::span<const std::int32_t> tokens) {
  const bool chat = api != model::Api::kCompletions;
  json::Builder out;
  out.BeginObject();
  if (!chat) {
    out.Key("choice");
    out.BeginObject();
  }
  out.Key("prompt_token_ids");
  out.Copy(TokenIds(tokens));
  if (!chat) out.EndObject();
  out.EndObject();
  return std::move(out).Finish();
}

json::Value WithPromptTokenIds(json::View choice_extra, json::View ids) {
  json::Builder out;
  out.BeginObject();
  CopyUnknown(choice_extra, {"prompt_token_ids"}, out);
  out.Key("prompt_token_ids");
  out.Copy(ids);
  out.EndObject();
  return std::move(out).Finish();
}

}  // namespace weir::wire
