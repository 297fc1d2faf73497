// Rows of files: each is a row, or each of its lines.

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <map>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

#include "weir/base/glob.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/flow/rows_input.h"
#include "weir/flow/units.h"
#include "weir/json/builder.h"
#include "weir/store/crc32c.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;

bool IsUnit(std::string_view unit) {
  return unit == "file" || unit == "line" || unit == "function" || unit == "class";
}

std::string_view NameOf(std::string_view path) { return path.substr(path.rfind('/') + 1); }

class FileSource final : public RowSource {
 public:
  FileSource(std::vector<std::string> paths, FileRows files, std::string folder,
             const RowOptions& options)
      : paths_(std::move(paths)),
        files_(std::move(files)),
        folder_(std::move(folder)),
        by_lines_(files_.unit == "line"),
        by_units_(files_.unit == "function" || files_.unit == "class"),
        maker_(options) {}

  Result<std::optional<Row>> Next() override {
    while (!maker_.at_limit()) {
      if (next_unit_ < units_.size()) return NextUnit();
      if (lines_) {
        WEIR_TRY(std::optional<Row> row, NextLine());
        if (row) return row;
        CloseFile();
        continue;
      }
      if (next_ == paths_.size()) break;
      std::optional<Row> bad = OpenFile(paths_[next_++]);
      if (bad) return bad;
      if (by_lines_) continue;
      if (!by_units_) return WholeFile();
      WEIR_TRY(std::optional<Row> none, FindUnits());
      if (none) return none;
    }
    return std::optional<Row>();
  }
  std::uint32_t checksum() const override { return checksum_; }
  std::optional<std::uint64_t> total() const override {
    if (by_lines_ || by_units_) return std::nullopt;
    return std::min<std::uint64_t>(paths_.size(), maker_.options().limit.value_or(paths_.size()));
  }
  std::optional<double> part_read() const override {
    const double part = static_cast<double>(next_) / static_cast<double>(paths_.size());
    return PartRead(part, maker_.part_of_limit());
  }

 private:
  // A file that cannot be read is a row that is none.
  std::optional<Row> OpenFile(const std::string& path) {
    const std::string full =
        path.starts_with('/') || folder_.empty() ? path : StrCat(folder_, "/", path);
    checksum_ = store::Crc32c("\n", store::Crc32c(path, checksum_));
    const int fd = ::open(full.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      return maker_.Bad(
          Fail(Code::kIoError, StrCat("cannot open ", full), std::strerror(errno)).error());
    }
    input_ = std::make_unique<RowInput>(fd, true, path);
    if (input_->size().value_or(0) > files_.max_bytes) {
      const std::uint64_t size = *input_->size();
      CloseFile();
      return maker_.Bad(StrCat(path, " has ", size, " bytes, and `max_bytes` allows ",
                               files_.max_bytes, "; raise it, or split the file"));
    }
    if (by_lines_) {
      lines_ = std::make_unique<LineInput>(*input_, maker_.options().max_row_bytes);
    }
    return std::nullopt;
  }
  void CloseFile() {
    lines_.reset();
    input_.reset();
  }

  Result<std::optional<Row>> WholeFile() {
    std::string text;
    WEIR_TRY(std::optional<Row> bad, ReadWhole(text));
    if (bad) return bad;
    return std::optional(MakeRow(paths_[next_ - 1], text, std::nullopt));
  }

  // A file that is too long is a row that is none.
  Result<std::optional<Row>> ReadWhole(std::string& text) {
    const std::unique_ptr<RowInput> input = std::move(input_);
    const std::string& path = paths_[next_ - 1];
    const std::size_t most = std::min(files_.max_bytes, maker_.options().max_row_bytes);
    for (;;) {
      WEIR_TRY(const std::string_view bytes, input->Peek());
      if (bytes.empty()) break;
      text += bytes;
      input->Skip(bytes.size());
      if (text.size() <= most) continue;
      return std::optional(maker_.Bad(StrCat(path, " is longer than the ", most,
                                             " bytes that a row may have; split the file")));
    }
    checksum_ = store::Crc32c(text, checksum_);
    return std::optional<Row>();
  }

  // Of the file that was opened; a row that is none when it cannot have units.
  Result<std::optional<Row>> FindUnits() {
    text_.clear();
    units_.clear();
    next_unit_ = 0;
    WEIR_TRY(std::optional<Row> bad, ReadWhole(text_));
    if (bad) return bad;
    const std::string& path = paths_[next_ - 1];
    const std::optional<Language> language = LanguageOf(path);
    if (!language) {
      return std::optional(
          maker_.Bad(StrCat(path, " has no ", files_.unit, "s that are known; they are found in ",
                            LanguagesText(), "; let the glob name those alone")));
    }
    if (!IsUtf8(text_) || !IsUtf8(path)) {
      return std::optional(
          maker_.Bad(StrCat(path, " is not UTF-8; convert it, or leave it out of the glob")));
    }
    units_ = RowUnitsOf(text_, *language, files_.unit == "class");
    ids_.clear();
    return std::optional<Row>();
  }

  std::optional<Row> NextUnit() {
    const Unit& unit = units_[next_unit_++];
    const std::string& path = paths_[next_ - 1];
    std::string id = UnitId(path, unit);
    const int number = ++ids_[id];
    if (number > 1) StrAppend(id, "#", number);
    json::Builder object;
    object.BeginObject();
    object.Key("path");
    object.String(path);
    object.Key("name");
    object.String(unit.name);
    object.Key("kind");
    object.String(UnitKindName(unit.kind));
    object.Key("line");
    object.Uint(unit.line);
    object.Key("end_line");
    object.Uint(unit.end_line);
    object.Key("text");
    object.String(std::string_view(text_).substr(unit.begin, unit.end - unit.begin));
    object.Key("id");
    object.String(id);
    object.EndObject();
    return maker_.Make(std::move(object).Finish(), StrCat(path, ", line ", unit.line));
  }

  Result<std::optional<Row>> NextLine() {
    do {
      WEIR_TRY(const bool more, lines_->Next());
      if (!more) return std::optional<Row>();
    } while (lines_->blank());
    checksum_ = lines_->Checksum(checksum_);
    if (lines_->too_long()) {
      return std::optional(maker_.TooLong(input_->Place(lines_->number())));
    }
    return std::optional(MakeRow(paths_[next_ - 1], lines_->text(), lines_->number()));
  }

  Row MakeRow(std::string_view path, std::string_view text, std::optional<std::uint64_t> line) {
    const std::string place = line ? input_->Place(*line) : std::string(path);
    if (!IsUtf8(text) || !IsUtf8(path)) {
      return maker_.Bad(StrCat(place, " is not UTF-8; convert it, or leave it out of the glob"));
    }
    json::Builder object;
    object.BeginObject();
    object.Key("path");
    object.String(path);
    object.Key("name");
    object.String(NameOf(path));
    if (line) {
      object.Key("line");
      object.Uint(*line);
    }
    object.Key("text");
    object.String(text);
    object.EndObject();
    return maker_.Make(std::move(object).Finish(), place);
  }

  const std::vector<std::string> paths_;
  const FileRows files_;
  const std::string folder_;
  const bool by_lines_;
  const bool by_units_;
  RowMaker maker_;
  std::size_t next_ = 0;  // the file to open next
  std::unique_ptr<RowInput> input_;
  std::unique_ptr<LineInput> lines_;  // of input_
  std::uint32_t checksum_ = 0;
  std::string text_;         // of the file whose units are rows
  std::vector<Unit> units_;  // of it
  std::size_t next_unit_ = 0;
  std::map<std::string, int> ids_;  // of it, and how often
};

// Whether a path that counts from `folder` leads below `except`, an absolute path.
bool IsBelow(const std::string& path, const std::string& folder, const fs::path& except) {
  std::error_code failed;
  const fs::path full = fs::weakly_canonical(fs::path(folder) / path, failed);
  return std::ranges::mismatch(except, full).in1 == except.end();
}

// Tells files that ** has found in the folder of a run.
class RunFolders {
 public:
  RunFolders(const std::string& folder, std::string_view glob)
      : folder_(folder), fixed_(glob.find("**")) {}

  bool Has(const std::string& path) {
    for (std::size_t end = path.rfind('/'); end != path.npos && end > 0 && end >= fixed_;
         end = path.rfind('/', end - 1)) {
      if (IsRun(path.substr(0, end))) return true;
    }
    return false;
  }

 private:
  bool IsRun(const std::string& path) {
    const auto [at, is_new] = known_.emplace(path, false);
    std::error_code failed;
    const fs::path full = fs::path(folder_) / path;
    if (is_new) {
      at->second = fs::exists(full / "run.json", failed) && fs::exists(full / "ledger", failed);
    }
    return at->second;
  }

  const std::string folder_;
  const std::size_t fixed_;  // where ** begins: what stands before it was named
  std::map<std::string, bool> known_;
};

}  // namespace

Result<std::vector<std::string>> FindRowFiles(const FileRows& files, const std::string& folder) {
  WEIR_TRY(std::vector<std::string> paths, FindFiles(folder, files.glob));
  std::error_code failed;
  const fs::path except = fs::weakly_canonical(files.except, failed);
  if (!files.except.empty() && fs::exists(except, failed)) {
    std::erase_if(paths, [&](const std::string& path) { return IsBelow(path, folder, except); });
  }
  RunFolders runs(folder, files.glob);
  std::erase_if(paths, [&runs](const std::string& path) { return runs.Has(path); });
  if (paths.empty()) {
    return Fail(Code::kConfigError,
                StrCat("no file matches ", files.glob, " in ", folder.empty() ? "." : folder,
                       "; * and ? stand for parts of a name, ** for folders"));
  }
  return paths;
}

Result<std::unique_ptr<RowSource>> OpenFiles(const FileRows& files, const std::string& folder,
                                             const RowOptions& options) {
  if (!IsUnit(files.unit)) {
    return Fail(
        Code::kConfigError,
        StrCat("rows are made of each \"file\", \"line\", \"function\" or \"class\", not of \"",
               files.unit, "\""));
  }
  WEIR_TRY(std::vector<std::string> paths, FindRowFiles(files, folder));
  RowOptions with_id = options;
  const bool code = files.unit == "function" || files.unit == "class";
  if (code && with_id.id.empty()) with_id.id = "id";
  return std::make_unique<FileSource>(std::move(paths), files, folder, with_id);
}

}  // namespace weir::flow
