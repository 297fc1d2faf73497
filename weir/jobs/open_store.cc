#include <string>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/jobs/postgres_store.h"
#include "weir/jobs/queue.h"
#include "weir/jobs/sqlite_store.h"

namespace weir::jobs {
namespace {

constexpr std::string_view kSqlite = "sqlite:";

bool IsPostgres(std::string_view url) {
  return url.starts_with("postgres://") || url.starts_with("postgresql://");
}

std::unexpected<Error> Unknown(const std::string& url) {
  return Fail(Code::kConfigError, StrCat("the store ", Truncate(Redact(url), 200),
                                         " is none that weir knows; write sqlite:FILE or "
                                         "postgres://HOST/DATABASE"));
}

}  // namespace

Result<std::unique_ptr<JobStore>> OpenStore(const std::string& url, const StoreOptions& options) {
  if (url.starts_with(kSqlite)) return SqliteStore::Open(url.substr(kSqlite.size()), options);
  if (IsPostgres(url)) return PostgresStore::Open(url, options);
  return Unknown(url);
}

Result<int> StoreVersion(const std::string& url) {
  if (url.starts_with(kSqlite)) return SqliteStore::Version(url.substr(kSqlite.size()));
  if (IsPostgres(url)) return PostgresStore::Version(url);
  return Unknown(url);
}

}  // namespace weir::jobs
