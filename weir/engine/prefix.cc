#include "weir/engine/prefix.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <span>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/json/writer.h"

namespace weir::engine {
namespace {

std::uint64_t HashOf(std::string_view text, std::uint64_t seed = 0) {
  return StableHash(text.data(), text.size(), seed);
}

// Values one after the other, so that no two lists of them give the same text.
class Record {
 public:
  void Add(std::string_view text) { StrAppend(text_, text.size(), ":", text, ","); }
  void Add(json::View value) {
    const std::string text = value.exists() && !value.IsNull() ? json::Write(value) : std::string();
    Add(std::string_view(text));
  }
  void Add(std::optional<bool> value) {
    Add(std::string_view(!value ? "" : *value ? "true" : "false"));
  }
  std::uint64_t hash() const { return HashOf(text_); }

 private:
  std::string text_;
};

bool IsInstruction(const model::Message& message) {
  return message.role == model::Role::kSystem || message.role == model::Role::kDeveloper;
}

std::span<const model::Message> InstructionsOf(const model::Call& call) {
  const auto end = std::ranges::find_if_not(call.messages, IsInstruction);
  return {call.messages.begin(), end};
}

std::uint64_t HashOf(std::span<const model::Message> messages) {
  if (messages.empty()) return 0;
  Record record;
  for (const model::Message& message : messages) {
    record.Add(model::RoleName(message.role));
    record.Add(message.name);
    record.Add(message.extra);
    for (const model::Part& part : message.parts) {
      record.Add(std::string(1, static_cast<char>('a' + static_cast<int>(part.kind))));
      for (const std::string* text : {&part.text, &part.url, &part.format, &part.detail}) {
        record.Add(*text);
      }
      record.Add(part.raw);
    }
  }
  return record.hash();
}

std::uint64_t HashOf(const model::ToolSpec& tool) {
  Record record;
  record.Add(tool.name);
  record.Add(tool.description);
  record.Add(tool.parameters);
  record.Add(tool.strict);
  return record.hash();
}

std::uint64_t HashOf(const std::vector<std::uint64_t>& hashes) {
  return hashes.empty() ? 0 : StableHash(hashes.data(), hashes.size() * sizeof hashes.front());
}

// Whether the template has nothing but the messages to go by: most calls.
bool RendersPlainly(const model::Call& call) {
  const auto is_absent = [](json::View value) { return !value.exists() || value.IsNull(); };
  return call.chat_template.empty() && is_absent(call.chat_template_kwargs) &&
         is_absent(call.documents) && is_absent(call.mm_processor_kwargs) &&
         call.cache_salt.empty() && call.reasoning.effort.value_or("").empty() &&
         !call.reasoning.enable;
}

std::uint64_t HashOfRendering(const model::Call& call) {
  Record record;
  record.Add(call.chat_template);
  record.Add(call.chat_template_kwargs);
  record.Add(call.documents);
  record.Add(call.mm_processor_kwargs);
  record.Add(call.cache_salt);
  record.Add(call.reasoning.effort.value_or(""));
  record.Add(call.reasoning.enable);
  return record.hash();
}

std::uint64_t RenderingOf(const model::Call& call) {
  static const std::uint64_t kPlain = HashOfRendering({});
  return RendersPlainly(call) ? kPlain : HashOfRendering(call);
}

// The prefix without its digest.
Prefix PartsOf(const model::Call& call) {
  Prefix prefix;
  prefix.model = call.adapter.empty() ? call.model : call.adapter;
  if (call.api == model::Api::kCompletions) return prefix;
  std::vector<std::uint64_t> tools;
  tools.reserve(call.tools.size());
  for (const model::ToolSpec& tool : call.tools) tools.push_back(HashOf(tool));
  const std::span<const model::Message> instructions = InstructionsOf(call);
  prefix.empty = instructions.empty() && tools.empty();
  prefix.system = HashOf(instructions);
  prefix.tools = HashOf(tools);
  std::ranges::sort(tools);
  prefix.tool_set = HashOf(tools);
  prefix.rendering = RenderingOf(call);
  return prefix;
}

void Digest(Prefix& prefix) {
  const std::string all =
      StrCat(prefix.model, "|", prefix.system, "|", prefix.tools, "|", prefix.rendering);
  prefix.digest = HexText(HashOf(all, 1)) + HexText(HashOf(all, 2));
}

bool HaveSameParts(const Prefix& a, const Prefix& b) {
  return a.system == b.system && a.tools == b.tools && a.rendering == b.rendering &&
         a.model == b.model;
}

std::string_view WhatChanged(const Prefix& before, const Prefix& after) {
  if (before.model != after.model) return "model";
  if (before.system != after.system) return "system";
  if (before.tool_set != after.tool_set) return "tools";
  if (before.tools != after.tools) return "tools_order";
  return "template";
}

// What was seen of each name. Thread-safe.
class PrefixBook {
 public:
  explicit PrefixBook(PrefixOptions options) : options_(std::move(options)) {}

  void Note(const async::Context& ctx, const model::Call& call) {
    Prefix prefix = PartsOf(call);
    const std::string name = NameOf(call, prefix);
    std::optional<Prefix> before;
    {
      const std::scoped_lock lock(mutex_);
      const auto page = pages_.find(name);
      if (page != pages_.end() && HaveSameParts(page->second.last, prefix)) return;
      Digest(prefix);
      before = Take(name, prefix);
    }
    if (!before) return;
    ctx.Emit("prefix.changed", {{"engine", options_.engine},
                                {"name", name},
                                {"what", WhatChanged(*before, prefix)},
                                {"prefix", prefix.digest},
                                {"before", before->digest}});
  }

 private:
  struct Page {
    Prefix last;
    std::vector<std::string> seen;
  };

  std::string NameOf(const model::Call& call, const Prefix& prefix) const {
    if (!options_.name.empty()) return options_.name;
    if (!call.session_id.empty()) return call.session_id;
    if (!call.series.empty()) return call.series;
    return prefix.model.empty() ? options_.engine : StrCat(options_.engine, "/", prefix.model);
  }

  // The prefix before this one if this one is new to the name.
  std::optional<Prefix> Take(const std::string& name, const Prefix& prefix) {
    if (pages_.size() >= options_.max_names && !pages_.contains(name)) pages_.clear();
    Page& page = pages_[name];
    const bool first = page.seen.empty();
    const bool known = std::ranges::find(page.seen, prefix.digest) != page.seen.end();
    if (known || page.seen.size() >= options_.max_prefixes) {
      page.last = prefix;
      return std::nullopt;
    }
    page.seen.push_back(prefix.digest);
    Prefix before = std::exchange(page.last, prefix);
    if (first) return std::nullopt;
    return before;
  }

  const PrefixOptions options_;
  std::mutex mutex_;
  std::map<std::string, Page> pages_;
};

class PrefixEngine final : public model::Engine {
 public:
  PrefixEngine(std::unique_ptr<model::Engine> next, PrefixOptions options)
      : next_(std::move(next)), book_(std::move(options)) {}

  async::Task<Result<model::Reply>> Call(async::Context ctx, const model::Call& call) override {
    if (ctx.trace != nullptr) book_.Note(ctx, call);
    return next_->Call(ctx, call);
  }

  async::Task<Result<std::unique_ptr<model::ReplyStream>>> Stream(
      async::Context ctx, const model::Call& call) override {
    if (ctx.trace != nullptr) book_.Note(ctx, call);
    return next_->Stream(ctx, call);
  }

  async::Task<Result<model::EngineInfo>> Describe(async::Context ctx) override {
    return next_->Describe(ctx);
  }

 private:
  const std::unique_ptr<model::Engine> next_;
  PrefixBook book_;
};

// The beginning of the call and as little as possible behind it. Many templates refuse a
// conversation without a user.
model::Call WarmUpCall(const model::Call& call) {
  model::Call warm;
  warm.api = call.api;
  warm.model = call.model;
  warm.adapter = call.adapter;
  const std::span<const model::Message> instructions = InstructionsOf(call);
  warm.messages.assign(instructions.begin(), instructions.end());
  warm.messages.push_back(model::Message::Text(model::Role::kUser, "."));
  warm.tools = call.tools;
  warm.tool_choice = call.tool_choice;
  warm.sampling.max_tokens = 1;
  warm.reasoning = call.reasoning;
  warm.timeouts = call.timeouts;
  warm.session_id = call.session_id;
  warm.series = call.series;
  warm.cache_salt = call.cache_salt;
  warm.chat_template = call.chat_template;
  warm.chat_template_kwargs = call.chat_template_kwargs;
  warm.documents = call.documents;
  warm.mm_processor_kwargs = call.mm_processor_kwargs;
  return warm;
}

// Ends that an answer of one token may well have, which is no tool call where one must be: the
// prompt was read all the same.
bool IsWarmAllTheSame(const Error& error) {
  return error.code == Code::kTruncated || error.code == Code::kEmptyModelResponse ||
         error.code == Code::kConstraintViolated;
}

// A stream, because a whole reply to a call with tools would be asked for again when it is cut, and
// servers that must find a tool call in a whole reply fail on one token.
async::Task<Result<model::Usage>> AskOnce(async::Context ctx, model::Engine& engine,
                                          const model::Call& call) {
  WEIR_CO_TRY(const std::unique_ptr<model::ReplyStream> stream, co_await engine.Stream(ctx, call));
  model::Usage usage;
  for (model::Delta piece;;) {
    const Result<bool> more = co_await stream->Next(ctx, piece);
    if (!more && IsWarmAllTheSame(more.error())) co_return usage;
    if (!more) co_return Fail(more.error());
    if (!*more) co_return usage;
    if (piece.usage) usage = *piece.usage;
  }
}

void EmitWarmed(const async::Context& ctx, const WarmedPrefix& warmed) {
  const std::chrono::duration<double, std::milli> millis = warmed.duration;
  if (warmed.error) {
    ctx.Emit("prefix.warmed", {{"prefix", warmed.prefix.digest},
                               {"model", warmed.prefix.model},
                               {"duration_ms", millis.count()},
                               {"error", Name(*warmed.error)},
                               {"message", warmed.error->message}});
  } else {
    ctx.Emit("prefix.warmed", {{"prefix", warmed.prefix.digest},
                               {"model", warmed.prefix.model},
                               {"duration_ms", millis.count()}});
  }
}

async::Task<WarmedPrefix> WarmOne(async::Context ctx, model::Engine& engine,
                                  const model::Call& call, Prefix prefix) {
  WarmedPrefix warmed{.prefix = std::move(prefix), .usage = {}, .error = {}};
  const TimePoint began = ctx.Now();
  const model::Call warm = WarmUpCall(call);
  Result<model::Usage> usage = co_await AskOnce(ctx, engine, warm);
  warmed.duration = ctx.Now() - began;
  if (!usage && IsWarmAllTheSame(usage.error())) usage = model::Usage();
  if (usage) {
    warmed.usage = *std::move(usage);
  } else {
    warmed.error = usage.error();
  }
  EmitWarmed(ctx, warmed);
  co_return warmed;
}

}  // namespace

Prefix PrefixOf(const model::Call& call) {
  Prefix prefix = PartsOf(call);
  Digest(prefix);
  return prefix;
}

std::unique_ptr<model::Engine> NewPrefixEngine(std::unique_ptr<model::Engine> next,
                                               PrefixOptions options) {
  return std::make_unique<PrefixEngine>(std::move(next), std::move(options));
}

std::size_t WarmUpReport::warmed() const {
  return static_cast<std::size_t>(std::ranges::count_if(
      prefixes, [](const WarmedPrefix& prefix) { return !prefix.error.has_value(); }));
}

async::Task<Result<WarmUpReport>> WarmUp(async::Context ctx, model::Engine& engine,
                                         std::vector<model::Call> calls) {
  async::Span span(ctx, "engine.warm_up");
  const TimePoint began = ctx.Now();
  WarmUpReport report;
  for (const model::Call& call : calls) {
    Prefix prefix = PrefixOf(call);
    if (prefix.empty) {
      ++report.without;
      continue;
    }
    if (std::ranges::find(report.prefixes, prefix, &WarmedPrefix::prefix) !=
        report.prefixes.end()) {
      ++report.repeated;
      continue;
    }
    WarmedPrefix warmed = co_await WarmOne(span.context(), engine, call, std::move(prefix));
    if (ctx.cancelled()) co_return Fail(async::CancelledError());
    if (ctx.Now() >= ctx.deadline) co_return Fail(async::TotalTimeoutError(ctx));
    report.prefixes.push_back(std::move(warmed));
  }
  report.total = ctx.Now() - began;
  co_return report;
}

}  // namespace weir::engine
