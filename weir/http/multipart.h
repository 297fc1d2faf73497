#pragma once

// multipart/form-data (RFC 7578): the reader, a byte machine that keeps nothing of the data, and
// the few texts that a writer needs.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "weir/base/result.h"

namespace weir::http {

struct PartHead {
  std::string name;
  std::optional<std::string> filename;
  std::string content_type;  // empty: it was not said

  friend bool operator==(const PartHead&, const PartHead&) = default;
};

// Who is told of the parts, in their order.
class PartSink {
 public:
  virtual ~PartSink() = default;

  virtual void OnPart(PartHead head) = 0;
  // The next bytes of this part, gone when the call returns.
  virtual void OnData(std::string_view bytes) = 0;
  virtual void OnPartEnd() = 0;
};

struct MultipartLimits {
  std::size_t parts = 64;
  std::size_t head_bytes = 16 * 1024;  // of one part
};

// The boundary that a Content-Type names. Fails with kProtocolError for another type, and for a
// boundary that none may be.
Result<std::string> MultipartBoundary(std::string_view content_type);

class MultipartReader {
 public:
  // `sink` must outlive the reader. What stands before the first boundary and behind the last is
  // dropped, as the format wants it.
  MultipartReader(std::string_view boundary, PartSink& sink, MultipartLimits limits = {});

  // Takes the next bytes, cut anywhere. Fails with kProtocolError, and then for good.
  Result<void> Feed(std::string_view bytes);

  // For the end of the body: fails unless the last boundary has come.
  Result<void> Finish() const;

 private:
  enum class State : std::uint8_t {
    kPreamble,
    kData,
    kBehind,    // a boundary was there: what follows says whether it was the last
    kBehindCr,  // ... its line ends
    kDash,      // ... one of two dashes
    kHead,
    kOver,
    kBroken,
  };

  void Scan(std::string_view& bytes);
  Result<void> TakeBehind(char c);
  Result<void> TakeHead(char c);
  Result<void> BeginPart();
  std::unexpected<Error> Broken(std::string_view what);

  const std::string delimiter_;  // CR LF "--" and the boundary
  PartSink& sink_;
  const MultipartLimits limits_;
  State state_ = State::kPreamble;
  std::size_t matched_ = 2;  // bytes of the delimiter; the first needs no CR LF in front
  std::string head_;
  std::size_t parts_ = 0;
};

// A text field; `name` holds no quotation mark and no line break.
std::string FormField(std::string_view boundary, std::string_view name, std::string_view value);
// What stands in front of the bytes of a file, and behind the last part.
std::string FormFileHead(std::string_view boundary, std::string_view name,
                         std::string_view filename, std::string_view content_type);
std::string FormEnd(std::string_view boundary);

}  // namespace weir::http
