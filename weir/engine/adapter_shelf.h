#pragma once

// AdapterShelf: which LoRA adapters the servers of one engine have, asked once and remembered for a
// while, and how one that they lack gets there. Thread-safe; calls run on the loop of their
// context.

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "weir/async/semaphore.h"
#include "weir/engine/ports.h"

namespace weir::engine {

struct AdapterSource {
  std::string name;
  std::string path;  // on the server; empty: it must be there already
};

struct AdapterShelfOptions {
  std::string engine;                                // its name, for messages and events
  std::vector<AdapterSource> adapters;               // those of the configuration
  bool may_load = true;                              // false: those that are not there are missing
  Duration list_lifetime = std::chrono::minutes(1);  // of the servers' lists of models
  Duration failure_lifetime = std::chrono::seconds(30);  // of a load that failed
};

class AdapterShelf {
 public:
  AdapterShelf(AdapterShelfOptions options, std::unique_ptr<HostFinder> hosts);

  enum class State : std::uint8_t {
    kLoaded,
    kMissing,
    kUnknown,  // the servers could not be asked: the call itself will tell
  };
  struct Answer {
    State state = State::kUnknown;
    std::string why;            // kMissing: a sentence without its end
    bool first = false;         // kMissing: not told before since it was last there
    std::uint64_t listing = 0;  // which reading of the lists this comes from
  };

  // Finds the adapter, loading it where the options have a path for it: on every server that lacks
  // it, once, while others who want it wait. It counts as loaded when all servers that answer have
  // it. Fails only when the context ends.
  // Events: "adapter.load".
  async::Task<Result<Answer>> Seek(async::Context ctx, std::string name);

  // A server did not know what it had by that reading of its list: the next Seek() asks anew,
  // unless somebody has asked since.
  void Forget(std::uint64_t listing);

  // Whether the configuration has an adapter of this name.
  bool Has(std::string_view name) const { return SourceOf(name) != nullptr; }
  const AdapterShelfOptions& options() const { return options_; }

 private:
  struct Server {
    std::shared_ptr<AdapterHost> host;
    std::set<std::string, std::less<>> models;
  };
  struct Failure {
    std::string why;
    TimePoint until;
  };

  const AdapterSource* SourceOf(std::string_view name) const;
  // What is known without asking anybody.
  std::optional<Answer> Known(TimePoint now, const std::string& name);
  Answer Missing(const std::string& name, std::string why);
  async::Task<Result<void>> AskAll(async::Context ctx);
  async::Task<Result<void>> LoadOnAll(async::Context ctx, AdapterSource source);
  bool HasAll(std::string_view name) const;

  const AdapterShelfOptions options_;
  const std::unique_ptr<HostFinder> hosts_;
  async::Semaphore gate_;  // one question or load at a time
  std::mutex mutex_;       // guards what follows; `servers_` is changed by the gate's holder only
  std::vector<Server> servers_;
  std::uint64_t listing_ = 0;  // counts the readings of the lists
  TimePoint listed_until_{};   // the lists are good until then
  TimePoint silent_until_{};   // nobody answered: not asked again before
  std::map<std::string, Failure, std::less<>> failures_;
  std::set<std::string, std::less<>> told_;  // as missing
};

}  // namespace weir::engine
