#pragma once

// What a run that is gone through anew (--retry-failed) had made of its rows before. The ledger
// has all of it, in the order of the rows but for those that were on their way at once; so it is
// read beside the rows, and only what those few need is in memory.

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "weir/base/result.h"
#include "weir/flow/folder.h"
#include "weir/json/value.h"
#include "weir/store/file_ops.h"

namespace weir::flow {

class History {
 public:
  // `ends`: where in the ledger each earlier round ends, its first begins with the ledger. `ops`
  // outlives it.
  History(store::FileOps& ops, std::string path, const std::vector<std::uint64_t>& ends);

  // What became of a (row, node) before; null: nothing is known. `origin` is the number of the row
  // of the input. Good until Forget(). Fails with kIoError.
  Result<const Past*> Find(std::size_t pass, std::uint64_t origin, std::string_view child,
                           std::size_t node);
  // No row before this one will be asked for.
  void Forget(std::size_t pass, std::uint64_t origin);

 private:
  using Place = std::pair<std::size_t, std::uint64_t>;  // pass, origin
  using Key = std::tuple<std::size_t, std::uint64_t, std::string, std::size_t>;
  using KeyView = std::tuple<std::size_t, std::uint64_t, std::string_view, std::size_t>;

  // One way through the rows, as far as it was read.
  struct Round {
    std::uint64_t position;
    std::uint64_t end;
    std::string buffer;    // what stands in the file before and at `position` ...
    std::size_t from = 0;  // ... which is here
    Place sure;            // everything before it was read
    std::map<std::uint64_t, std::uint64_t> origins;  // of rows of this pass that are not yet sure
  };

  struct Known {
    Past past;
    std::size_t round = 0;  // of the last record of it
  };

  Result<void> ReadOn(Round& round);
  Result<std::string_view> Bytes(Round& round, std::size_t bytes);
  Result<void> Take(Round& round, std::string_view payload, std::uint8_t type);
  void Keep(std::size_t round, std::uint64_t origin, Finished finished);
  std::unexpected<Error> Failed(std::string_view why) const;

  store::FileOps& ops_;
  const std::string path_;
  std::optional<store::File> file_;
  std::vector<Round> rounds_;
  Place forgotten_;  // nothing before it is kept
  std::map<Key, Known, std::less<>> known_;
};

// The figures that a run begins with when it goes through its rows anew: of what every row will
// tell again nothing, of the time that it took, its calls and their retries everything.
std::string TotalsAgain(json::View totals);

}  // namespace weir::flow
