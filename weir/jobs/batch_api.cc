#include "weir/jobs/batch_api.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <utility>

#include "weir/base/limits.h"
#include "weir/base/text.h"
#include "weir/http/multipart.h"
#include "weir/jobs/batch_spool.h"
#include "weir/wire/retry_after.h"

namespace weir::jobs {
namespace {

using async::Context;
using async::Task;

constexpr int kBoundaryDigits = 32;
constexpr std::size_t kPageSize = 100;
constexpr std::string_view kFileType = "application/jsonl";

// The form of an upload, with the file read to where it stands in it.
Result<std::string> ReadForm(const std::string& path, const std::string& name,
                             std::string_view boundary, std::size_t max_bytes) {
  const auto unreadable = [&] {
    return Fail(Code::kIoError, StrCat("cannot read ", path, " to send it"));
  };
  std::error_code failed;
  const std::uintmax_t bytes = std::filesystem::file_size(path, failed);
  if (failed) return unreadable();
  if (bytes > max_bytes) {
    return Fail(Code::kInvalidRequest,
                StrCat(path, " has ", bytes, " bytes, and a batch has at most ", max_bytes,
                       ": split it into several"));
  }
  const std::string begin = StrCat(http::FormField(boundary, "purpose", "batch"),
                                   http::FormFileHead(boundary, "file", name, kFileType));
  const std::string end = http::FormEnd(boundary);
  std::string form;
  form.reserve(begin.size() + bytes + end.size());
  form = begin;
  form.resize(begin.size() + bytes);
  std::ifstream file(path, std::ios::binary);
  file.read(form.data() + begin.size(), static_cast<std::streamsize>(bytes));
  if (!file || file.gcount() != static_cast<std::streamsize>(bytes)) return unreadable();
  form += end;
  return form;
}

std::optional<Duration> RetryAfterOf(const Context& ctx, const http::Response& response) {
  const auto field = response.headers().Find("Retry-After");
  if (!field) return std::nullopt;
  return wire::ParseRetryAfter(*field, ctx.loop->WallNanos());
}

}  // namespace

BatchApi::BatchApi(BatchApiOptions options, std::string boundary,
                   std::unique_ptr<engine::Upstream> upstream,
                   std::unique_ptr<engine::Upstream> uploads)
    : options_(options),
      boundary_(std::move(boundary)),
      upstream_(std::move(upstream)),
      uploads_(std::move(uploads)) {}

Result<std::unique_ptr<BatchApi>> BatchApi::Make(const engine::UpstreamOptions& upstream,
                                                 http::Client& client, BatchApiOptions options) {
  Random random = Random::FromSystem();
  std::string boundary = StrCat("weir-", HexId(random, kBoundaryDigits));
  engine::UpstreamOptions form = upstream;
  form.headers.Set("Content-Type", StrCat("multipart/form-data; boundary=", boundary));
  WEIR_TRY(auto plain, engine::Upstream::Make(upstream, client));
  WEIR_TRY(auto uploads, engine::Upstream::Make(std::move(form), client));
  return std::unique_ptr<BatchApi>(
      new BatchApi(options, std::move(boundary), std::move(plain), std::move(uploads)));
}

std::optional<Duration> BatchApi::Again(int tried, const Error& error) {
  return engine::RetryDelay(options_.retry, tried, error, random_);
}

Task<Result<BatchApi::Answer>> BatchApi::AskOnce(Context ctx, std::string method, std::string path,
                                                 std::string body) {
  WEIR_CO_TRY(const std::unique_ptr<http::Response> response,
              co_await upstream_->Exchange(ctx, method, path, std::move(body),
                                           upstream_->options().timeouts));
  Answer answer{.body = {}, .retry_after = RetryAfterOf(ctx, *response)};
  WEIR_CO_TRY(answer.body, co_await response->ReadAll(ctx, limits::kReplyBodyBytes));
  co_return answer;
}

Task<Result<BatchApi::Answer>> BatchApi::Ask(Context ctx, std::string method, std::string path) {
  for (int tried = 1;; ++tried) {
    Result<Answer> answer = co_await AskOnce(ctx, method, path, "");
    if (answer) co_return answer;
    const std::optional<Duration> delay = Again(tried, answer.error());
    if (!delay) co_return answer;
    WEIR_CO_CHECK(co_await async::Sleep(ctx, *delay));
  }
}

// A second upload does no harm: a file that no batch names is only a file.
Task<Result<wire::FileObject>> BatchApi::Upload(Context ctx, std::string path, std::string name) {
  model::Timeouts timeouts = upstream_->options().timeouts;
  for (int tried = 1;; ++tried) {
    WEIR_CO_TRY(std::string form, ReadForm(path, name, boundary_, options_.max_file_bytes));
    if (timeouts.first_token > Duration::zero()) {
      timeouts.first_token = upstream_->options().timeouts.first_token +
                             std::chrono::seconds(form.size() / options_.slowest_upload);
    }
    Result<std::unique_ptr<http::Response>> response =
        co_await uploads_->Exchange(ctx, "POST", "/v1/files", std::move(form), timeouts);
    Result<std::string> body =
        response ? co_await (*response)->ReadAll(ctx, limits::kReplyBodyBytes)
                 : Result<std::string>(std::unexpect, std::move(response).error());
    if (body) co_return wire::DecodeFile(*body);
    const std::optional<Duration> delay = Again(tried, body.error());
    if (!delay) co_return Fail(std::move(body).error());
    WEIR_CO_CHECK(co_await async::Sleep(ctx, *delay));
  }
}

Task<Result<wire::BatchObject>> BatchApi::Create(Context ctx, wire::BatchOrder order) {
  WEIR_CO_TRY(const Answer answer,
              co_await AskOnce(ctx, "POST", "/v1/batches", wire::EncodeBatchOrder(order)));
  co_return wire::DecodeBatch(answer.body);
}

Task<Result<BatchApi::Look>> BatchApi::Get(Context ctx, std::string id) {
  WEIR_CO_TRY(const Answer answer, co_await Ask(ctx, "GET", StrCat("/v1/batches/", id)));
  WEIR_CO_TRY(wire::BatchObject batch, wire::DecodeBatch(answer.body));
  co_return Look{.batch = std::move(batch), .retry_after = answer.retry_after};
}

Task<Result<wire::BatchPage>> BatchApi::List(Context ctx, std::string after, std::size_t limit) {
  std::string path = StrCat("/v1/batches?limit=", limit);
  if (!after.empty()) StrAppend(path, "&after=", after);
  WEIR_CO_TRY(const Answer answer, co_await Ask(ctx, "GET", std::move(path)));
  co_return wire::DecodeBatchPage(answer.body);
}

Task<Result<std::optional<wire::BatchObject>>> BatchApi::FindBatch(Context ctx, std::string key,
                                                                   std::string value,
                                                                   std::int64_t since) {
  std::string after;
  for (std::size_t i = 0; i < options_.pages; ++i) {
    WEIR_CO_TRY(wire::BatchPage page, co_await List(ctx, after, kPageSize));
    for (wire::BatchObject& batch : page.batches) {
      const auto found = batch.metadata.find(key);
      if (found != batch.metadata.end() && found->second == value) co_return std::move(batch);
    }
    if (!page.more || page.batches.empty()) break;
    if (page.batches.back().created_at < since) break;
    after = page.batches.back().id;
  }
  co_return std::optional<wire::BatchObject>();
}

// Repeated without harm: a batch that is cancelled twice is cancelled.
Task<Result<wire::BatchObject>> BatchApi::Cancel(Context ctx, std::string id) {
  WEIR_CO_TRY(const Answer answer,
              co_await Ask(ctx, "POST", StrCat("/v1/batches/", id, "/cancel")));
  co_return wire::DecodeBatch(answer.body);
}

Task<Result<void>> BatchApi::DownloadOnce(Context ctx, std::string file_id, std::string path) {
  const std::string target = StrCat("/v1/files/", file_id, "/content");
  WEIR_CO_TRY(const std::unique_ptr<http::Response> response,
              co_await upstream_->Exchange(ctx, "GET", target, "", upstream_->options().timeouts));
  BatchSpool spool(path);
  for (;;) {
    WEIR_CO_TRY(const std::string_view piece, co_await response->Read(ctx));
    if (piece.empty()) break;
    spool.Write(piece);
  }
  co_return spool.Finish();
}

Task<Result<void>> BatchApi::Download(Context ctx, std::string file_id, std::string path) {
  for (int tried = 1;; ++tried) {
    Result<void> done = co_await DownloadOnce(ctx, file_id, path);
    if (done) co_return done;
    const std::optional<Duration> delay = Again(tried, done.error());
    if (!delay) co_return done;
    WEIR_CO_CHECK(co_await async::Sleep(ctx, *delay));
  }
}

}  // namespace weir::jobs
