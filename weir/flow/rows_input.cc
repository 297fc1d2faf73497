#include "weir/flow/rows_input.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/store/crc32c.h"

namespace weir::flow {
namespace {

constexpr std::size_t kReadBytes = 256 * 1024;

}  // namespace

RowInput::RowInput(int fd, bool owned, std::string name)
    : fd_(fd), owned_(owned), name_(std::move(name)) {
  struct stat status{};
  if (::fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) return;
  const off_t begin = std::max<off_t>(::lseek(fd, 0, SEEK_CUR), 0);
  size_ = static_cast<std::uint64_t>(std::max<off_t>(status.st_size - begin, 0));
}

RowInput::~RowInput() {
  if (owned_) ::close(fd_);
}

Result<std::string_view> RowInput::Peek() {
  if (!started_) {
    started_ = true;
    while (buffer_.size() < kByteOrderMark.size() && kByteOrderMark.starts_with(buffer_)) {
      const std::size_t had = buffer_.size();
      WEIR_CHECK(Fill());
      if (buffer_.size() == had) break;
    }
    if (buffer_.starts_with(kByteOrderMark)) from_ = kByteOrderMark.size();
  }
  if (from_ == buffer_.size()) {
    buffer_.clear();
    from_ = looked_ = 0;
    WEIR_CHECK(Fill());
  }
  return std::string_view(buffer_).substr(from_);
}

bool RowInput::WouldWait(std::size_t max_bytes) {
  if (size_) return false;
  buffer_.erase(0, std::exchange(from_, 0));
  looked_ = 0;
  while (!ended_ && buffer_.size() <= max_bytes) {
    const std::size_t end = buffer_.find('\n', looked_);
    if (end != std::string::npos) return false;
    looked_ = buffer_.size();
    pollfd there{.fd = fd_, .events = POLLIN, .revents = 0};
    if (::poll(&there, 1, 0) == 0) return true;
    if (!Fill()) return false;  // whoever reads is told
  }
  return false;
}

Result<void> RowInput::Fill() {
  if (ended_) return {};
  if (gunzip_) return Decode();
  WEIR_TRY(const std::size_t got, Read(buffer_));
  ended_ = got == 0;
  return {};
}

// At least one byte more, but at the end.
Result<void> RowInput::Decode() {
  const std::size_t had = buffer_.size();
  while (buffer_.size() == had) {
    if (packed_.empty()) {
      WEIR_TRY(const std::size_t got, Read(packed_));
      ended_ = got == 0;
      if (ended_ && gunzip_->whole()) return {};
      if (ended_) {
        return Fail(Code::kIoError,
                    StrCat(name_, " ends in the middle; pack it again, or download it anew"));
      }
    }
    Result<std::size_t> used = gunzip_->Feed(packed_, kReadBytes, buffer_);
    if (!used) {
      used.error().message = StrCat("cannot unpack ", name_, ": ", used.error().message);
      return std::unexpected<Error>(used.error());
    }
    packed_.erase(0, *used);
  }
  return {};
}

// How many bytes were appended; 0: the end.
Result<std::size_t> RowInput::Read(std::string& into) {
  const std::size_t had = into.size();
  into.resize(had + kReadBytes);
  ssize_t got = 0;
  do {
    got = ::read(fd_, into.data() + had, kReadBytes);
  } while (got < 0 && errno == EINTR);
  const int error = errno;
  into.resize(had + static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
  read_ += static_cast<std::uint64_t>(std::max<ssize_t>(got, 0));
  if (got >= 0) return static_cast<std::size_t>(got);
  return Fail(Code::kIoError,
              StrCat("cannot read the rows", name_.empty() ? "" : StrCat(" of ", name_),
                     "; the run can be resumed when that is mended"),
              std::strerror(error));
}

std::optional<double> RowInput::part_read() const {
  if (!size_) return std::nullopt;
  if (*size_ == 0) return 1.0;
  // What is unpacked is counted in bytes of the file.
  const std::uint64_t ahead = gunzip_ ? packed_.size() : buffer_.size() - from_;
  const std::uint64_t used = read_ - ahead;
  return std::min(1.0, static_cast<double>(used) / static_cast<double>(*size_));
}

std::string RowInput::Place(std::uint64_t line) const {
  return name_.empty() ? StrCat("line ", line) : StrCat(name_, ", line ", line);
}

Result<std::unique_ptr<RowInput>> OpenInput(const std::string& path) {
  if (path == "-") return std::make_unique<RowInput>(STDIN_FILENO, false, "stdin");
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) {
    return Fail(Code::kConfigError,
                StrCat("cannot open the rows ", path, "; name a file, or - for stdin"),
                std::strerror(errno));
  }
  auto input = std::make_unique<RowInput>(fd, true, path);
  struct stat status{};
  if (::fstat(fd, &status) == 0 && S_ISDIR(status.st_mode)) {
    return Fail(Code::kConfigError, StrCat(path, " is a folder; name a file, or let the flow read ",
                                           "its files with `files: {glob: \"", path, "/*\"}`"));
  }
  return input;
}

Result<bool> LineInput::Next() {
  text_.clear();
  too_long_ = false;
  lost_ = 0;
  bool any = false;
  for (;;) {
    WEIR_TRY(const std::string_view bytes, input_.Peek());
    if (bytes.empty()) break;
    any = true;
    const std::size_t end = bytes.find('\n');
    Keep(bytes.substr(0, end));
    if (end == std::string_view::npos) {
      input_.Skip(bytes.size());
      continue;
    }
    input_.Skip(end + 1);
    break;
  }
  if (!any) return false;
  ++number_;
  if (!too_long_ && text_.ends_with('\r')) text_.pop_back();
  return true;
}

// One byte more than is allowed, which may be the CR.
void LineInput::Keep(std::string_view piece) {
  const std::size_t room = max_bytes_ + 1 - text_.size();
  text_ += piece.substr(0, room);
  const bool full = piece.size() > room || (text_.size() > max_bytes_ && !text_.ends_with('\r'));
  if (full) too_long_ = true;
  if (piece.size() > room) lost_ = store::Crc32c(piece.substr(room), lost_);
}

bool LineInput::blank() const { return !too_long_ && Trim(text_).empty(); }

std::uint32_t LineInput::Checksum(std::uint32_t before) const {
  std::uint32_t sum = store::Crc32c(text_, before);
  if (too_long_) {
    const char lost[] = {static_cast<char>(lost_), static_cast<char>(lost_ >> 8),
                         static_cast<char>(lost_ >> 16), static_cast<char>(lost_ >> 24)};
    sum = store::Crc32c({lost, sizeof lost}, sum);
  }
  return store::Crc32c("\n", sum);
}

std::optional<double> RowMaker::part_of_limit() const {
  if (!options_.limit) return std::nullopt;
  if (*options_.limit == 0) return 1.0;
  return static_cast<double>(next_) / static_cast<double>(*options_.limit);
}

Row RowMaker::Make(json::Value object, std::string_view place) {
  Row row{.number = next_++,
          .id = {},
          .value = std::move(object),
          .place = std::string(place),
          .error = {}};
  if (options_.id.empty()) {
    row.id = StrCat(row.number);
    return row;
  }
  const json::View id = row.value.Find(options_.id);
  row.id = id.IsNumber() ? id.NumberText() : id.StringOr("");
  if (!row.id.empty()) {
    const auto first = options_.same_ids ? std::nullopt : ids_.Add(row.id, row.number);
    if (first) {
      row.error = Fail(Code::kInvalidRequest,
                       StrCat(place, ": row ", row.number, " has the id \"", Truncate(row.id, 100),
                              "\" (`", options_.id, "`) that row ", *first,
                              " has; give it another one, or take `id` out of the flow, so that "
                              "rows have numbers"))
                      .error();
    }
    return row;
  }
  row.id = Stand(row.number);
  row.error = Fail(Code::kInvalidRequest,
                   StrCat(place, ": the row has no id: `", options_.id, "` ",
                          id.exists() ? (id.IsString() ? "is empty" : "is no text and no number")
                                      : "is not there",
                          "; give it one, or name another field as the flow's `id`"))
                  .error();
  return row;
}

Row RowMaker::Bad(Error error, std::string_view id) {
  const std::uint64_t number = next_++;
  const bool known =
      !id.empty() && !options_.id.empty() && (options_.same_ids || !ids_.Add(id, number));
  return {.number = number,
          .id = known ? std::string(id) : Stand(number),
          .value = {},
          .place = {},
          .error = std::move(error)};
}

std::string RowMaker::Stand(std::uint64_t number) const {
  return options_.id.empty() ? StrCat(number) : StrCat("#", number);
}

Row RowMaker::TooLong(std::string_view place) {
  return Bad(
      StrCat(place, ": the row is longer than ", options_.max_row_bytes, " bytes; shorten it"));
}

std::optional<double> PartRead(std::optional<double> input, std::optional<double> limit) {
  if (!input || !limit) return limit ? limit : input;
  return std::max(*input, *limit);
}

}  // namespace weir::flow
