#pragma once

// The reader for streams: it is fed with a JSON text in pieces, and after any piece it has the
// value so far. For showing an answer while a model still writes it.

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/limits.h"
#include "weir/base/result.h"
#include "weir/json/value.h"

namespace weir::json {

struct PartialOptions {
  // Which values may be shown before their last byte has come. An open value that may not be shown
  // is left out of the snapshot, a member together with its key and a container with all in it.
  bool strings = true;    // only whole characters: no half UTF-8, escape or surrogate pair
  bool numbers = false;   // the number so far: 1, 12, 120 on the way to 1200
  bool literals = false;  // true, false and null from their first letter
  bool arrays = true;
  bool objects = true;

  bool list_completed = false;  // whether TakeCompleted() has something to say; costs a string each
  std::size_t max_depth = limits::kJsonDepth;       // never more than kDeepest of reader.h
  std::size_t max_bytes = limits::kReplyBodyBytes;  // of the whole text
};

// Reads by the rules of Read(), and where the pieces are cut changes nothing. Every byte is looked
// at once, so that all pieces together cost what the whole text costs. A snapshot copies nothing:
// it costs the containers that are open, and for those of them that are objects of more than 16
// members the rewriting of their hash index, 8 to 16 bytes a member, when a member has come.
//
// Snapshots only grow. Between an earlier and a later one, what was not open stays as it was, at
// its place; an open string or number gets longer at its end; an open container gets more children
// after the ones that it has. At most one child of a container is open, its last.
//
// The text is kept until the reader goes, because errors tell their place in it.
class PartialReader {
 public:
  explicit PartialReader(const PartialOptions& options = {});
  PartialReader(const PartialReader&) = delete;
  PartialReader& operator=(const PartialReader&) = delete;
  ~PartialReader();

  // The next bytes. Fails with kInvalidJson as soon as no continuation can make the text a
  // document; the message gives the place that Read() would give. What came before the failure can
  // still be looked at; every later call fails with the same error.
  Result<void> Feed(std::string_view piece);
  // Says that the text ends here, which a number at the root needs to be complete. Fails with
  // kInvalidJson when the document is not.
  Result<void> Finish();

  // Whether the whole document is there. Only white space may follow.
  bool complete() const;

  // The value so far; absent while there is nothing to show. Good until the next call of Feed(),
  // Finish() or Snapshot(); Value::CopyOf() makes one that stays.
  View Snapshot();
  // JSON pointers of the values in the snapshot that may still change, from the root inwards. Each
  // lies in the one before.
  std::vector<std::string> OpenPlaces() const;
  // JSON pointers of the values that became complete since the last call, in the order of their
  // ends: children before their container, "" (the root) last. Empty unless list_completed.
  std::vector<std::string> TakeCompleted();

 private:
  class Scanner;

  std::unique_ptr<Scanner> scanner_;
};

}  // namespace weir::json
