#include "weir/store/postgres_testing.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <vector>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/store/files.h"
#include "weir/store/postgres_pool.h"

namespace weir::store {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kLogTail = 2000;

// The folder with initdb, of the newest version that is there.
Result<std::string> Programs() {
  std::vector<std::string> found;
  std::error_code error;
  for (const auto& version : fs::directory_iterator("/usr/lib/postgresql", error)) {
    if (fs::exists(version.path() / "bin" / "initdb")) {
      found.push_back((version.path() / "bin").string());
    }
  }
  if (found.empty()) {
    return Fail(Code::kConfigError,
                "PostgreSQL is not installed (no /usr/lib/postgresql/*/bin/initdb); "
                "apt-get install postgresql");
  }
  std::ranges::sort(found);
  return found.back();
}

}  // namespace

TestPostgres::TestPostgres(std::string programs, std::string folder)
    : programs_(std::move(programs)), folder_(std::move(folder)) {}

TestPostgres::~TestPostgres() {
  (void)Stop();
  std::error_code error;
  fs::remove_all(folder_, error);
}

pid_t TestPostgres::Spawn(const std::string& program, const std::vector<std::string>& args) const {
  const std::string path = programs_ + "/" + program;
  std::vector<char*> argv = {const_cast<char*>(path.c_str())};
  for (const std::string& arg : args) argv.push_back(const_cast<char*>(arg.c_str()));
  argv.push_back(nullptr);
  const passwd* user = ::geteuid() == 0 ? ::getpwnam("postgres") : nullptr;
  const uid_t uid = user == nullptr ? 0 : user->pw_uid;
  const gid_t gid = user == nullptr ? 0 : user->pw_gid;
  const std::string log = folder_ + "/log";
  const pid_t child = ::fork();
  if (child != 0) return child;
  if (uid != 0 && (::setgroups(1, &gid) != 0 || ::setgid(gid) != 0 || ::setuid(uid) != 0)) {
    ::_exit(126);
  }
  ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
  const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
  ::dup2(out, 1);
  ::dup2(out, 2);
  // A home that the user can read, and nothing of the caller's around it.
  if (::chdir(folder_.c_str()) != 0) ::_exit(126);
  ::execv(path.c_str(), argv.data());
  ::_exit(127);
}

Result<std::unique_ptr<TestPostgres>> TestPostgres::Start() {
  WEIR_TRY(const std::string programs, Programs());
  std::string folder = (fs::temp_directory_path() / "weir-pg-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    return Fail(Code::kIoError, "cannot make a temporary folder", std::strerror(errno));
  }
  std::unique_ptr<TestPostgres> made(new TestPostgres(programs, folder));
  if (::geteuid() == 0) {
    const passwd* user = ::getpwnam("postgres");
    if (user == nullptr || ::chown(folder.c_str(), user->pw_uid, user->pw_gid) != 0) {
      return Fail(Code::kConfigError, "root needs the user postgres to run PostgreSQL as");
    }
  }
  const pid_t initdb = made->Spawn("initdb", {"-D", folder + "/data", "-U", "weir", "-A", "trust",
                                              "-E", "UTF8", "--no-locale", "--no-sync"});
  int status = 0;
  if (initdb < 0 || ::waitpid(initdb, &status, 0) != initdb || status != 0) {
    const auto log = ReadFile(folder + "/log", 1 << 20);
    return Fail(Code::kConfigError, "initdb failed",
                log ? log->value_or("").substr(0, kLogTail) : "");
  }
  WEIR_CHECK(made->Run());
  return made;
}

Result<TestPostgres*> TestPostgres::Shared() {
  static const auto kShared = Start();
  if (!kShared) return Fail(kShared.error());
  return kShared->get();
}

std::string TestPostgres::Url(const std::string& database) const {
  return StrCat("postgres://weir@/", database, "?host=", folder_);
}

Result<void> TestPostgres::Answer(const std::string& sql) {
  WEIR_TRY(const auto pool, PostgresPool::Create(Url("postgres"), {}));
  WEIR_TRY(const auto connection, [&]() -> Result<std::unique_ptr<Postgres>> {
    WEIR_CHECK(pool->TransactVoid([](Postgres&) -> Result<void> { return {}; }));
    return pool->Connect();
  }());
  return connection->Execute(sql);
}

Result<std::string> TestPostgres::NewDatabase() {
  const std::string name = StrCat("test", ++databases_);
  WEIR_CHECK(Answer(StrCat("CREATE DATABASE ", name)));
  return Url(name);
}

Result<void> TestPostgres::Run() {
  // What a crash leaves is synced at once, not file by file.
  server_ = Spawn("postgres", {"-D", folder_ + "/data", "-k", folder_, "-c",
                               "listen_addresses=", "-c", "recovery_init_sync_method=syncfs"});
  if (server_ < 0) return Fail(Code::kIoError, "cannot start PostgreSQL", std::strerror(errno));
  return Answer("SELECT 1");
}

Result<void> TestPostgres::Stop() {
  if (server_ <= 0) return {};
  ::kill(server_, SIGQUIT);
  int status = 0;
  while (::waitpid(server_, &status, 0) < 0 && errno == EINTR) {
  }
  server_ = 0;
  return {};
}

}  // namespace weir::store
