#include "weir/base/text.h"
#include "weir/config/describe.h"
#include "weir/config/environment.h"
#include "weir/config/manual.h"
#include "weir/config/profiles.h"

namespace weir::config {
namespace {

constexpr std::string_view kBegin = R"(# Configuration

<!-- Made by the program out of the description of its keys: do not edit. To make it again:
     WEIR_UPDATE_GOLDEN=1 build/release/bin/config_test --gtest_filter='*ThePageInTheTree*' -->

weir needs no configuration file to call an address. A file gives engines names, and keeps their settings.
`weir config init` writes one, `weir config check` says everything that is wrong with it (`-o json` too) and warns of
hosts that cannot be found (not with `--offline`), `weir config show` prints
what came out of it and where each value came from, and `weir config schema` is for editors:

```yaml
# yaml-language-server: $schema=weir.schema.json
version: 1
engines:
  qwen:
    base_url: http://gpu-1:8000
    model: Qwen/Qwen2.5-32B
    fallback: local
  local: {kind: sim}
```

It is looked for in this order; the first that exists is used: `--config FILE`, `$WEIR_CONFIG`, `./weir.yaml`,
`~/.config/weir/weir.yaml`. YAML or JSON. Unknown keys are errors that name file, line, column and the nearest
right key. `examples/weir.yaml` shows most of what there is.

A chat and a worker (`weir jobs work`) live long, and read the file again: a chat at its next turn when the file has
changed, a worker after `--refresh-every` jobs of a queue; after a SIGHUP the chat reads it at its next turn, the worker
at once. It is taken over as a whole or not at all: what is wrong is told, and the old one stays. Every other command
reads it once; one that asks servers is ended by a SIGHUP (a terminal that was closed) as by SIGTERM. Under `nohup` a
SIGHUP is ignored.

`weir config show -o json` is for programs. Each value is an object with its `value` and where it came `from`: a place
in the file (and the variable that stands there), a variable alone, `profile NAME`, `built in` or `default`. An engine
that cannot be used has the reason under `unusable`.

    {"engines": {"qwen": {"model": {"value": "Qwen/Qwen2.5-32B", "from": "weir.yaml:6:12"}, ...

Where a value comes from: flag, then environment, then file, then profile. A flag with an empty value (`-m ""`, or
`-m "$MODEL"` where the variable is not set) is an error, never "not given"; an empty variable counts as not set.

A text may hold variables: `${NAME}`, or `${NAME:-default}` for when it is not set; `$$` is a dollar. An engine whose
variable is missing cannot be used, and says why when somebody wants to; the others can. Texts inside `flows` are left
alone. Where a number or a truth value is expected, a text that is nothing but variables will do.

An address is a base URL, but the path of an endpoint that was copied with it (`/v1/chat/completions`, `/v1/models`...)
does no harm: what follows `/v1` is dropped. A socket's path may be relative to the working directory, here, with `-e`
and with `weir sim --listen`. An address that is given with `-e` is taken for vLLM's, but for OpenAI's own
(`api.openai.com`) and for port 11434, which is Ollama's.

Engines of kind `openai` take their key from `$OPENAI_API_KEY` when the file says nothing and the address is OpenAI's
own; for any other address write `api_key_env: OPENAI_API_KEY`, so that no key goes where nobody meant it to go.

## What is sent

What is not set is not sent, so that the server's own defaults hold: those of the model's makers, with vLLM. Only
`guided_json` and `max_logprobs` have defaults of their own, for they are about weir. The numbers that clients of vLLM
have long been written with (`top_p: 0.9`, `top_k: 50`, ...) are the profile `vllm`, which an engine has to name:
`profile: vllm`. Nothing else gives them, not even an empty `defaults:`.

`null` unsets what a profile set, where a key may be unset at all; elsewhere it counts as not written.

## Profiles

`profile: NAME` lays these values beneath an engine's own; agents and flows take the others (`run_timeout`,
`max_turns`, `concurrency`) from the profile that they name. A file may change them and add others.

)";

constexpr std::string_view kEnvironment = R"(
## Environment

Variables with `VLLM_` are for engines of kind `vllm`, those with `WEIR_` for every server; if both are set, `WEIR_`
wins. They set values of the default engine, and of addresses given with `-e` (but for the address itself).

| variable | sets |
|---|---|
)";

constexpr std::string_view kEnd =
    R"(| `WEIR_ENGINE` | the default engine: a name or an address |
| `WEIR_EVENTS_FILE` | `events.file` |
| `WEIR_JOBS_STORE` | `jobs.store` |
| `WEIR_CONFIG` | the configuration file |
| `OPENAI_API_KEY` | the key for OpenAI's own address, see above |
| `HTTP_PROXY`, `HTTPS_PROXY`, `ALL_PROXY`, `NO_PROXY` | proxies (`http://`, `socks5://`, `socks5h://`), capitals or not; loopback and Unix sockets never go through one |
| `NO_COLOR` | no colour |

Keys are never printed: not in messages, not by `weir config show`, not in `--dry-run`, not in `--events`. `EMPTY` is
no key, and is.
)";

std::string CodeSpan(std::string_view text) { return StrCat("`", text, "`"); }

std::string InRange(std::string_view type, const Range& range) {
  if (range.least && range.least == range.most) return PlainNumber(*range.least);
  if (range.least && range.most) {
    return StrCat(type, range.above ? " above " : ", ", PlainNumber(*range.least),
                  range.above ? ", up to " : " to ", PlainNumber(*range.most));
  }
  if (range.least)
    return StrCat(type, range.above ? " above " : ", at least ", PlainNumber(*range.least));
  return std::string(type);
}

std::string Capital(std::string text) {
  if (!text.empty() && text[0] >= 'a' && text[0] <= 'z') text[0] += 'A' - 'a';
  return text;
}

// One table for each section, in the order in which they come.
class PageWriter final : public Visitor {
 public:
  struct Table {
    std::string name;
    std::string about;
    std::string rows;
  };

  PageWriter(std::vector<Table>& tables, std::size_t own) : tables_(tables), own_(own) {}

  void Field(const Key& key, std::string& value) override {
    Row(key, key.names_variable ? "name of a variable" : "text",
        value.empty() ? "" : CodeSpan(value));
  }
  void Field(const Key& key, bool& value) override { Row(key, "true or false", StrCat(value)); }
  void Field(const Key& key, std::int64_t& value) override {
    Row(key, InRange("whole number", key.range), StrCat(value));
  }
  void Field(const Key& key, double& value) override {
    Row(key, InRange("number", key.range), StrCat(value));
  }
  void Field(const Key& key, Duration& value) override {
    Row(key, InRange("seconds", key.range), PlainSeconds(value));
  }
  void Field(const Key& key, std::vector<std::string>&) override { Row(key, "list of texts", ""); }
  void Field(const Key& key, std::vector<std::int64_t>&) override {
    Row(key, "list of whole numbers", "");
  }
  void Field(const Key& key, std::map<std::string, std::string>&) override {
    Row(key, "map of texts", "");
  }
  void Field(const Key& key, json::Value&) override { Row(key, "map", ""); }
  void Field(const Key& key, std::optional<bool>&) override { Row(key, "true or false", ""); }
  void Field(const Key& key, std::optional<std::int64_t>&) override {
    Row(key, InRange("whole number", key.range), key.plain.empty() ? "" : CodeSpan(key.plain));
  }
  void Field(const Key& key, std::optional<double>&) override {
    Row(key, InRange("number", key.range), "");
  }
  void Field(const Key& key, std::optional<Duration>&) override {
    Row(key, InRange("seconds", key.range), "");
  }

  void Word(const Key& key, const Words& words, std::size_t& index) override {
    std::string type;
    for (const std::string_view word : words.words) {
      StrAppend(type, type.empty() ? "" : ", ", CodeSpan(word));
    }
    for (const Words::Alias& alias : words.aliases) {
      if (alias.refusal.empty() && alias.noted)
        StrAppend(type, " (older: ", CodeSpan(alias.word), ")");
    }
    Row(key, type, CodeSpan(words.words[index]));
  }

  void Section(const Key& key, const Describer& describe) override {
    Row(key, "section",
        key.plain.empty() ? "" : StrCat("a plain value sets ", CodeSpan(key.plain)));
    Inside(key, std::string(key.name), describe);
  }
  void Named(const Key& key, const NamedItems& items) override {
    Row(key, "map or list", "");
    Inside(key, StrCat(key.name, ".NAME"), items.describe_any);
  }
  void Others(const Key& key,
              std::map<std::string, std::vector<std::string>, std::less<>>&) override {
    Row(key, "list of texts", "");
  }

 private:
  void Row(const Key& key, std::string_view type, std::string_view value) {
    std::string names = CodeSpan(key.name);
    if (!key.aliases.empty()) {
      names += " (older: ";
      for (std::size_t i = 0; i < key.aliases.size(); ++i) {
        StrAppend(names, i == 0 ? "" : ", ", CodeSpan(key.aliases[i]));
      }
      names += ')';
    }
    const bool is_short = !key.short_for.empty();
    const std::string target = Dotted(key.short_for);
    StrAppend(tables_[own_].rows, "| ", names, " | ", type, " | ", is_short ? "" : value, " | ",
              is_short ? StrCat("short for ", CodeSpan(target), ": ") : "", key.about, " |\n");
  }

  static std::string Dotted(std::string_view path) {
    if (path.starts_with("../")) path.remove_prefix(3);
    return std::string(path);
  }

  void Inside(const Key& key, std::string name, const Describer& describe) {
    const std::string& parent = tables_[own_].name;
    const std::string full = parent.empty() ? std::move(name) : StrCat(parent, ".", name);
    tables_.push_back({.name = full, .about = std::string(key.about), .rows = {}});
    PageWriter inner(tables_, tables_.size() - 1);
    describe(inner);
  }

  std::vector<Table>& tables_;
  const std::size_t own_;
};

// The numbers of one profile, as "max_tokens 512, temperature 0.1".
class NumbersWriter final : public Visitor {
 public:
  std::string text;

  void Field(const Key&, std::string&) override {}
  void Field(const Key&, bool&) override {}
  void Field(const Key&, std::int64_t&) override {}
  void Field(const Key&, double&) override {}
  void Field(const Key&, Duration&) override {}
  void Field(const Key&, std::vector<std::string>&) override {}
  void Field(const Key&, std::vector<std::int64_t>&) override {}
  void Field(const Key&, std::map<std::string, std::string>&) override {}
  void Field(const Key&, json::Value&) override {}
  void Field(const Key& key, std::optional<bool>& value) override {
    if (value) Add(key, StrCat(*value));
  }
  void Field(const Key& key, std::optional<std::int64_t>& value) override {
    if (value) Add(key, StrCat(*value));
  }
  void Field(const Key& key, std::optional<double>& value) override {
    if (value) Add(key, StrCat(*value));
  }
  void Field(const Key& key, std::optional<Duration>& value) override {
    if (value) Add(key, StrCat(PlainSeconds(*value), " s"));
  }
  void Word(const Key&, const Words&, std::size_t&) override {}
  void Section(const Key&, const Describer&) override {}
  void Named(const Key&, const NamedItems&) override {}
  void Others(const Key&, std::map<std::string, std::vector<std::string>, std::less<>>&) override {}

 private:
  void Add(const Key& key, std::string_view value) {
    StrAppend(text, text.empty() ? "" : ", ", CodeSpan(key.name), " ", value);
  }
};

}  // namespace

std::string ConfigurationPage() {
  std::string page(kBegin);
  page += "| profile | values |\n|---|---|\n";
  Config config;
  config.profiles = BuiltInProfiles();
  for (auto& [name, profile] : config.profiles) {
    NumbersWriter numbers;
    Describe(numbers, profile);
    StrAppend(page, "| ", CodeSpan(name), " | ", numbers.text, " |\n");
  }
  page += kEnvironment;
  for (const Variable& variable : EngineVariables()) {
    StrAppend(page, "| ", CodeSpan(variable.name), " | ", CodeSpan(variable.sets), " |\n");
  }
  page += kEnd;
  page += "\n## All keys\n";

  std::vector<PageWriter::Table> tables(1);
  PageWriter writer(tables, 0);
  Describe(writer, config);
  for (const PageWriter::Table& table : tables) {
    StrAppend(page, "\n### ", table.name.empty() ? "The file" : CodeSpan(table.name), "\n\n");
    if (!table.about.empty()) StrAppend(page, Capital(table.about), ".\n\n");
    StrAppend(page, "| key | value | default | |\n|---|---|---|---|\n", table.rows);
  }
  return page;
}

}  // namespace weir::config
