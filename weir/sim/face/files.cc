// The room of files: uploads, and what batches have written.

#include <algorithm>
#include <utility>

#include "weir/base/text.h"
#include "weir/http/multipart.h"
#include "weir/json/writer.h"
#include "weir/sim/face/batch_desk.h"
#include "weir/sim/face/refuse.h"
#include "weir/sim/face/visit.h"

namespace weir::sim {
namespace {

using async::Task;

constexpr std::int64_t kKeptSeconds = 30 * 24 * 3600;  // a file for a batch, by itself
constexpr std::uint64_t kMostFilesListed = 10'000;
constexpr std::size_t kMostField = 4096;  // bytes of what is no file
constexpr int kIdDigits = 24;

// The form of an upload.
class Form final : public http::PartSink {
 public:
  explicit Form(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  void OnPart(http::PartHead head) override {
    part_ = std::move(head);
    if (part_.name == "file") filename = part_.filename.value_or("");
    if (part_.name == "file") has_file = true;
  }
  void OnData(std::string_view bytes) override {
    if (part_.name == "file") {
      file_bytes += bytes.size();
      if (file_bytes <= max_bytes_) file += bytes;
    } else if (std::string* field = FieldOf(part_.name); field != nullptr) {
      *field += bytes.substr(0, kMostField - std::min(field->size(), kMostField));
    }
  }
  void OnPartEnd() override {}

  std::string file;  // no more of it than may be
  std::size_t file_bytes = 0;
  bool has_file = false;
  std::string filename;
  std::string purpose;
  std::string expires_after;  // seconds

 private:
  std::string* FieldOf(std::string_view name) {
    if (name == "purpose") return &purpose;
    return name == "expires_after[seconds]" ? &expires_after : nullptr;
  }

  const std::size_t max_bytes_;
  http::PartHead part_;
};

std::optional<Refusal> ReadForm(const Visit& visit, Form& form) {
  const auto type = visit.exchange.head().headers.Find("Content-Type");
  const Result<std::string> boundary = http::MultipartBoundary(type.value_or(""));
  if (!boundary) return Refuse(400, StrCat("Could not parse the form: ", boundary.error().message));
  http::MultipartReader reader(*boundary, form);
  Result<void> read = reader.Feed(visit.exchange.body());
  if (read) read = reader.Finish();
  if (!read) return Refuse(400, StrCat("Could not parse the form: ", read.error().message));
  return std::nullopt;
}

std::optional<Refusal> RefuseForm(const Visit& visit, const Form& form) {
  constexpr std::string_view kPurposes[] = {"assistants", "batch",  "evals",
                                            "fine-tune",  "vision", "user_data"};
  const std::size_t most = visit.desk.options().max_file_bytes;
  if (!form.has_file) return Refuse(400, "'file' is a required property", "file");
  if (form.purpose.empty()) return Refuse(400, "'purpose' is a required property", "purpose");
  if (std::ranges::find(kPurposes, form.purpose) == std::end(kPurposes)) {
    return Refuse(400, StrCat("Invalid value for 'purpose': '", Truncate(form.purpose, 60), "'."),
                  "purpose", "invalid_value");
  }
  if (form.file_bytes > most) {
    return Refuse(413, StrCat("Maximum content size limit (", most, ") exceeded (", form.file_bytes,
                              " bytes read)"));
  }
  if (form.purpose == "batch" && !form.filename.ends_with(".jsonl")) {
    return Refuse(400, "Invalid file format for Batch API. Must be .jsonl");
  }
  if (!form.expires_after.empty() && !ParseUint(form.expires_after)) {
    return Refuse(400, "'expires_after[seconds]' must be a number of seconds",
                  "expires_after.seconds", "invalid_value");
  }
  return std::nullopt;
}

Task<void> ServeUpload(Visit& visit) {
  Form form(visit.desk.options().max_file_bytes);
  std::optional<Refusal> refusal = ReadForm(visit, form);
  if (!refusal) refusal = RefuseForm(visit, form);
  if (refusal) co_return co_await RespondError(visit, *refusal);
  const std::int64_t now = visit.core.SecondsOf(visit.WallNanos());
  wire::FileObject file{.id = visit.desk.NewId("file-", kIdDigits),
                        .filename = form.filename,
                        .purpose = form.purpose,
                        .bytes = static_cast<std::int64_t>(form.file.size()),
                        .created_at = now,
                        .expires_at = {}};
  if (form.purpose == "batch") file.expires_at = now + kKeptSeconds;
  if (const auto seconds = ParseInt(form.expires_after)) file.expires_at = now + *seconds;
  std::string body = wire::EncodeFile(file);
  if (!visit.desk.files().Put(std::move(file), std::move(form.file))) {
    const FileStoreOptions& limits = visit.desk.files().options();
    const Refusal full =
        Refuse(400,
               StrCat("There is no room for this file: at most ", limits.files, " files and ",
                      limits.bytes, " bytes are kept. Delete files that are not needed any more."),
               "file", "storage_limit_exceeded");
    co_return co_await RespondError(visit, full);
  }
  co_await RespondJson(visit, 200, std::move(body));
}

std::string_view FileIdIn(std::string_view path) {
  path.remove_prefix(std::string_view("/v1/files/").size());
  return path.substr(0, path.find('/'));
}

Refusal NoFile(std::string_view id) {
  return Refuse(404, StrCat("No such File object: ", Truncate(id, 100)), "id");
}

Task<void> ServeFile(Visit& visit) {
  const std::string_view id = FileIdIn(visit.path());
  const std::optional<FileStore::Kept> file = visit.desk.files().Get(id);
  if (!file) {
    const Refusal refusal = NoFile(id);
    co_return co_await RespondError(visit, refusal);
  }
  co_await RespondJson(visit, 200, wire::EncodeFile(file->about));
}

Task<void> ServeContent(Visit& visit) {
  const std::string_view id = FileIdIn(visit.path());
  const std::optional<FileStore::Kept> file = visit.desk.files().Get(id);
  if (!file) {
    const Refusal refusal = NoFile(id);
    co_return co_await RespondError(visit, refusal);
  }
  constexpr std::size_t kPiece = 256 * 1024;
  const http::Headers headers = AnswerHeaders(visit, "application/octet-stream");
  visit.status = 200;
  std::string_view rest = *file->text;
  const Result<void> begun = co_await visit.exchange.BeginSized(200, headers, rest.size());
  if (!begun) co_return;
  for (; !rest.empty(); rest.remove_prefix(std::min(kPiece, rest.size()))) {
    const std::string_view piece = rest.substr(0, kPiece);
    const Result<void> sent = co_await visit.exchange.Write(piece);
    if (!sent) co_return;
  }
  (void)co_await visit.exchange.End();
}

Task<void> ServeDelete(Visit& visit) {
  const std::string_view id = FileIdIn(visit.path());
  if (!visit.desk.files().Remove(id)) {
    const Refusal refusal = NoFile(id);
    co_return co_await RespondError(visit, refusal);
  }
  std::string body;
  json::Writer out(body);
  out.BeginObject();
  out.Field("object", "file");
  out.PlainKey("deleted");
  out.Bool(true);
  out.Field("id", id);
  out.EndObject();
  co_await RespondJson(visit, 200, std::move(body));
}

Task<void> ServeFiles(Visit& visit) {
  std::vector<wire::FileObject> files = visit.desk.files().List();
  if (visit.Query("order") == "asc") std::ranges::reverse(files);
  const std::string_view purpose = visit.Query("purpose");
  if (!purpose.empty()) std::erase_if(files, [&](const auto& f) { return f.purpose != purpose; });
  const std::uint64_t limit =
      std::min(ParseUint(visit.Query("limit")).value_or(kMostFilesListed), kMostFilesListed);
  const std::string_view after = visit.Query("after");
  auto begin = files.begin();
  if (!after.empty()) {
    begin = std::ranges::find(files, after, &wire::FileObject::id);
    if (begin == files.end()) {
      const Refusal refusal = NoFile(after);
      co_return co_await RespondError(visit, refusal);
    }
    ++begin;
  }
  std::vector<std::string> items;
  std::string_view first;
  std::string_view last;
  for (; begin != files.end() && items.size() < limit; ++begin) {
    items.push_back(wire::EncodeFile(*begin));
    if (first.empty()) first = begin->id;
    last = begin->id;
  }
  co_await RespondJson(visit, 200, wire::EncodePage(items, first, last, begin != files.end()));
}

constexpr Route kFileRoutes[] = {
    {"POST", "/v1/files", ServeUpload, HasBatches},
    {"GET", "/v1/files", ServeFiles, HasBatches},
    {"GET", "/v1/files/*", ServeFile, HasBatches},
    {"DELETE", "/v1/files/*", ServeDelete, HasBatches},
    {"GET", "/v1/files/*/content", ServeContent, HasBatches},
};

}  // namespace

std::span<const Route> FileRoutes() { return kFileRoutes; }

}  // namespace weir::sim
