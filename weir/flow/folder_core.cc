#include "weir/flow/folder_core.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <system_error>
#include <utility>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/base/version.h"
#include "weir/flow/csv.h"
#include "weir/flow/rows_input.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

using Steady = std::chrono::steady_clock;

// A note of a flow with many nodes is long, and a slow run writes few records between two of them:
// there they are written seldom. What comes behind the last note is done again from the ledger.
constexpr std::size_t kRecordsPerNote = 8;  // bytes of records for each byte of a note, or ...
constexpr Duration kLongestWait = std::chrono::seconds(5);  // ... this

constexpr Duration kShortestWait = std::chrono::milliseconds(1);
constexpr std::size_t kMaxHeaderBytes = 16 << 20;

// The first record of a CSV file; empty when there is none.
Result<std::vector<std::string>> ReadHeader(const std::string& path) {
  WEIR_TRY(const std::unique_ptr<RowInput> input, OpenInput(path));
  CsvReader reader(kMaxHeaderBytes);
  while (!reader.ready()) {
    WEIR_TRY(const std::string_view bytes, input->Peek());
    if (bytes.empty()) return std::vector<std::string>();
    input->Skip(reader.Feed(bytes));
  }
  return reader.fields();
}

}  // namespace

RunFolder::Core::Core(FolderStart start, store::Journal journal)
    : path_(std::move(start.path)),
      graph_(*start.graph),
      layout_(std::move(start.layout)),
      options_(std::move(start.options)),
      ops_(options_.ops != nullptr ? *options_.ops : store::SystemFileOps()),
      run_(std::move(start.run)),
      journal_(std::move(journal)),
      progress_{.pass = start.note.pass,
                .rows = start.note.rows,
                .input_checksum = start.note.input_checksum,
                .totals = {},
                .carried = {},
                .finished = start.note.finished,
                .rounds = static_cast<int>(start.rounds.size())},
      pass_(start.note.pass),
      rows_(start.note.rows),
      input_checksum_(start.note.input_checksum),
      columns_(layout_.names.size()),
      noted_bytes_(journal_.bytes()) {
  for (Finished& finished : start.behind) {
    Key key(finished.pass, finished.row, finished.child, finished.node);
    recorded_.insert_or_assign(std::move(key), std::move(finished));
  }
  for (std::size_t i = 0; i < layout_.names.size(); ++i) {
    const OutputState& state = start.note.outputs[layout_.names[i].name];
    const bool rolls = layout_.names[i].folder && !layout_.names[i].spool;
    buffers_.emplace_back(rolls ? std::max<std::size_t>(options_.max_lines_per_file, 1) : 0, state);
    writers_.emplace_back(ops_, path_, layout_.names[i], state);
  }
  if (Result<json::Value> totals = json::Read(start.note.totals)) {
    progress_.totals = *std::move(totals);
  }
  if (pass_ > 0) progress_.carried = SpoolOf(pass_ - 1);
  if (!start.rounds.empty()) {
    history_.emplace(ops_, StrCat(path_, "/ledger"), start.rounds);
    if (pass_ == 0) history_->Forget(0, rows_);
  }
  thread_ = std::thread([this] { Run(); });
}

RunFolder::Core::~Core() { Stop(); }

void RunFolder::Core::Stop() {
  {
    const std::scoped_lock lock(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable()) thread_.join();
}

const Finished* RunFolder::Core::Recorded(std::size_t pass, std::uint64_t row,
                                          std::string_view child, std::size_t node) const {
  const auto found = recorded_.find(KeyView(pass, row, child, node));
  return found == recorded_.end() ? nullptr : &found->second;
}

Result<const Past*> RunFolder::Core::Before(std::size_t pass, std::uint64_t origin,
                                            std::string_view child, std::size_t node) {
  if (!history_) return nullptr;
  return history_->Find(pass, origin, child, node);
}

void RunFolder::Core::SkipTo(std::size_t pass, std::uint64_t origin) {
  if (history_) history_->Forget(pass, origin);
}

Result<void> RunFolder::Core::Broken() const {
  const std::scoped_lock lock(mutex_);
  if (broken_) return Fail(*broken_);
  return {};
}

void RunFolder::Core::Break(const Error& error) {
  const std::scoped_lock lock(mutex_);
  if (!broken_) broken_ = error;
}

Result<void> RunFolder::Core::Record(const Finished& finished) {
  WEIR_CHECK(Broken());
  Result<void> appended = journal_.Append(kFinishedRecord, EncodeFinished(finished));
  if (!appended) {
    appended.error().message += kResumeHint;
    Break(appended.error());
    return appended;
  }
  Key key(finished.pass, finished.row, finished.child, finished.node);
  recorded_.insert_or_assign(std::move(key), finished);
  return {};
}

Result<void> RunFolder::Core::CheckRow(const RowRecord& record) const {
  if (record.row < rows_) {
    return Fail(Code::kInternal,
                StrCat("row ", record.row, " was written twice, or after row ", rows_ - 1));
  }
  const auto is_node = [&](std::size_t node) { return node < layout_.flattened; };
  bool good = std::ranges::all_of(record.outputs, is_node, &NodeOutput::node);
  for (const FlatRow& row : record.flat) {
    for (const auto& [node, value] : row.values) good = good && is_node(node);
  }
  if (good) return {};
  return Fail(Code::kInternal, StrCat("row ", record.row, " has a value of a node that is none"));
}

Result<void> RunFolder::Core::Write(RowRecord&& record) {
  WEIR_CHECK(CheckRow(record));
  {
    std::unique_lock lock(mutex_);
    WEIR_CHECK(WaitForRoom(lock));
    AddRow(record);
    if (waiting_bytes_ >= options_.max_buffered_bytes / 2) {
      urgent_ = true;
      wake_.notify_one();
    }
  }
  rows_ = record.row + 1;
  input_checksum_ = record.input_checksum;
  recorded_.erase(recorded_.begin(), recorded_.lower_bound(KeyView(pass_, rows_, "", 0)));
  SkipTo(pass_, record.origin);
  if (NoteIsDue()) Seal(false);
  return {};
}

void RunFolder::Core::AddRow(const RowRecord& record) {
  for (const NodeOutput& output : record.outputs) {
    cells_.clear();
    AppendNodeCells(output.value, cells_);
    AddLine(output.node, output.row_id, cells_);
  }
  for (const FlatRow& row : record.flat) {
    if (!options_.flattened) break;
    cells_.clear();
    for (const auto& [node, value] : row.values) {
      AppendFlatCells(graph_.all()[node]->node->id, value, cells_);
    }
    AddLine(layout_.flattened, row.row_id, cells_);
  }
  for (const RowError& error : record.errors) {
    line_.clear();
    AppendErrorLine(line_, error, record.origin);
    Grow(buffers_[layout_.errors].Add(line_));
  }
  OutputBuffer& carried = buffers_[layout_.carried];
  for (const std::string& line : record.carried) {
    if (carried.state().files <= pass_) Grow(carried.Roll());
    AddText(layout_.carried, line);
  }
}

void RunFolder::Core::AddText(std::size_t output, std::string_view line) {
  line_.assign(line);
  line_ += '\n';
  Grow(buffers_[output].Add(line_));
}

void RunFolder::Core::AddLine(std::size_t output, std::string_view row_id,
                              const std::vector<Cell>& cells) {
  line_.clear();
  if (options_.format == OutputFormat::kJsonLines) {
    AppendJsonLine(line_, row_id, cells);
  } else {
    CsvColumns& columns = columns_[output];
    if (!columns.known()) {
      columns = CsvColumns(FirstColumns(output, cells));
      buffers_[output].set_header(columns.Header());
    }
    columns.AppendLine(line_, row_id, cells);
  }
  Grow(buffers_[output].Add(line_));
}

// What the flow says, and where it says nothing, what the first row has.
std::vector<std::string> RunFolder::Core::FirstColumns(std::size_t output,
                                                       const std::vector<Cell>& cells) const {
  std::vector<std::string> names;
  if (output != layout_.flattened) {
    names = KnownNodeColumns(*graph_.all()[output]);
    if (!names.empty()) return names;
  } else {
    for (const GraphNode* node : graph_.all()) {
      if (node->writes()) std::ranges::move(KnownFlatColumns(*node), std::back_inserter(names));
    }
  }
  for (const Cell& cell : cells) names.push_back(cell.name);
  return names;
}

void RunFolder::Core::Grow(std::size_t bytes) { waiting_bytes_ += bytes; }

Result<void> RunFolder::Core::WaitForRoom(std::unique_lock<std::mutex>& lock) {
  const auto full = [this] {
    return waiting_bytes_ + writing_bytes_ > 0 &&
           waiting_bytes_ + writing_bytes_ >= options_.max_buffered_bytes;
  };
  while (full() && !broken_) {
    urgent_ = true;
    wake_.notify_one();
    flushed_.wait(lock);
  }
  if (broken_) return Fail(*broken_);
  return {};
}

Result<void> RunFolder::Core::Attempt(std::string&& line) {
  std::unique_lock lock(mutex_);
  WEIR_CHECK(WaitForRoom(lock));
  AddText(layout_.attempts, Redact(line));
  return {};
}

bool RunFolder::Core::NoteIsDue() const {
  {
    const std::scoped_lock lock(mutex_);
    if (waiting_bytes_ >= options_.max_buffered_bytes / 2 && note_.empty()) return true;
  }
  const TimePoint now = Steady::now();
  if (now < After(noted_at_, options_.flush_every)) return false;
  return journal_.bytes() - noted_bytes_ >= note_size_ * kRecordsPerNote ||
         now >= After(noted_at_, kLongestWait);
}

void RunFolder::Core::Seal(bool finished) {
  Note note{.pass = pass_,
            .rows = rows_,
            .input_checksum = input_checksum_,
            .finished = finished,
            .outputs = {},
            .totals = options_.totals ? options_.totals() : ""};
  {
    const std::scoped_lock lock(mutex_);
    for (std::size_t i = 0; i < buffers_.size(); ++i) {
      const bool gone = finished && layout_.names[i].spool;
      if (gone || buffers_[i].state().files == 0) continue;
      note.outputs[layout_.names[i].name] = buffers_[i].state();
    }
    note_ = EncodeNote(note);
    note_size_ = note_.size();
    ++sealed_;
  }
  noted_at_ = Steady::now();
  noted_bytes_ = journal_.bytes();
}

// Everything, and the last note, is on the disk.
Result<void> RunFolder::Core::Drain() {
  std::unique_lock lock(mutex_);
  while (noted_ != sealed_ && !broken_) {
    urgent_ = true;
    wake_.notify_one();
    flushed_.wait(lock);
  }
  if (broken_) return Fail(*broken_);
  return {};
}

void RunFolder::Core::Run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    wake_.wait_for(lock, std::max(options_.flush_every, kShortestWait),
                   [this] { return stop_ || urgent_; });
    if (stop_) return;
    urgent_ = false;
    const Batch batch = TakeBatch();
    lock.unlock();
    const Result<void> flushed = Flush(batch);
    lock.lock();
    writing_bytes_ = 0;
    noted_ = std::max(noted_, batch.seal);
    if (!flushed && !broken_) broken_ = flushed.error();
    flushed_.notify_all();
    if (broken_) return;
  }
}

RunFolder::Core::Batch RunFolder::Core::TakeBatch() {
  Batch batch;
  for (std::size_t i = 0; i < buffers_.size(); ++i) {
    std::vector<Piece> pieces = buffers_[i].Take();
    if (!pieces.empty()) batch.pieces.emplace_back(i, std::move(pieces));
  }
  batch.note = std::exchange(note_, {});
  if (!batch.note.empty()) batch.seal = sealed_;
  writing_bytes_ = std::exchange(waiting_bytes_, 0);
  return batch;
}

// The note goes into the ledger when what it tells of is on the disk.
Result<void> RunFolder::Core::Flush(const Batch& batch) {
  for (const auto& [output, pieces] : batch.pieces) {
    WEIR_CHECK(writers_[output].Write(pieces));
  }
  if (batch.note.empty()) return journal_.Sync();
  for (OutputWriter& writer : writers_) {
    WEIR_CHECK(writer.Sync());
  }
  WEIR_CHECK(journal_.Append(kNoteRecord, batch.note));
  return journal_.Sync();
}

Result<std::string> RunFolder::Core::EndPass() {
  const std::size_t ended = pass_;
  {
    const std::scoped_lock lock(mutex_);
    if (buffers_[layout_.carried].state().files <= ended) Grow(buffers_[layout_.carried].Roll());
  }
  ++pass_;
  rows_ = 0;
  input_checksum_ = 0;
  recorded_.erase(recorded_.begin(), recorded_.lower_bound(KeyView(pass_, 0, "", 0)));
  Seal(false);
  WEIR_CHECK(Drain());
  RemoveSpools(ended);
  return SpoolOf(ended);
}

std::string RunFolder::Core::SpoolOf(std::uint64_t pass) const {
  return StrCat(path_, "/", layout_.names[layout_.carried].PathOf(pass));
}

// Nobody reads them any more; one that cannot be removed is in nobody's way.
void RunFolder::Core::RemoveSpools(std::uint64_t before) {
  for (std::uint64_t pass = before; pass-- > 0;) {
    if (ops_.Remove(SpoolOf(pass)) != 0) return;
  }
}

Result<void> RunFolder::Core::Close(json::View summary, bool finished) {
  Seal(finished);
  Result<void> closed = Drain();
  Stop();
  if (closed) closed = Summarize(summary, finished);
  Break(Fail(Code::kInternal, StrCat("the run folder ", path_, " was closed before")).error());
  return closed;
}

Result<void> RunFolder::Core::Summarize(json::View summary, bool finished) const {
  if (finished) {
    std::error_code none;
    std::filesystem::remove_all(StrCat(path_, "/", layout_.names[layout_.carried].name), none);
  }
  WEIR_CHECK(WriteMetadata());
  return WriteWhole(ops_, StrCat(path_, "/run.json"),
                    RunJson(run_, finished ? "done" : "stopped", summary));
}

Result<void> RunFolder::Core::ReadColumns() {
  if (options_.format != OutputFormat::kCsv) return {};
  for (std::size_t i = 0; i <= layout_.flattened; ++i) {
    if (buffers_[i].state().files == 0) continue;
    const std::string path = StrCat(path_, "/", layout_.names[i].PathOf(0));
    WEIR_TRY(const std::vector<std::string> fields, ReadHeader(path));
    std::optional<CsvColumns> columns = CsvColumns::FromHeader(fields);
    if (!columns) {
      return Fail(Code::kIoError, StrCat(path,
                                         " does not begin with the names of its columns; put "
                                         "the file back, or start a new run with another -o"));
    }
    buffers_[i].set_header(columns->Header());
    columns_[i] = *std::move(columns);
  }
  return {};
}

Result<void> RunFolder::Core::WriteMetadata() const {
  std::string text;
  json::Writer json(text, {.indent = 2});
  const auto state = [&](std::size_t output) {
    json.Key("lines");
    json.Uint(buffers_[output].state().lines);
    json.Key("files");
    json.Uint(buffers_[output].state().files);
    json.EndObject();
  };
  json.BeginObject();
  json.Field("format", options_.format == OutputFormat::kCsv ? "csv" : "jsonl");
  json.Field("generated_by", StrCat("weir ", kVersion));
  json.Key("splits");
  json.BeginObject();
  for (const GraphNode* node : graph_.all()) {
    if (!node->writes() && buffers_[node->index].state().files == 0) continue;
    json.Key(node->node->id);
    json.BeginObject();
    json.Field("folder", layout_.names[node->index].name);
    state(node->index);
  }
  json.EndObject();
  for (const std::size_t output : {layout_.flattened, layout_.errors}) {
    if (output == layout_.flattened && !options_.flattened) continue;
    json.Key(layout_.names[output].name);
    json.BeginObject();
    state(output);
  }
  json.EndObject();
  text += '\n';
  return WriteWhole(ops_, StrCat(path_, "/metadata.json"), text);
}

}  // namespace weir::flow
