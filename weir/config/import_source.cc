#include "weir/config/import_source.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/json/builder.h"
#include "weir/json/pointer.h"

namespace weir::config {
namespace {

void Emit(const SourceNode& node, json::Mark key_mark, json::Builder& out,
          json::internal::Spots& spots) {
  const std::size_t spot = spots.size();
  spots.push_back({.value = node.mark, .key = key_mark, .end = 0});
  switch (node.kind) {
    case json::Kind::kBool:
      out.Bool(node.flag);
      break;
    case json::Kind::kNumber:
      out.Number(node.text);
      break;
    case json::Kind::kString:
      out.String(node.text);
      break;
    case json::Kind::kArray:
      out.BeginArray();
      for (const SourceNode& child : node.children) Emit(child, child.mark, out, spots);
      out.EndArray();
      break;
    case json::Kind::kObject:
      out.BeginObject();
      for (std::size_t i = 0; i < node.children.size(); ++i) {
        out.Key(node.keys[i]);
        Emit(node.children[i], node.children[i].key_mark, out, spots);
      }
      out.EndObject();
      break;
    default:
      out.Null();
  }
  spots[spot].end = static_cast<std::uint32_t>(spots.size());
}

std::size_t IndentOf(std::string_view line) {
  return std::min(line.find_first_not_of(' '), line.size());
}

bool IsItem(std::string_view line) { return Trim(line).starts_with("- "); }

// The first line of a list whose last item is followed by `env:` at `at`, and the lines as they
// should be; empty when this is something else.
struct Mended {
  std::size_t first = 0;
  std::string shown;
  std::string whole;
};

std::optional<Mended> MendEnv(const std::vector<std::string_view>& lines, std::size_t at) {
  std::size_t first = at;
  while (first > 0 && (IsItem(lines[first - 1]) || Trim(lines[first - 1]).empty())) --first;
  if (first == 0 || first == at || !Trim(lines[first - 1]).ends_with(':')) return std::nullopt;
  --first;
  const std::size_t wrong = IndentOf(lines[at]);
  const std::size_t right = IndentOf(lines[first]);
  if (wrong <= right) return std::nullopt;
  Mended mended{.first = first, .shown = {}, .whole = {}};
  bool inside = true;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool blank = Trim(lines[i]).empty();
    if (i > at && !blank && IndentOf(lines[i]) <= wrong) inside = false;
    const bool moved = i >= at && inside && !blank;
    const std::string_view line = moved ? lines[i].substr(wrong - right) : lines[i];
    StrAppend(mended.whole, line, "\n");
    if (i >= first && inside && !blank) StrAppend(mended.shown, "  ", line, "\n");
  }
  return mended;
}

std::optional<Error> AdviceAboutEnv(std::string_view text, std::string_view file) {
  const std::vector<std::string_view> lines = Split(text, '\n');
  constexpr int kMostTries = 10;
  int tries = 0;
  for (std::size_t i = 1; i < lines.size() && tries < kMostTries; ++i) {
    const std::string_view line = Trim(lines[i]);
    if (!line.starts_with("env:") && !line.starts_with("extra_env:")) continue;
    ++tries;
    const std::optional<Mended> mended = MendEnv(lines, i);
    if (!mended || !json::ReadYaml(mended->whole, file)) continue;
    const json::Mark mark{.line = static_cast<int>(i) + 1,
                          .column = static_cast<int>(IndentOf(lines[i])) + 1};
    return Error{.code = Code::kConfigError,
                 .message = StrCat(json::FormatMark(file, mark),
                                   ": `env:` is indented as if it belonged to the last item of the "
                                   "list above it; put it beside the list, like this:\n\n",
                                   mended->shown)};
  }
  return std::nullopt;
}

}  // namespace

void ImportJob::Note(json::Mark mark, std::string_view what) {
  if (notes.size() < kMostNotes) {
    notes.push_back(StrCat(json::FormatMark(file, mark), ": ", what));
  } else if (notes.size() == kMostNotes) {
    notes.push_back(StrCat(file, ": and more that is not listed"));
  }
}

Error ImportJob::Wrong(json::Mark mark, std::string_view what) const {
  return {.code = Code::kConfigError, .message = StrCat(json::FormatMark(file, mark), ": ", what)};
}

std::vector<std::string> HeadOf(const ImportJob& job) {
  std::vector<std::string> head = {StrCat("Made by `weir config import` from ", job.file, ".")};
  if (!job.notes.empty()) head.emplace_back("Not carried, or not as it was:");
  for (const std::string& note : job.notes) head.push_back(StrCat("  ", note));
  return head;
}

Error ToldOfSource(Error error, const Draft::Text& text, std::string_view checked_as,
                   const ImportJob& job) {
  std::string_view rest = error.message;
  if (!rest.starts_with(checked_as)) return error;
  rest.remove_prefix(checked_as.size());
  const std::vector<std::string_view> parts = Split(rest, ':');  // "", line, column, ...
  const std::optional<std::uint64_t> line = parts.size() > 3 ? ParseUint(parts[1]) : std::nullopt;
  if (!line || *line == 0 || *line > text.lines.size()) return error;
  const ImportOrigin& origin = text.lines[*line - 1];
  const std::string_view what = Trim(rest.substr(parts[1].size() + parts[2].size() + 3));
  const bool named = origin.name.empty() || what.starts_with(origin.name);
  return job.Wrong(origin.mark, StrCat(Truncate(origin.name, 80), named ? "" : " does not fit: ",
                                       named ? what.substr(origin.name.size()) : what));
}

SourceNode& SourceNode::Add(std::string_view key, SourceNode value) {
  kind = json::Kind::kObject;
  keys.emplace_back(key);
  return children.emplace_back(std::move(value));
}

json::YamlDocument ToDocument(const SourceNode& root, std::string_view file) {
  json::Builder out;
  json::internal::Spots spots;
  Emit(root, root.mark, out, spots);
  return {std::move(out).Finish(), std::string(file), std::move(spots)};
}

Result<json::YamlDocument> ReadSource(std::string_view text, std::string_view file) {
  Result<json::YamlDocument> document = json::ReadYaml(text, file);
  if (document) return document;
  if (std::optional<Error> advice = AdviceAboutEnv(text, file)) return Fail(*std::move(advice));
  return document;
}

Section::Section(ImportJob& job, const json::YamlDocument& document, std::string pointer,
                 std::string label)
    : job_(&job),
      document_(&document),
      pointer_(std::move(pointer)),
      label_(std::move(label)),
      value_(json::Resolve(document.value, pointer_).value_or(json::View())) {}

std::string Section::Named(std::string_view key) const {
  if (key.empty()) return label_;
  return label_.empty() ? std::string(key) : StrCat(label_, ".", key);
}

Section Section::Inside(std::string_view key) {
  known_.emplace_back(key);
  std::string pointer = pointer_;
  json::AppendToken(pointer, key);
  return {*job_, *document_, std::move(pointer), Named(key)};
}

Section Section::Item(std::size_t index) const {
  std::string pointer = pointer_;
  json::AppendToken(pointer, index);
  return {*job_, *document_, std::move(pointer), label_};
}

ImportOrigin Section::Origin(std::string_view key) const {
  if (key.empty()) return {.mark = document_->MarkOf(pointer_), .name = label_};
  std::string pointer = pointer_;
  json::AppendToken(pointer, key);
  return {.mark = value_.Find(key).exists() ? document_->KeyMarkOf(pointer)
                                            : document_->MarkOf(pointer_),
          .name = Named(key)};
}

json::View Section::Take(std::string_view key) {
  known_.emplace_back(key);
  const json::View value = value_.Find(key);
  return value.IsNull() ? json::View() : value;
}

Result<std::optional<bool>> Section::TakeBool(std::string_view key) {
  const json::View value = Take(key);
  if (value.exists() && !value.IsBool()) {
    return Wrong(key, StrCat("must be true or false, found ", json::KindName(value.kind())));
  }
  return value.AsBool();
}

Result<std::optional<std::string>> Section::TakeText(std::string_view key) {
  const json::View value = Take(key);
  if (value.exists() && !value.IsString()) {
    return Wrong(key, StrCat("must be a text, found ", json::KindName(value.kind())));
  }
  return value.exists() ? std::optional(std::string(value.StringOr(""))) : std::nullopt;
}

bool Section::Move(std::string_view key, const DraftPath& path, std::string_view comment) {
  const json::View value = Take(key);
  if (!value.exists()) return false;
  job_->draft.Set(path, value, Origin(key), comment);
  return true;
}

void Section::Leave(std::string_view key, std::string_view why) {
  if (Take(key).exists()) Note(key, StrCat("is not carried: ", why));
}

void Section::LeaveRest() {
  for (const auto& [key, value] : value_.members()) {
    if (std::ranges::find(known_, key) != known_.end()) continue;
    if (job_->notes.size() > ImportJob::kMostNotes) return;
    const std::optional<std::string> nearest = Nearest(key, known_);
    Note(key, StrCat("is not carried: nothing is known about this key",
                     nearest ? StrCat("; did you mean '", *nearest, "'?") : ""));
  }
}

void Section::Note(std::string_view key, std::string_view what) const {
  const std::string named = Truncate(Named(key), 80);
  job_->Note(Origin(key).mark, StrCat(named, named.empty() ? "" : " ", what));
}

std::unexpected<Error> Section::Wrong(std::string_view key, std::string_view what) const {
  const std::string named = Truncate(Named(key), 80);
  return Fail(job_->Wrong(Origin(key).mark, StrCat(named, named.empty() ? "" : " ", what)));
}

Result<void> Section::MustBeMap(std::string_view example) const {
  if (value_.IsObject()) return {};
  return Wrong("", StrCat("must be a map of keys, found ", json::KindName(value_.kind()),
                          "; expected something like\n\n", example));
}

Result<void> Section::MustBeShort() const {
  constexpr std::size_t kMostEntries = 1000;
  if (value_.size() <= kMostEntries) return {};
  return Wrong("", StrCat("has ", value_.size(), " entries, and may have ", kMostEntries,
                          "; split the file"));
}

}  // namespace weir::config
