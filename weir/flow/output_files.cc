#include "weir/flow/output_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include <fcntl.h>

#include "weir/base/text.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;

std::string ParentOf(const std::string& path) {
  const std::size_t slash = path.find_last_not_of('/');
  const std::size_t cut = path.rfind('/', slash);
  if (cut == std::string::npos) return ".";
  return cut == 0 ? "/" : path.substr(0, cut);
}

// The name of a file is on the disk when its folder is. Some file systems cannot sync folders.
void SyncFolderOf(store::FileOps& ops, const std::string& path) {
  const store::File folder(ops, ops.Open(ParentOf(path), O_RDONLY | O_DIRECTORY, 0));
  if (folder.open()) (void)folder.Sync();
}

bool WriteAll(const store::File& file, std::string_view bytes, std::uint64_t position) {
  while (!bytes.empty()) {
    const ssize_t written = file.Write(bytes, static_cast<off_t>(position));
    if (written == 0) errno = ENOSPC;
    if (written <= 0) return false;
    position += static_cast<std::uint64_t>(written);
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

// The number of a file of this output; nothing for other files.
std::optional<std::uint64_t> NumberOf(const std::string& file, std::string_view extension) {
  if (!file.ends_with(extension)) return std::nullopt;
  return ParseUint(std::string_view(file).substr(0, file.size() - extension.size()));
}

Result<void> RemoveFrom(store::FileOps& ops, const std::string& root, const OutputName& name,
                        std::uint64_t first) {
  if (!name.folder) {
    const std::string path = StrCat(root, "/", name.PathOf(0));
    if (first == 0 && ops.Remove(path) != 0 && errno != ENOENT) return DiskError("remove", path);
    return {};
  }
  const std::string folder = StrCat(root, "/", name.name);
  std::error_code none;
  for (fs::directory_iterator files(folder, none), end; !none && files != end;
       files.increment(none)) {
    const auto number = NumberOf(files->path().filename().string(), name.extension);
    if (!number || *number < first) continue;
    const std::string path = files->path().string();
    if (ops.Remove(path) != 0 && errno != ENOENT) return DiskError("remove", path);
  }
  return {};
}

std::unexpected<Error> TooShort(const std::string& path, std::uint64_t size, std::uint64_t was) {
  return Fail(Code::kIoError,
              StrCat(path, " has ", size, " bytes, and the run had brought ", was,
                     " to the disk: a power cut or another program took the rest. Put the file "
                     "back, or start a new run with another -o"));
}

// The files before the last one are whole; only their size is looked at.
Result<void> CheckEarlier(const std::string& root, const OutputName& name,
                          const OutputState& state) {
  const std::uint64_t expected = state.bytes - state.last_bytes;
  std::uint64_t there = 0;
  for (std::uint64_t file = 0; file + 1 < state.files; ++file) {
    std::error_code none;
    const std::uintmax_t size = fs::file_size(StrCat(root, "/", name.PathOf(file)), none);
    if (!none) there += size;
  }
  if (there == expected) return {};
  return Fail(Code::kIoError,
              StrCat("the files of ", root, "/", name.name, " before the last one have ", there,
                     " bytes, and the run had brought ", expected,
                     " to the disk: another program changed them. Put them back, or start a new "
                     "run with another -o"));
}

}  // namespace

std::unexpected<Error> DiskError(std::string_view what, const std::string& path) {
  const int error = errno;
  return Fail(Code::kIoError, StrCat("cannot ", what, " ", path), std::strerror(error));
}

std::string OutputName::PathOf(std::uint64_t file) const {
  if (!folder) return StrCat(name, extension);
  const std::string number = StrCat(file);
  return StrCat(name, "/", std::string(3 - std::min<std::size_t>(number.size(), 3), '0'), number,
                extension);
}

std::size_t OutputBuffer::Add(std::string_view line) {
  std::size_t grown = 0;
  const bool full = max_lines_ > 0 && state_.lines == state_.files * max_lines_;
  if (state_.files == 0 || full) grown = Roll();
  if (pieces_.empty()) pieces_.push_back({.file = state_.files - 1, .bytes = {}});
  pieces_.back().bytes += line;
  ++state_.lines;
  state_.bytes += line.size();
  state_.last_bytes += line.size();
  return grown + line.size();
}

std::size_t OutputBuffer::Roll() {
  pieces_.push_back({.file = state_.files++, .bytes = header_});
  state_.bytes += header_.size();
  state_.last_bytes = header_.size();
  return header_.size();
}

OutputWriter::OutputWriter(store::FileOps& ops, const std::string& root, OutputName name,
                           const OutputState& state)
    : ops_(ops),
      root_(root),
      name_(std::move(name)),
      number_(state.files == 0 ? 0 : state.files - 1),
      position_(state.last_bytes) {}

std::unexpected<Error> OutputWriter::Failed(std::string_view what) const {
  std::unexpected<Error> failed = DiskError(what, StrCat(root_, "/", name_.PathOf(number_)));
  failed.error().message += kResumeHint;
  return failed;
}

Result<void> OutputWriter::Write(const std::vector<Piece>& pieces) {
  for (const Piece& piece : pieces) {
    if (!file_ || piece.file != number_) {
      WEIR_CHECK(Open(piece.file));
    }
    if (!WriteAll(*file_, piece.bytes, position_)) return Failed("write");
    position_ += piece.bytes.size();
    dirty_ = true;
  }
  return {};
}

Result<void> OutputWriter::Open(std::uint64_t file) {
  WEIR_CHECK(Sync());
  if (file != number_) position_ = 0;
  number_ = file;
  const std::string path = StrCat(root_, "/", name_.PathOf(number_));
  const bool fresh = position_ == 0;
  if (fresh && name_.folder) {
    WEIR_CHECK(MakeFolder(ops_, StrCat(root_, "/", name_.name)));
  }
  file_.emplace(ops_, ops_.Open(path, O_WRONLY | O_CREAT | (fresh ? O_TRUNC : 0), 0644));
  if (!file_->open()) {
    const int error = errno;
    file_.reset();
    errno = error;
    return Failed("open");
  }
  if (fresh) SyncFolderOf(ops_, path);
  return {};
}

Result<void> OutputWriter::Sync() {
  if (!dirty_) return {};
  if (file_->Sync() != 0) return Failed("sync");
  dirty_ = false;
  return {};
}

Result<void> CutBack(store::FileOps& ops, const std::string& root, const OutputName& name,
                     const OutputState& state) {
  WEIR_CHECK(RemoveFrom(ops, root, name, state.files));
  if (state.files == 0) return {};
  if (!name.spool) {
    WEIR_CHECK(CheckEarlier(root, name, state));
  }
  const std::string path = StrCat(root, "/", name.PathOf(state.files - 1));
  const store::File file(ops, ops.Open(path, O_WRONLY, 0));
  if (!file.open() && errno == ENOENT) {
    if (state.last_bytes == 0) return {};
    return TooShort(path, 0, state.last_bytes);
  }
  if (!file.open()) return DiskError("open", path);
  const off_t size = file.Size();
  if (size < 0) return DiskError("look at", path);
  if (static_cast<std::uint64_t>(size) < state.last_bytes) {
    return TooShort(path, static_cast<std::uint64_t>(size), state.last_bytes);
  }
  if (static_cast<std::uint64_t>(size) > state.last_bytes &&
      file.Truncate(static_cast<off_t>(state.last_bytes)) != 0) {
    return DiskError("cut back", path);
  }
  return {};
}

Result<void> WriteWhole(store::FileOps& ops, const std::string& path, std::string_view text) {
  const std::string fresh = StrCat(path, ".part");
  {
    const store::File file(ops, ops.Open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0644));
    if (!file.open()) return DiskError("open", fresh);
    if (!WriteAll(file, text, 0)) return DiskError("write", fresh);
    if (file.Sync() != 0) return DiskError("sync", fresh);
  }
  if (ops.Rename(fresh, path) != 0) return DiskError("replace", path);
  SyncFolderOf(ops, path);
  return {};
}

Result<void> MakeFolder(store::FileOps& ops, const std::string& path) {
  std::error_code none;
  if (ops.MakeFolder(path, 0755) != 0) {
    const int error = errno;
    const bool there = error == EEXIST && fs::is_directory(path, none);
    errno = error;
    if (!there) return DiskError("make the folder", path);
  }
  // Also when it is there: who made it may have died before this.
  SyncFolderOf(ops, path);
  return {};
}

}  // namespace weir::flow
