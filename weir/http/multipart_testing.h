#pragma once

// Plays bytes into a MultipartReader and keeps all that came out.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/http/cut_testing.h"
#include "weir/http/multipart.h"

namespace weir::http {

struct PartRead {
  PartHead head;
  std::string data;
  bool ended = false;

  friend bool operator==(const PartRead&, const PartRead&) = default;
};

struct PartsRead {
  std::vector<PartRead> parts;
  bool failed = false;

  friend bool operator==(const PartsRead&, const PartsRead&) = default;
};

class PartKeeper final : public PartSink {
 public:
  explicit PartKeeper(PartsRead& out) : out_(out) {}
  void OnPart(PartHead head) override {
    out_.parts.push_back({.head = std::move(head), .data = {}, .ended = false});
  }
  void OnData(std::string_view bytes) override { out_.parts.back().data += bytes; }
  void OnPartEnd() override { out_.parts.back().ended = true; }

 private:
  PartsRead& out_;
};

// Every piece is fed from memory of its own, which is gone before the next piece comes.
inline PartsRead PlayParts(std::string_view boundary, const Pieces& pieces,
                           MultipartLimits limits = {}) {
  PartsRead out;
  PartKeeper keeper(out);
  MultipartReader reader(boundary, keeper, limits);
  for (const std::string_view piece : pieces) {
    const std::vector<char> bytes(piece.begin(), piece.end());
    if (!reader.Feed(std::string_view(bytes.data(), bytes.size()))) {
      out.failed = true;
      return out;
    }
  }
  out.failed = !reader.Finish().has_value();
  return out;
}

}  // namespace weir::http
