#pragma once

// BodyScanner: where the body of a call ends. A closing mark inside a string or another value is
// part of the body.

#include <cstddef>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weir/text/family.h"
#include "weir/text/mark_finder.h"

namespace weir::text {

class BodyScanner {
 public:
  struct End {
    std::size_t body = 0;    // where the body ends
    std::size_t closed = 0;  // where its closing mark does; the same when it has none
  };
  enum class Found : std::uint8_t { kMore, kEnd, kTooLong };

  // `ends` are marks that no body goes beyond: those that open the next one, and those around
  // calls. Whatever is given must outlive this.
  BodyScanner(std::span<const std::string> close, std::span<const std::string> ends,
              std::span<const Shield> shields);

  // A new body, looked at from `from` on.
  void Begin(std::size_t from);
  // `text` is the call from its opening mark to where it is known by now.
  Found Scan(std::string_view text, bool ends, std::size_t max_bytes);
  // After kEnd.
  End end() const { return end_; }
  // The end is another one, which was found before.
  void EndWith(End end) { end_ = end; }
  // The first closing mark, wherever it stood: for bodies whose strings are broken.
  std::optional<End> first_close() const { return first_; }
  // From now on closing marks count everywhere: the text has ended inside a string.
  void DropShields() { use_shields_ = false; }

 private:
  static constexpr std::size_t kNone = std::numeric_limits<std::size_t>::max();

  bool Take(std::string_view text, MarkFinder::Hit hit);
  bool EndAt(End end);

  std::span<const Shield> shields_;
  MarkFinder bare_;                 // outside of shields
  MarkFinder outside_;              // the same, and what opens shields
  std::vector<MarkFinder> inside_;  // each shield's
  bool use_shields_ = true;

  std::size_t scanned_ = 0;
  std::size_t shield_ = kNone;
  std::optional<End> first_;
  std::optional<End> last_;  // in this shield
  End end_;
};

}  // namespace weir::text
