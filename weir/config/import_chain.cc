// Chains of steps, which become a flow.

#include <algorithm>
#include <array>
#include <utility>

#include "weir/base/text.h"
#include "weir/config/import_source.h"
#include "weir/json/builder.h"
#include "weir/json/writer.h"

namespace weir::config {
namespace {

using json::Value;

constexpr std::string_view kChainExample =
    "name: qa\nsteps:\n  - {type: step, id: answer, engine: qwen, user_prompt: \"{{ question "
    "}}\"}\n";
constexpr std::size_t kMostNodes = 1000;
constexpr int kDeepest = 32;

// Letters, digits and _, the first no digit: what a flow calls a name.
std::string FlowName(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    if (digit && name.empty()) name += '_';
    name += letter || digit ? c : '_';
  }
  return name.empty() ? "step" : name;
}

// The part of a symbol that names the thing: "obj" of "pkg.mod:obj".
std::string_view LastPart(std::string_view symbol) {
  const std::size_t at = symbol.find_last_of(":.");
  return at == std::string_view::npos ? symbol : symbol.substr(at + 1);
}

class Chain {
 public:
  explicit Chain(ImportJob& job) : job_(job) {}

  Result<void> Take(Section& root) {
    WEIR_TRY(const std::optional<std::string> name, root.TakeText("name"));
    const std::string flow = FlowName(name.value_or("chain"));
    const json::View batch = root.Take("batch_size");
    if (batch.exists() && batch.AsInt64().value_or(0) < 1) {
      return root.Wrong("batch_size", "must be a whole number from 1");
    }
    json::Builder out;
    out.BeginArray();
    Section steps = root.Inside("steps");
    if (steps.value().empty() || !steps.value().IsArray()) {
      return root.Wrong("steps", StrCat("must be a list of steps, such as\n\n", kChainExample));
    }
    WEIR_CHECK(TakeList(steps, out, 0));
    out.EndArray();
    const DraftPath path = {"flows", flow};
    if (batch.AsInt64().value_or(1) > 1) {
      job_.draft.Set({"flows", flow, "concurrency"}, batch, root.Origin("batch_size"));
      root.Note("batch_size", "became `concurrency`: rows do not wait for each other here");
    }
    WEIR_TRY(const std::optional<std::string> about, root.TakeText("description"));
    if (about) {
      job_.draft.Set({"flows", flow, "description"}, Value::Of(*about), root.Origin("description"));
    }
    job_.draft.Set({"flows", flow, "nodes"}, std::move(out).Finish(), root.Origin("steps"));
    root.Leave("emoji", "pictures have no place in a flow");
    return {};
  }

 private:
  // Branches that stand behind each other, or in a list of their own, are one parallel.
  Result<void> TakeList(const Section& list, json::Builder& out, int depth) {
    if (depth > kDeepest) return list.Wrong("", "steps are nested too deep; split the chain");
    bool open = false;
    for (std::size_t i = 0; i < list.value().size(); ++i) {
      Section item = list.Item(i);
      if (++nodes_ > kMostNodes) {
        return item.Wrong("", StrCat("a chain has at most ", kMostNodes, " steps; split it"));
      }
      const bool branch = item.value().Find("type").StringOr("") == "branch";
      if (branch != open) {
        branch ? BeginParallel(out) : EndParallel(out);
        open = branch;
      }
      if (branch) {
        WEIR_CHECK(TakeBranch(item, out, depth));
      } else if (item.value().IsArray()) {
        WEIR_CHECK(TakeGroup(item, out, depth));
      } else {
        WEIR_CHECK(TakeOne(item, out));
      }
    }
    if (open) EndParallel(out);
    return {};
  }

  static void BeginParallel(json::Builder& out) {
    out.BeginObject();
    out.Key("parallel");
    out.BeginArray();
  }
  static void EndParallel(json::Builder& out) {
    out.EndArray();
    out.EndObject();
  }

  Result<void> TakeGroup(const Section& group, json::Builder& out, int depth) {
    if (group.value().empty()) {
      group.Note("", "holds no branches and is left out");
      return {};
    }
    BeginParallel(out);
    for (std::size_t i = 0; i < group.value().size(); ++i) {
      Section item = group.Item(i);
      if (++nodes_ > kMostNodes) {
        return item.Wrong("", StrCat("a chain has at most ", kMostNodes, " steps; split it"));
      }
      if (item.value().Find("type").StringOr("") == "branch") {
        WEIR_CHECK(TakeBranch(item, out, depth));
        continue;
      }
      // A step, or a symbol, is a branch of its own here.
      const std::string_view id =
          item.value().Find("id").StringOr(LastPart(item.value().StringOr("branch")));
      out.BeginObject();
      Field(out, "branch", Fresh(StrCat(id, "_branch")));
      out.Key("nodes");
      out.BeginArray();
      WEIR_CHECK(TakeOne(item, out));
      out.EndArray();
      out.EndObject();
    }
    EndParallel(out);
    return {};
  }

  Result<void> TakeBranch(Section& branch, json::Builder& out, int depth) {
    branch.Take("type");
    WEIR_TRY(const std::optional<std::string> id, branch.TakeText("id"));
    WEIR_TRY(const std::optional<std::string> name, branch.TakeText("name"));
    WEIR_TRY(const std::optional<std::string> join, branch.TakeText("join"));
    Section steps = branch.Inside("steps");
    if (!steps.value().IsArray() || steps.value().empty()) {
      return branch.Wrong("steps", "must be a list with the steps of the branch");
    }
    out.BeginObject();
    const std::string wanted = id.value_or(name.value_or("branch"));
    const std::string own = Fresh(wanted);
    Field(out, "branch", own);
    // The value that a branch hands over may have the branch's name.
    if (join) Field(out, "join", *join == wanted ? own : Fresh(*join));
    out.Key("nodes");
    out.BeginArray();
    WEIR_CHECK(TakeList(steps, out, depth + 1));
    out.EndArray();
    out.EndObject();
    branch.Leave("emoji", "pictures have no place in a flow");
    branch.LeaveRest();
    return {};
  }

  Result<void> TakeOne(Section& item, json::Builder& out) {
    if (const auto symbol = item.value().AsString()) {
      Skeleton(item, *symbol, out);
      return {};
    }
    WEIR_CHECK(item.MustBeMap(kChainExample));
    WEIR_TRY(const std::optional<std::string> type, item.TakeText("type"));
    if (type && *type != "step") {
      return item.Wrong("type",
                        StrCat("must be step or branch, found '", Truncate(*type, 40), "'"));
    }
    return TakeStep(item, out);
  }

  // Where a symbol of a program stands: its prompt is not known here.
  void Skeleton(const Section& item, std::string_view symbol, json::Builder& out) {
    const std::string id = Fresh(LastPart(symbol));
    out.BeginObject();
    Field(out, "step", id);
    Field(out, "user", StrCat("Write here what ", id, " asks. {{ row | tojson }}"));
    out.EndObject();
    item.Note("", StrCat("'", Truncate(symbol, 60),
                         "' is an object of a Python program, which is "
                         "not read: step ",
                         id,
                         " holds its place; write its prompts and its output there, or make "
                         "it a `parallel` or an `apply` if it was one"));
  }

  Result<void> TakeStep(Section& step, json::Builder& out) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kTexts = {
        {{"engine", "engine"},
         {"engine_name", "engine"},
         {"model", "model"},
         {"system_prompt", "system"},
         {"user_prompt", "user"},
         {"output_format_instruction", "instruction"}}};
    WEIR_TRY(const std::optional<std::string> id, step.TakeText("id"));
    WEIR_TRY(const std::optional<std::string> name, step.TakeText("name"));
    out.BeginObject();
    Field(out, "step", Fresh(id.value_or(name.value_or("step"))));
    std::vector<std::string_view> written;
    for (const auto& [theirs, ours] : kTexts) {
      WEIR_TRY(const std::optional<std::string> text, step.TakeText(theirs));
      if (!text) continue;
      if (std::ranges::find(written, ours) != written.end()) {
        step.Note(theirs, StrCat("is not carried: `", ours, "` is said twice"));
        continue;
      }
      written.push_back(ours);
      Field(out, ours, *text);
    }
    WEIR_CHECK(TakeOutput(step, out));
    WEIR_TRY(const std::optional<bool> yields, step.TakeBool("yield_output"));
    if (!yields.value_or(true)) {
      out.Key("yield");
      out.Bool(false);
    }
    const json::View sampling = step.Take("sampling");
    if (sampling.exists() && !sampling.IsObject()) {
      return step.Wrong("sampling", "must be a map such as {temperature: 0.2}");
    }
    if (!sampling.empty()) {
      out.Key("sampling");
      out.Copy(sampling);
    }
    out.EndObject();
    step.Leave("input_model", "what a row holds is said once, by `input` of the flow");
    step.Leave("emoji", "pictures have no place in a flow");
    step.LeaveRest();
    return {};
  }

  Result<void> TakeOutput(Section& step, json::Builder& out) {
    const json::View output = step.Take("output_model");
    if (!output.exists()) return {};
    const std::string_view text = output.StringOr("");
    const bool file = text.ends_with(".json") || text.ends_with(".yaml") || text.ends_with(".yml");
    if (output.IsObject() || file) {
      out.Key("output");
      out.Copy(output);
      return {};
    }
    if (!output.IsString()) {
      return step.Wrong("output_model", "must be a JSON Schema, or the name of a class");
    }
    step.Note("output_model", StrCat("'", Truncate(text, 60),
                                     "' is a class of a Python program, which is not read: write "
                                     "its JSON Schema as `output` of the step, else the answer is "
                                     "a text"));
    return {};
  }

  static void Field(json::Builder& out, std::string_view key, std::string_view text) {
    out.Key(key);
    out.String(text);
  }

  // A name that nothing else has, and that means nothing else in a flow.
  std::string Fresh(std::string_view wanted) {
    constexpr std::array<std::string_view, 22> kTaken = {
        "row",  "chain_input", "input", "row_id", "vars", "index",  "flattened", "ledger",
        "and",  "or",          "not",   "in",     "is",   "if",     "else",      "for",
        "true", "false",       "none",  "null",   "loop", "defined"};
    std::string base = FlowName(wanted);
    if (std::ranges::find(kTaken, base) != kTaken.end()) base += "_step";
    std::string name = base;
    for (int i = 2; std::ranges::find(names_, name) != names_.end(); ++i) {
      name = StrCat(base, "_", i);
    }
    names_.push_back(name);
    return name;
  }

  ImportJob& job_;
  std::vector<std::string> names_;
  std::size_t nodes_ = 0;
};

}  // namespace

Result<void> ImportChain(Section& root, ImportJob& job) { return Chain(job).Take(root); }

}  // namespace weir::config
