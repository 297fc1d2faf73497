#include "weir/http/inflate.h"

#include <algorithm>

#define ZLIB_CONST
#include <zlib.h>

#include "weir/base/text.h"

namespace weir::http {
namespace {

constexpr std::size_t kPieceBytes = 16 * 1024;
constexpr int kGzipWindow = MAX_WBITS + 16;  // zlib's spelling of "gzip only"
constexpr int kRawWindow = -MAX_WBITS;

// The first byte of zlib's wrapping names method 8 and a window of at most 32 KiB. A raw stream
// begins so only with a stored block whose padding is not zero, which nobody writes.
bool IsZlibByte(unsigned char first) { return (first & 0x0F) == 8 && first >> 4 <= 7; }

}  // namespace

void Inflater::Close::operator()(z_stream_s* stream) const {
  inflateEnd(stream);
  delete stream;
}

Inflater::Inflater(Coding coding, InflateLimits limits) : coding_(coding), limits_(limits) {}

Inflater::~Inflater() = default;

Result<void> Inflater::Feed(std::string_view bytes, std::string& out) {
  if (!broken_.empty()) return Fail(Code::kProtocolError, broken_);
  if (bytes.empty()) return {};
  if (!stream_) {
    WEIR_CHECK(Begin(static_cast<unsigned char>(bytes[0])));
  }
  stream_->next_in = reinterpret_cast<const Bytef*>(bytes.data());
  stream_->avail_in = static_cast<uInt>(bytes.size());
  std::size_t budget = limits_.feed_bytes;
  do {
    WEIR_CHECK(Step(out, budget));
    // A full piece may mean that zlib holds more than it could write.
  } while (stream_->avail_in > 0 || (member_open_ && stream_->avail_out == 0));
  return {};
}

Result<void> Inflater::Finish() const {
  if (!broken_.empty()) return Fail(Code::kProtocolError, broken_);
  if (!member_open_) return {};
  return Fail(Code::kStreamTruncated, "the compressed body ended in the middle");
}

Result<void> Inflater::Begin(unsigned char first) {
  std::unique_ptr<z_stream_s> stream = std::make_unique<z_stream_s>();
  int window = kGzipWindow;
  if (coding_ == Coding::kDeflate) window = IsZlibByte(first) ? MAX_WBITS : kRawWindow;
  if (inflateInit2(stream.get(), window) != Z_OK) {
    return Fail(Code::kInternal, "zlib could not be started");
  }
  stream_.reset(stream.release());
  member_open_ = true;
  return {};
}

Result<void> Inflater::Step(std::string& out, std::size_t& budget) {
  if (!member_open_) {
    if (coding_ == Coding::kDeflate) return Broken("bytes behind its end");
    if (inflateReset(stream_.get()) != Z_OK) return Broken("an end that zlib did not understand");
    member_open_ = true;
  }
  const std::size_t old_size = out.size();
  out.resize(old_size + kPieceBytes);
  stream_->next_out = reinterpret_cast<Bytef*>(out.data() + old_size);
  stream_->avail_out = kPieceBytes;
  const int code = inflate(stream_.get(), Z_NO_FLUSH);
  const std::size_t made = kPieceBytes - stream_->avail_out;
  out.resize(old_size + std::min<std::uint64_t>({made, budget, limits_.total_bytes - total_}));
  if (made > limits_.total_bytes - total_) {
    return Broken(StrCat("more than ", limits_.total_bytes, " bytes when it is inflated"));
  }
  if (made > budget) {
    return Broken(StrCat("a piece that becomes more than ", limits_.feed_bytes,
                         " bytes when it is inflated"));
  }
  budget -= made;
  total_ += made;
  if (code == Z_STREAM_END) {
    member_open_ = false;
  } else if (code != Z_OK && code != Z_BUF_ERROR) {
    return Broken(stream_->msg ? StrCat("malformed bytes (", stream_->msg, ")")
                               : "malformed bytes");
  }
  return {};
}

std::unexpected<Error> Inflater::Broken(std::string_view what) {
  broken_ = StrCat("the server sent a compressed body with ", what);
  return Fail(Code::kProtocolError, broken_);
}

}  // namespace weir::http
