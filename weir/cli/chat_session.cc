#include "weir/cli/chat_session.h"

#include <algorithm>
#include <array>
#include <utility>

#include "weir/agent/message_json.h"
#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/store/files.h"

namespace weir::cli {
namespace {

using model::Part;

constexpr std::string_view kFormat = "weir-chat";
constexpr std::array<std::pair<Part::Kind, std::string_view>, 5> kPartKinds = {{
    {Part::Kind::kText, "text"},
    {Part::Kind::kImage, "image"},
    {Part::Kind::kAudio, "audio"},
    {Part::Kind::kVideo, "video"},
    {Part::Kind::kFile, "file"},
}};

void OptionalField(json::Writer& out, std::string_view key, std::string_view text) {
  if (!text.empty()) out.Field(key, text);
}

void OptionalField(json::Writer& out, std::string_view key, const std::optional<double>& number) {
  if (!number) return;
  out.Key(key);
  out.Double(*number);
}

void OptionalField(json::Writer& out, std::string_view key,
                   const std::optional<std::int64_t>& number) {
  if (!number) return;
  out.Key(key);
  out.Int(*number);
}

void WriteSampling(json::Writer& out, const model::Sampling& sampling) {
  out.Key("sampling");
  out.BeginObject();
  OptionalField(out, "temperature", sampling.temperature);
  OptionalField(out, "top_p", sampling.top_p);
  OptionalField(out, "top_k", sampling.top_k);
  OptionalField(out, "max_tokens", sampling.max_tokens);
  OptionalField(out, "seed", sampling.seed);
  if (!sampling.stop.empty()) {
    out.Key("stop");
    out.BeginArray();
    for (const std::string& stop : sampling.stop) out.String(stop);
    out.EndArray();
  }
  out.EndObject();
}

void WriteTools(json::Writer& out, const std::vector<model::ToolSpec>& tools) {
  if (tools.empty()) return;
  out.Key("tools");
  out.BeginArray();
  for (const model::ToolSpec& tool : tools) {
    out.BeginObject();
    out.Field("name", tool.name);
    OptionalField(out, "description", tool.description);
    if (!tool.parameters.IsNull()) out.Field("parameters", json::View(tool.parameters));
    if (tool.strict) {
      out.Key("strict");
      out.Bool(*tool.strict);
    }
    out.EndObject();
  }
  out.EndArray();
}

void WriteMessage(json::Writer& out, const ChatMessage& entry) {
  out.BeginObject();
  agent::WriteMessageMembers(out, entry.message);
  if (entry.partial) {
    out.Key("partial");
    out.Bool(true);
  }
  out.EndObject();
}

void WriteTotals(json::Writer& out, const ChatTotals& totals) {
  out.Key("usage");
  out.BeginObject();
  OptionalField(out, "answers", std::optional(totals.answers));
  OptionalField(out, "prompt_tokens", std::optional(totals.prompt_tokens));
  OptionalField(out, "completion_tokens", std::optional(totals.completion_tokens));
  OptionalField(out, "cached_tokens", std::optional(totals.cached_tokens));
  OptionalField(out, "cost", totals.cost);
  if (totals.cost && totals.unpriced > 0)
    OptionalField(out, "unpriced", std::optional(totals.unpriced));
  out.EndObject();
}

// Takes the members of one object by name and remembers what was wrong first.
class Members {
 public:
  Members(json::View object, std::string where, std::optional<Error>& error)
      : object_(object), where_(std::move(where)), error_(error) {
    if (!object.IsObject()) Wrong("", "an object", object);
  }

  json::View Get(std::string_view key) {
    known_.emplace_back(key);
    return object_.Find(key);
  }

  std::string At(std::string_view key) const { return StrCat(where_, "/", key); }

  void Take(std::string_view key, std::string& out) {
    const json::View value = Get(key);
    if (value.exists() && !value.IsString()) Wrong(key, "a text", value);
    if (value.IsString()) out = value.StringOr("");
  }
  void Take(std::string_view key, bool& out) {
    const json::View value = Get(key);
    if (value.exists() && !value.IsBool()) Wrong(key, "true or false", value);
    out = value.BoolOr(out);
  }
  void Take(std::string_view key, std::optional<double>& out) {
    const json::View value = Get(key);
    if (value.exists() && !value.AsDouble()) Wrong(key, "a number", value);
    if (value.AsDouble()) out = value.AsDouble();
  }
  void Take(std::string_view key, std::optional<std::int64_t>& out) {
    const json::View value = Get(key);
    if (value.exists() && !value.AsInt64()) Wrong(key, "a whole number", value);
    if (value.AsInt64()) out = value.AsInt64();
  }
  void Take(std::string_view key, std::int64_t& out) {
    std::optional<std::int64_t> value;
    Take(key, value);
    out = value.value_or(out);
  }
  // An array, or nothing.
  json::View List(std::string_view key) {
    const json::View value = Get(key);
    if (value.exists() && !value.IsArray()) Wrong(key, "a list", value);
    return value;
  }

  void Wrong(std::string_view key, std::string_view expected, json::View got) {
    Complain(key, StrCat("must be ", expected, ", but is ", json::KindName(got.kind())));
  }
  void Complain(std::string_view key, std::string_view what) {
    if (error_) return;
    const std::string place = key.empty() ? where_ : At(key);
    error_ = Error{.code = Code::kConfigError,
                   .message = StrCat(place.empty() ? "/" : place, " ", what)};
  }

  // A member that nobody took is a mistake, or of another version.
  void Finish() {
    for (const json::Member member : object_.members()) {
      if (std::ranges::find(known_, member.key) != known_.end()) continue;
      const std::optional<std::string> nearest = Nearest(member.key, known_);
      Complain(member.key,
               nearest ? StrCat("is unknown; is '", *nearest, "' meant?") : "is unknown");
    }
  }

 private:
  json::View object_;
  std::string where_;
  std::optional<Error>& error_;
  std::vector<std::string> known_;
};

class SessionReader {
 public:
  explicit SessionReader(const json::Value& document) : document_(document) {}

  Result<ChatSession> Read() {
    Members all(document_, "", error_);
    std::string format;
    std::int64_t version = 0;
    all.Take("format", format);
    all.Take("version", version);
    if (!error_ && (format != kFormat || version < 1)) {
      return Fail(Code::kConfigError, "it is no saved chat: \"format\" must be \"weir-chat\"");
    }
    if (!error_ && version > kChatSessionVersion) {
      return Fail(Code::kConfigError, StrCat("it was saved by a later weir (version ", version,
                                             " of the format, this "
                                             "one reads up to ",
                                             kChatSessionVersion, "); update weir"));
    }
    ChatSession session;
    ReadSettings(all, session);
    const json::View list = all.List("messages");
    for (std::size_t i = 0; i < list.size(); ++i) {
      session.messages.push_back(ReadMessage(list[i], StrCat(all.At("messages"), "/", i)));
    }
    all.Finish();
    if (error_) return std::unexpected<Error>(*error_);
    return session;
  }

 private:
  void ReadSettings(Members& all, ChatSession& session) {
    all.Take("engine", session.engine);
    all.Take("model", session.model);
    all.Take("adapter", session.adapter);
    all.Take("system", session.system);
    all.Take("thinking", session.thinking);
    all.Take("show_thinking", session.show_thinking);
    const json::View schema = all.Get("schema");
    if (schema.exists()) session.schema = document_.Share(schema);
    if (const json::View sampling = all.Get("sampling"); sampling.exists()) {
      Members members(sampling, all.At("sampling"), error_);
      members.Take("temperature", session.sampling.temperature);
      members.Take("top_p", session.sampling.top_p);
      members.Take("top_k", session.sampling.top_k);
      members.Take("max_tokens", session.sampling.max_tokens);
      members.Take("seed", session.sampling.seed);
      for (const json::View stop : members.List("stop").items()) {
        session.sampling.stop.emplace_back(stop.StringOr(""));
      }
      members.Finish();
    }
    if (const json::View usage = all.Get("usage"); usage.exists()) {
      Members members(usage, all.At("usage"), error_);
      members.Take("answers", session.totals.answers);
      members.Take("prompt_tokens", session.totals.prompt_tokens);
      members.Take("completion_tokens", session.totals.completion_tokens);
      members.Take("cached_tokens", session.totals.cached_tokens);
      members.Take("cost", session.totals.cost);
      // Nothing had a price when there is no cost.
      if (!session.totals.cost) session.totals.unpriced = session.totals.answers;
      members.Take("unpriced", session.totals.unpriced);
      members.Finish();
    }
    const json::View tools = all.List("tools");
    for (std::size_t i = 0; i < tools.size(); ++i) {
      session.tools.push_back(ReadTool(tools[i], StrCat(all.At("tools"), "/", i)));
    }
  }

  model::ToolSpec ReadTool(json::View view, std::string where) {
    Members members(view, std::move(where), error_);
    model::ToolSpec tool;
    members.Take("name", tool.name);
    members.Take("description", tool.description);
    const json::View parameters = members.Get("parameters");
    if (parameters.exists()) tool.parameters = document_.Share(parameters);
    tool.strict = members.Get("strict").AsBool();
    members.Finish();
    return tool;
  }

  ChatMessage ReadMessage(json::View view, const std::string& where) {
    Members members(view, where, error_);
    ChatMessage entry;
    model::Message& message = entry.message;
    std::string role;
    members.Take("role", role);
    if (const std::optional<model::Role> known = model::ParseRole(role)) {
      message.role = *known;
    } else {
      members.Complain("role", "must be user, assistant, tool or system");
    }
    const json::View content = members.Get("content");
    if (content.IsString()) {
      message.parts.push_back({.text = std::string(content.StringOr(""))});
    } else if (content.exists() && !content.IsArray()) {
      members.Wrong("content", "a text or a list of parts", content);
    }
    for (std::size_t i = 0; content.IsArray() && i < content.size(); ++i) {
      message.parts.push_back(ReadPart(content[i], StrCat(where, "/content/", i)));
    }
    members.Take("reasoning", message.reasoning);
    members.Take("tool_call_id", message.tool_call_id);
    members.Take("name", message.name);
    members.Take("partial", entry.partial);
    const json::View calls = members.List("tool_calls");
    for (std::size_t i = 0; i < calls.size(); ++i) {
      Members call(calls[i], StrCat(where, "/tool_calls/", i), error_);
      model::ToolCall& added = message.tool_calls.emplace_back();
      call.Take("id", added.id);
      call.Take("name", added.name);
      call.Take("arguments", added.arguments);
      call.Finish();
    }
    members.Finish();
    return entry;
  }

  Part ReadPart(json::View view, std::string where) {
    Members members(view, std::move(where), error_);
    Part part;
    std::string type;
    members.Take("type", type);
    const auto known =
        std::ranges::find(kPartKinds, type, [](const auto& pair) { return pair.second; });
    if (known == kPartKinds.end()) {
      members.Complain("type", "must be text, image, audio, video or file");
    } else {
      part.kind = known->first;
    }
    members.Take("text", part.text);
    members.Take("url", part.url);
    members.Take("format", part.format);
    members.Take("detail", part.detail);
    members.Take("uuid", part.uuid);
    members.Finish();
    return part;
  }

  const json::Value& document_;
  std::optional<Error> error_;
};

}  // namespace

void ChatTotals::Add(const model::Usage& usage, const std::optional<double>& its_cost) {
  ++answers;
  prompt_tokens += usage.prompt_tokens.value_or(0);
  completion_tokens += usage.completion_tokens.value_or(0);
  cached_tokens += usage.cached_tokens.value_or(0);
  if (its_cost) {
    cost = cost.value_or(0) + *its_cost;
  } else {
    ++unpriced;
  }
}

std::string WriteChatSession(const ChatSession& session) {
  std::string text;
  json::Writer out(text, {.indent = 2});
  out.BeginObject();
  out.Field("format", kFormat);
  out.Key("version");
  out.Int(kChatSessionVersion);
  OptionalField(out, "engine", Redact(session.engine));
  OptionalField(out, "model", session.model);
  OptionalField(out, "adapter", session.adapter);
  OptionalField(out, "system", session.system);
  out.Field("thinking", session.thinking);
  out.Key("show_thinking");
  out.Bool(session.show_thinking);
  WriteSampling(out, session.sampling);
  WriteTools(out, session.tools);
  if (!session.schema.IsNull()) out.Field("schema", json::View(session.schema));
  out.Key("messages");
  out.BeginArray();
  for (const ChatMessage& message : session.messages) WriteMessage(out, message);
  out.EndArray();
  WriteTotals(out, session.totals);
  out.EndObject();
  return text + "\n";
}

Result<ChatSession> ReadChatSession(std::string_view text, std::string_view file) {
  json::ReadOptions options;
  options.max_bytes = kChatSessionBytes;
  options.duplicate_keys = json::DuplicateKeys::kReject;
  const Result<json::Value> document = json::Read(text, options);
  if (!document) {
    return Fail(Code::kConfigError, StrCat(file, " is no saved chat: it is not JSON"),
                document.error().message);
  }
  Result<ChatSession> session = SessionReader(*document).Read();
  if (session) return session;
  return Fail(Code::kConfigError, StrCat(file, ": ", session.error().message));
}

Result<void> SaveChatSession(const std::string& file, const ChatSession& session) {
  return store::ReplaceFile(file, WriteChatSession(session), {.mode = 0600});
}

Result<ChatSession> LoadChatSession(const std::string& file) {
  WEIR_TRY(const std::optional<std::string> text, store::ReadFile(file, kChatSessionBytes));
  if (!text) return Fail(Code::kConfigError, StrCat("there is no file ", file));
  return ReadChatSession(*text, file);
}

}  // namespace weir::cli
