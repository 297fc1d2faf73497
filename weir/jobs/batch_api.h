#pragma once

// BatchApi: the Files and Batch API of one provider. What can be asked again without harm is asked
// again by the rule; what creates something is sent once, and its caller finds out what became of
// it.

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "weir/async/context.h"
#include "weir/engine/policy/retry_rule.h"
#include "weir/engine/upstream.h"
#include "weir/wire/batches.h"

namespace weir::jobs {

struct BatchApiOptions {
  engine::RetryRule retry{.max_retries = 5};
  std::size_t max_file_bytes = wire::kBatchFileBytes;  // of an upload
  // An upload that goes on is given a second more for each of so many bytes.
  std::size_t slowest_upload = 256 * 1024;
  std::size_t pages = 50;  // of the list of batches that are looked through for one
};

class BatchApi {
 public:
  // `client` must outlive it. Fails when the address cannot be used.
  static Result<std::unique_ptr<BatchApi>> Make(const engine::UpstreamOptions& upstream,
                                                http::Client& client, BatchApiOptions options = {});

  // Sends a file for batches under this name. All of it is in memory while it is sent, since a
  // request is one text to the transport. Fails with kInvalidRequest when it is too large.
  async::Task<Result<wire::FileObject>> Upload(async::Context ctx, std::string path,
                                               std::string name);

  // Sent once.
  async::Task<Result<wire::BatchObject>> Create(async::Context ctx, wire::BatchOrder order);

  struct Look {
    wire::BatchObject batch;
    std::optional<Duration> retry_after;  // what the server asks to wait until the next look
  };
  async::Task<Result<Look>> Get(async::Context ctx, std::string id);
  // Newest first, behind `after`; empty: from the beginning.
  async::Task<Result<wire::BatchPage>> List(async::Context ctx, std::string after,
                                            std::size_t limit);
  // The batch whose metadata has this value, if it is not older than `since` (seconds since 1970).
  async::Task<Result<std::optional<wire::BatchObject>>> FindBatch(async::Context ctx,
                                                                  std::string key,
                                                                  std::string value,
                                                                  std::int64_t since);
  async::Task<Result<wire::BatchObject>> Cancel(async::Context ctx, std::string id);

  // Writes a file of the server to `path`, which is whole or not there. Nothing of it is held in
  // memory.
  async::Task<Result<void>> Download(async::Context ctx, std::string file_id, std::string path);

  // For messages: the address, without any secret.
  const std::string& name() const { return upstream_->name(); }
  const BatchApiOptions& options() const { return options_; }

 private:
  struct Answer {
    std::string body;
    std::optional<Duration> retry_after;
  };

  BatchApi(BatchApiOptions options, std::string boundary,
           std::unique_ptr<engine::Upstream> upstream, std::unique_ptr<engine::Upstream> uploads);

  async::Task<Result<Answer>> AskOnce(async::Context ctx, std::string method, std::string path,
                                      std::string body);
  async::Task<Result<Answer>> Ask(async::Context ctx, std::string method, std::string path);
  async::Task<Result<void>> DownloadOnce(async::Context ctx, std::string file_id, std::string path);
  // The wait before another try; nullopt when there must be none.
  std::optional<Duration> Again(int tried, const Error& error);

  const BatchApiOptions options_;
  const std::string boundary_;
  const std::unique_ptr<engine::Upstream> upstream_;
  const std::unique_ptr<engine::Upstream> uploads_;  // the same with the content type of a form
  Random random_ = Random::FromSystem();
};

}  // namespace weir::jobs
