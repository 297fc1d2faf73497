#include "weir/jobs/store_testing.h"

#include <utility>

#include <unistd.h>

#include "weir/base/text.h"
#include "weir/store/postgres.h"
#include "weir/store/postgres_testing.h"
#include "weir/store/sqlite.h"

namespace weir::jobs {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSqlite = "sqlite:";

}  // namespace

StorePlace::StorePlace(std::string url, fs::path folder)
    : url_(std::move(url)), folder_(std::move(folder)) {}

StorePlace::~StorePlace() {
  std::error_code error;
  if (!folder_.empty()) fs::remove_all(folder_, error);
}

Result<std::unique_ptr<StorePlace>> StorePlace::New(const std::string& kind) {
  static std::atomic<int> places = 0;
  if (kind == "postgres") {
    WEIR_TRY(store::TestPostgres * server, store::TestPostgres::Shared());
    WEIR_TRY(std::string url, server->NewDatabase());
    return std::unique_ptr<StorePlace>(new StorePlace(std::move(url), {}));
  }
  const fs::path folder =
      fs::temp_directory_path() / StrCat("weir-jobs-", ::getpid(), "-", ++places);
  std::error_code error;
  fs::create_directories(folder, error);
  return std::unique_ptr<StorePlace>(
      new StorePlace(StrCat(kSqlite, (folder / "jobs.db").string()), folder));
}

Result<void> StorePlace::Execute(const std::string& sql) const {
  if (url_.starts_with(kSqlite)) {
    WEIR_TRY(auto db, store::Sqlite::Open(url_.substr(kSqlite.size()), {}));
    return db.Execute(sql);
  }
  WEIR_TRY(const auto db, store::Postgres::Connect(url_, {}));
  return db->Execute(sql);
}

std::vector<NewJob> NumberedJobs(int first, int count) {
  std::vector<NewJob> jobs;
  for (int i = first; i < first + count; ++i) {
    jobs.push_back({.key = StrCat("key ", i),
                    .row_id = StrCat("row ", i),
                    .row = StrCat(R"({"number":)", i, "}")});
  }
  return jobs;
}

std::vector<Ended> DoneOf(const std::vector<Claimed>& jobs) {
  std::vector<Ended> ended;
  ended.reserve(jobs.size());
  for (const Claimed& job : jobs) {
    ended.push_back({.id = job.id,
                     .fence = job.fence,
                     .how = Ended::How::kDone,
                     .result = job.row,
                     .metadata = R"({"engine":"e"})",
                     .attempts = R"([{"attempt":1}])"});
  }
  return ended;
}

std::vector<JobId> IdsOf(const std::vector<Claimed>& jobs) {
  std::vector<JobId> ids;
  ids.reserve(jobs.size());
  for (const Claimed& job : jobs) ids.push_back(job.id);
  return ids;
}

}  // namespace weir::jobs
