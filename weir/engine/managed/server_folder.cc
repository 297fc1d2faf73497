#include "weir/engine/managed/server_folder.h"

#include <algorithm>
#include <filesystem>

#include <unistd.h>

#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/store/files.h"

namespace weir::engine {
namespace {

constexpr std::size_t kRecordBytes = 64 * 1024;
constexpr std::size_t kStatBytes = 4096;

using store::ReadFile;

// The name of an engine as a part of a file's name.
std::string FileName(std::string_view engine) {
  std::string name(engine.substr(0, 100));
  for (char& c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!plain && c != '-' && c != '_') c = '_';
  }
  return name;
}

}  // namespace

std::string WriteServerRecord(const ServerRecord& record) {
  std::string text;
  json::Writer out(text);
  out.BeginObject();
  out.Field("engine", record.engine);
  out.Field("model", record.model);
  out.Key("port");
  out.Int(record.port);
  out.Key("pid");
  out.Int(record.pid);
  out.Key("pgid");
  out.Int(record.pid);
  out.Key("birth");
  out.Uint(record.birth);
  out.Key("started");
  out.Int(record.started);
  out.Key("stop_timeout_ms");
  out.Int(record.stop_timeout / std::chrono::milliseconds(1));
  out.Field("log", record.log);
  out.Field("owner", record.owner == ServerRecord::Owner::kUser ? "user" : "run");
  out.EndObject();
  text += '\n';
  return text;
}

Result<ServerRecord> ReadServerRecord(std::string_view text) {
  WEIR_TRY(const json::Value value, json::Read(text));
  const std::optional<std::int64_t> pid = value.Find("pid").AsInt64();
  const std::optional<std::int64_t> port = value.Find("port").AsInt64();
  if (!pid || *pid < 2 || *pid > 0x7FFFFFFF || !port || *port < 1 || *port > 65535) {
    return Fail(Code::kConfigError, "this is no record of a server");
  }
  ServerRecord record;
  record.engine = value.Find("engine").StringOr("");
  record.model = value.Find("model").StringOr("");
  record.port = *port;
  record.pid = static_cast<pid_t>(*pid);
  record.birth = value.Find("birth").AsUint64().value_or(0);
  record.started = value.Find("started").AsInt64().value_or(0);
  const std::int64_t stop = value.Find("stop_timeout_ms").AsInt64().value_or(0);
  record.stop_timeout = std::chrono::milliseconds(std::clamp<std::int64_t>(stop, 0, 86'400'000));
  record.log = value.Find("log").StringOr("");
  const bool user = value.Find("owner").StringOr("") == "user";
  record.owner = user ? ServerRecord::Owner::kUser : ServerRecord::Owner::kRun;
  return record;
}

std::optional<std::uint64_t> BirthOf(pid_t pid) {
  const auto stat = ReadFile(StrCat("/proc/", pid, "/stat"), kStatBytes);
  if (!stat || !*stat) return std::nullopt;
  // The name in parentheses may hold anything; behind it stand the third field and those after it.
  const std::string_view text = **stat;
  const std::size_t name_end = text.rfind(')');
  if (name_end == text.npos) return std::nullopt;
  const std::vector<std::string_view> fields = Split(Trim(text.substr(name_end + 1)), ' ');
  constexpr std::size_t kState = 0;
  constexpr std::size_t kBirth = 19;
  if (fields.size() <= kBirth || fields[kState] == "Z" || fields[kState] == "X") {
    return std::nullopt;
  }
  return ParseUint(fields[kBirth]);
}

Result<ServerFolder> ServerFolder::Open(const Env& env) {
  const std::optional<std::string> state = env.Get("XDG_STATE_HOME");
  const std::optional<std::string> home = env.Get("HOME");
  if (!state && !home) {
    return Fail(Code::kConfigError,
                "there is no place for the state of servers: set HOME or XDG_STATE_HOME");
  }
  std::string path = StrCat(state ? *state : StrCat(*home, "/.local/state"), "/weir/servers");
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) {
    return Fail(Code::kConfigError, StrCat("cannot make the folder ", path, " for servers"),
                error.message());
  }
  return ServerFolder(std::move(path));
}

std::vector<ServerRecord> ServerFolder::List() const {
  std::vector<ServerRecord> records;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path_, error)) {
    const std::string name = entry.path().filename();
    if (!name.ends_with(".json")) continue;
    const std::optional<std::int64_t> port = ParseInt(name.substr(0, name.size() - 5));
    std::optional<ServerRecord> record = port ? Find(*port) : std::nullopt;
    if (record) records.push_back(*std::move(record));
  }
  std::ranges::sort(records, {}, &ServerRecord::port);
  return records;
}

std::optional<ServerRecord> ServerFolder::Find(std::int64_t port) const {
  const auto text = ReadFile(RecordPath(port), kRecordBytes);
  if (!text || !*text) return std::nullopt;
  Result<ServerRecord> record = ReadServerRecord(**text);
  if (!record || record->port != port) return std::nullopt;
  if (BirthOf(record->pid) == record->birth) return *std::move(record);
  Remove(*record);
  return std::nullopt;
}

Result<void> ServerFolder::Write(const ServerRecord& record) const {
  const store::ReplaceOptions options{.durable = false, .mode = 0600};
  return store::ReplaceFile(RecordPath(record.port), WriteServerRecord(record), options);
}

void ServerFolder::Remove(const ServerRecord& record) const {
  const std::string path = RecordPath(record.port);
  const auto text = ReadFile(path, kRecordBytes);
  if (!text || !*text) return;
  const Result<ServerRecord> there = ReadServerRecord(**text);
  if (there && *there == record) ::unlink(path.c_str());
}

std::string ServerFolder::RecordPath(std::int64_t port) const {
  return StrCat(path_, "/", port, ".json");
}

std::string ServerFolder::StartLock(std::int64_t port) const {
  return StrCat(path_, "/", port, ".start");
}

std::string ServerFolder::ChoiceLock(std::int64_t port) const {
  return StrCat(path_, "/", port, ".choice");
}

Result<void> ServerFolder::WriteChoice(std::int64_t port, std::string_view what) const {
  const store::ReplaceOptions options{.durable = false, .mode = 0600};
  return store::ReplaceFile(StrCat(path_, "/", port, ".chosen"), what, options);
}

std::string ServerFolder::ReadChoice(std::int64_t port) const {
  const auto text = ReadFile(StrCat(path_, "/", port, ".chosen"), kRecordBytes);
  return text && *text ? **text : std::string();
}

std::string ServerFolder::UseLock(std::int64_t port) const {
  return StrCat(path_, "/", port, ".use");
}

std::string ServerFolder::LogPath(std::string_view engine, std::int64_t port) const {
  return StrCat(path_, "/", FileName(engine), "-", port, ".log");
}

std::optional<std::string> ServerFolder::LastLog(std::string_view engine) const {
  const std::string front = StrCat(FileName(engine), "-");
  std::optional<std::string> last;
  std::filesystem::file_time_type written;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(path_, error)) {
    const std::string name = entry.path().filename();
    if (!name.starts_with(front) || !name.ends_with(".log")) continue;
    const std::string_view port =
        std::string_view(name).substr(front.size(), name.size() - front.size() - 4);
    const auto its_time = entry.last_write_time(error);
    if (!ParseInt(port) || error || (last && its_time < written)) continue;
    last = entry.path();
    written = its_time;
  }
  return last;
}

}  // namespace weir::engine
