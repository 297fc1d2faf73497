#pragma once

// What weir's processes know of each other's servers: one folder, one record for each port, and
// locks that end with whoever holds them.

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "weir/base/clock.h"
#include "weir/base/env.h"
#include "weir/base/result.h"

namespace weir::engine {

// One server that weir started.
struct ServerRecord {
  enum class Owner : std::uint8_t {
    kRun,   // ends with the last run that uses it
    kUser,  // ends when somebody says so
  };

  std::string engine;
  std::string model;  // as the server calls it
  std::int64_t port = 0;
  pid_t pid = 0;             // and the number of its process group
  std::uint64_t birth = 0;   // tells it from a later process with the same pid
  std::int64_t started = 0;  // nanoseconds since 1970
  Duration stop_timeout{};   // from SIGTERM to SIGKILL
  std::string log;           // a file
  Owner owner = Owner::kRun;

  friend bool operator==(const ServerRecord&, const ServerRecord&) = default;
};

std::string WriteServerRecord(const ServerRecord& record);  // one JSON document
// Fails with kConfigError for what is none.
Result<ServerRecord> ReadServerRecord(std::string_view text);

// When the process was born, in ticks since the machine was; nothing when there is none, or only
// what is left of one.
std::optional<std::uint64_t> BirthOf(pid_t pid);

class ServerFolder {
 public:
  // $XDG_STATE_HOME/weir/servers, or ~/.local/state/weir/servers; it is made when it is needed.
  // Fails with kConfigError when neither variable is set or it cannot be made.
  static Result<ServerFolder> Open(const Env& env);

  // Servers that live, by port. Records of others are removed.
  std::vector<ServerRecord> List() const;
  std::optional<ServerRecord> Find(std::int64_t port) const;
  Result<void> Write(const ServerRecord& record) const;
  // Only if the record of that port is this one.
  void Remove(const ServerRecord& record) const;

  std::string LogPath(std::string_view engine, std::int64_t port) const;
  // Of the server of that engine that wrote last, alive or not.
  std::optional<std::string> LastLog(std::string_view engine) const;
  // Held alone by whoever looks whether there is a server, and starts one.
  std::string StartLock(std::int64_t port) const;
  // Shared by processes that have chosen the port for one and the same engine, as long as they
  // live; taken while the start lock is held.
  std::string ChoiceLock(std::int64_t port) const;
  // What they have chosen it for; means something only while somebody holds that lock.
  Result<void> WriteChoice(std::int64_t port, std::string_view what) const;
  std::string ReadChoice(std::int64_t port) const;
  // Shared by those that use the server; whoever gets it alone may stop it.
  std::string UseLock(std::int64_t port) const;

 private:
  explicit ServerFolder(std::string path) : path_(std::move(path)) {}
  std::string RecordPath(std::int64_t port) const;

  std::string path_;
};

}  // namespace weir::engine
