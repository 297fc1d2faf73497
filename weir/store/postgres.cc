#include "weir/store/postgres.h"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <unordered_map>
#include <utility>

#include <poll.h>

#include "weir/base/redact.h"
#include "weir/base/text.h"
#include "weir/store/libpq.h"

namespace weir::store {
namespace {

// Types as the server numbers them, since ever.
constexpr unsigned kInt8 = 20;
constexpr unsigned kText = 25;
constexpr unsigned kFloat8 = 701;
constexpr unsigned kTextArray = 1009;
constexpr unsigned kInt8Array = 1016;

constexpr std::size_t kMaxCause = 500;

template <class T>
void AppendBig(std::string& out, T value) {
  for (int shift = static_cast<int>(sizeof(T)) * 8 - 8; shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
}

std::uint64_t ReadBig(const char* bytes, int size) {
  std::uint64_t value = 0;
  for (int i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

void AppendArrayHead(std::string& out, unsigned type, std::size_t size, bool has_null) {
  AppendBig<std::uint32_t>(out, size == 0 ? 0 : 1);  // dimensions
  AppendBig<std::uint32_t>(out, has_null ? 1 : 0);
  AppendBig<std::uint32_t>(out, type);
  if (size == 0) return;
  AppendBig<std::uint32_t>(out, static_cast<std::uint32_t>(size));
  AppendBig<std::uint32_t>(out, 1);  // of the first element
}

// The state in "FATAL:  28P01: password authentication failed", which is how a failure to connect
// tells it; "" when the server did not speak.
std::string StateIn(std::string_view message) {
  constexpr std::size_t kLength = 5;
  for (std::size_t at = message.find(":  "); at != std::string_view::npos;
       at = message.find(":  ", at + 1)) {
    const std::string_view rest = message.substr(at + 3);
    if (rest.size() <= kLength || rest[kLength] != ':') continue;
    const std::string_view state = rest.substr(0, kLength);
    if (std::ranges::all_of(state.begin(), state.end(), [](char c) {
          return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z');
        })) {
      return std::string(state);
    }
  }
  return "";
}

// One line of what the library said; where in the server's source it came from is for nobody.
std::string Words(const char* message) {
  std::vector<std::string> lines;
  for (const std::string_view line : Split(message == nullptr ? "" : message, '\n')) {
    const std::string_view text = Trim(line);
    if (!text.empty() && !text.starts_with("LOCATION:")) lines.emplace_back(text);
  }
  return Truncate(Redact(Join(lines, "; ")), kMaxCause);
}

Code CodeOf(std::string_view state) {
  static constexpr std::string_view kAgain[] = {"40001", "40P01", "55P03", "57014",
                                                "57P01", "57P02", "57P03", "57P05",
                                                "25006", "25P03", "53300"};
  const std::string_view kind = state.substr(0, 2);
  if (state.empty() || kind == "08" || std::ranges::find(kAgain, state) != std::end(kAgain)) {
    return Code::kConnectionError;
  }
  if (kind == "28" || kind == "3D" || kind == "3F" || state == "42501" || state == "42P01") {
    return Code::kConfigError;
  }
  if (kind == "53" || kind == "58" || kind == "XX") return Code::kIoError;
  if (kind == "22" || kind == "23" || kind == "54") return Code::kInvalidRequest;
  return Code::kInternal;
}

// Whatever it is that does not let us in, no statement is to blame for it.
Code CodeOfConnecting(std::string_view state) {
  const Code code = CodeOf(state);
  const bool of_statements = code == Code::kInvalidRequest || code == Code::kInternal;
  return of_statements ? Code::kConfigError : code;
}

// Whether another connection is needed before anything succeeds: this server stops, or it has
// become a standby.
bool IsOver(std::string_view state) {
  return state.starts_with("57P0") || state.starts_with("08") || state == "25006" ||
         state == "25P03";
}

std::string_view Advice(std::string_view state) {
  if (state == "53100") return "; its disk is full: make room there and go on";
  if (state.starts_with("28")) return "; check the user, the password and pg_hba.conf";
  if (state.starts_with("3D")) return "; create the database first (createdb)";
  if (state == "42501") return "; the user needs the right to do that";
  return "";
}

}  // namespace

std::string& PostgresArgs::Add(unsigned type) {
  Value& value = values_.emplace_back();
  value.type = type;
  return value.bytes;
}

PostgresArgs& PostgresArgs::Int(std::optional<std::int64_t> value) {
  std::string& bytes = Add(kInt8);
  if (value) AppendBig(bytes, static_cast<std::uint64_t>(*value));
  values_.back().null = !value;
  return *this;
}

PostgresArgs& PostgresArgs::Real(std::optional<double> value) {
  std::string& bytes = Add(kFloat8);
  if (value) AppendBig(bytes, std::bit_cast<std::uint64_t>(*value));
  values_.back().null = !value;
  return *this;
}

PostgresArgs& PostgresArgs::Text(std::string_view value) {
  Add(kText) = value;
  return *this;
}

PostgresArgs& PostgresArgs::Ints(std::span<const std::int64_t> values) {
  std::string& bytes = Add(kInt8Array);
  AppendArrayHead(bytes, kInt8, values.size(), false);
  for (const std::int64_t value : values) {
    AppendBig<std::uint32_t>(bytes, 8);
    AppendBig(bytes, static_cast<std::uint64_t>(value));
  }
  return *this;
}

PostgresArgs& PostgresArgs::Ints(std::span<const std::optional<std::int64_t>> values) {
  std::string& bytes = Add(kInt8Array);
  AppendArrayHead(bytes, kInt8, values.size(), true);
  for (const auto& value : values) {
    AppendBig<std::uint32_t>(bytes, value ? 8 : 0xFFFFFFFF);
    if (value) AppendBig(bytes, static_cast<std::uint64_t>(*value));
  }
  return *this;
}

PostgresArgs& PostgresArgs::Texts(std::span<const std::string_view> values) {
  std::string& bytes = Add(kTextArray);
  std::size_t size = 20;
  for (const std::string_view value : values) size += value.size() + 4;
  bytes.reserve(size);
  AppendArrayHead(bytes, kText, values.size(), false);
  for (const std::string_view value : values) {
    AppendBig(bytes, static_cast<std::uint32_t>(value.size()));
    bytes += value;
  }
  return *this;
}

int PostgresRows::size() const { return library_->ntuples(result_.get()); }

std::int64_t PostgresRows::Int(int row, int column) const {
  if (IsNull(row, column)) return 0;
  return static_cast<std::int64_t>(ReadBig(library_->getvalue(result_.get(), row, column), 8));
}

double PostgresRows::Real(int row, int column) const {
  return std::bit_cast<double>(Int(row, column));
}

std::string_view PostgresRows::Text(int row, int column) const {
  return {library_->getvalue(result_.get(), row, column),
          static_cast<std::size_t>(library_->getlength(result_.get(), row, column))};
}

bool PostgresRows::IsNull(int row, int column) const {
  return library_->getisnull(result_.get(), row, column) != 0;
}

std::int64_t PostgresRows::changed() const {
  return ParseInt(library_->cmdTuples(const_cast<PGresult*>(result_.get()))).value_or(0);
}

class Postgres::Core {
 public:
  Core(std::shared_ptr<const Libpq> pq, std::string where, const PostgresOptions& options)
      : pq_(std::move(pq)), where_(std::move(where)), options_(options) {}
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core() { Close(); }

  Result<void> Connect(const std::string& url);
  Result<PostgresRows> Run(std::string_view sql, const PostgresArgs& args);
  Result<void> Execute(const std::string& script, Duration deadline);
  Result<bool> Notified();

  bool broken() const { return connection_ == nullptr; }
  bool in_transaction() const {
    return connection_ != nullptr && pq_->transactionStatus(connection_) != PQTRANS_IDLE;
  }
  int socket() const { return broken() ? -1 : pq_->socket(connection_); }

 private:
  void Close() {
    if (connection_ != nullptr) pq_->finish(connection_);
    connection_ = nullptr;
  }
  std::unexpected<Error> Lost(std::string cause) {
    Close();
    return Fail(Code::kConnectionError, StrCat("the connection to ", where_, " was lost"),
                std::move(cause));
  }
  std::unexpected<Error> Lost() { return Lost(Words(pq_->errorMessage(connection_))); }
  std::unexpected<Error> Failed(const PGresult* result);
  // Until the socket is ready for one of `events`.
  Result<void> Wait(short events, TimePoint deadline, std::string_view what);
  // After something was sent: all of its results, the last of them.
  Result<PostgresRows> Answer(TimePoint deadline);
  Result<std::string> Prepare(std::string_view sql, const PostgresArgs& args, TimePoint deadline);

  const std::shared_ptr<const Libpq> pq_;
  const std::string where_;
  const PostgresOptions options_;
  const SystemClock clock_;
  PGconn* connection_ = nullptr;
  std::unordered_map<std::string, std::string> prepared_;  // statements and their names
  int last_name_ = 0;
};

Result<void> Postgres::Core::Wait(short events, TimePoint deadline, std::string_view what) {
  for (;;) {
    const Duration left = deadline - clock_.Now();
    if (left <= Duration::zero()) return Lost(StrCat("no answer in time: ", what));
    pollfd waiting{.fd = pq_->socket(connection_), .events = events, .revents = 0};
    const auto millis = std::chrono::ceil<std::chrono::milliseconds>(left).count();
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>(millis, 60'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return Lost(std::strerror(errno));
  }
}

Result<void> Postgres::Core::Connect(const std::string& url) {
  // A server that vanished is noticed by the kernel too, while nothing is asked of it.
  const char* keywords[] = {"dbname",
                            "client_encoding",
                            "fallback_application_name",
                            "keepalives_idle",
                            "keepalives_interval",
                            "keepalives_count",
                            "tcp_user_timeout",
                            nullptr};
  const char* values[] = {url.c_str(), "UTF8", "weir", "30", "10", "3", "30000", nullptr};
  connection_ = pq_->connectStartParams(keywords, values, 1);
  if (connection_ == nullptr) return Fail(Code::kInternal, "libpq is out of memory");
  // So that a failure to connect tells its code; there is no other way to learn it.
  pq_->setErrorVerbosity(connection_, PQERRORS_VERBOSE);
  pq_->setNoticeProcessor(connection_, [](void*, const char*) {}, nullptr);
  const TimePoint deadline = After(clock_.Now(), options_.connect);
  for (PostgresPollingStatusType next = PGRES_POLLING_WRITING; next != PGRES_POLLING_OK;
       next = pq_->connectPoll(connection_)) {
    if (next == PGRES_POLLING_FAILED || pq_->status(connection_) == CONNECTION_BAD) {
      const char* message = pq_->errorMessage(connection_);
      const std::string state = StateIn(message);
      auto failure = Fail(CodeOfConnecting(state),
                          StrCat("cannot connect to ", where_, Advice(state)), Words(message));
      Close();
      return failure;
    }
    WEIR_CHECK(Wait(next == PGRES_POLLING_READING ? POLLIN : POLLOUT, deadline, "connecting"));
  }
  pq_->setErrorVerbosity(connection_, PQERRORS_DEFAULT);
  if (pq_->setnonblocking(connection_, 1) != 0) return Lost();
  return {};
}

std::unexpected<Error> Postgres::Core::Failed(const PGresult* result) {
  const auto field = [&](int code) {
    const char* text = pq_->resultErrorField(result, code);
    return std::string(text == nullptr ? "" : text);
  };
  const std::string state = field(PG_DIAG_SQLSTATE);
  std::string cause = Truncate(Redact(field(PG_DIAG_MESSAGE_PRIMARY)), kMaxCause);
  if (state.empty()) return Lost(Words(pq_->errorMessage(connection_)));
  StrAppend(cause, " (", state, ")");
  if (IsOver(state)) Close();
  return Fail(CodeOf(state), StrCat("the server of ", where_, " refused", Advice(state)),
              std::move(cause));
}

Result<PostgresRows> Postgres::Core::Answer(TimePoint deadline) {
  for (;;) {
    const int flushed = pq_->flush(connection_);
    if (flushed < 0) break;  // the server may have said why: that is among its results
    if (flushed == 0) break;
    WEIR_CHECK(Wait(POLLIN | POLLOUT, deadline, "sending a statement"));
    if (pq_->consumeInput(connection_) == 0) break;
  }
  PostgresRows rows;
  rows.library_ = pq_;
  std::optional<Error> failure;
  for (;;) {
    while (pq_->isBusy(connection_) != 0) {
      WEIR_CHECK(Wait(POLLIN, deadline, "running a statement"));
      if (pq_->consumeInput(connection_) == 0) break;
    }
    PGresult* result = pq_->getResult(connection_);
    if (result == nullptr) break;
    const auto free = [pq = pq_](const PGresult* old) { pq->clear(const_cast<PGresult*>(old)); };
    rows.result_ = std::shared_ptr<const PGresult>(result, free);
    const ExecStatusType status = pq_->resultStatus(result);
    const bool fine =
        status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
    if (fine || failure) continue;
    failure = Failed(result).error();
    if (broken()) break;
  }
  if (failure) return Fail(std::move(*failure));
  if (pq_->status(connection_) == CONNECTION_BAD || rows.result_ == nullptr) return Lost();
  return rows;
}

Result<std::string> Postgres::Core::Prepare(std::string_view sql, const PostgresArgs& args,
                                            TimePoint deadline) {
  std::string& name = prepared_[std::string(sql)];
  if (!name.empty()) return name;
  std::vector<Oid> types;
  types.reserve(args.values_.size());
  for (const PostgresArgs::Value& value : args.values_) types.push_back(value.type);
  const std::string fresh = StrCat("weir", ++last_name_);
  if (pq_->sendPrepare(connection_, fresh.c_str(), std::string(sql).c_str(),
                       static_cast<int>(types.size()), types.data()) == 0) {
    return Lost();
  }
  WEIR_TRY(const PostgresRows prepared, Answer(deadline));
  name = fresh;
  return name;
}

Result<PostgresRows> Postgres::Core::Run(std::string_view sql, const PostgresArgs& args) {
  if (broken()) return Lost("it was closed");
  const TimePoint deadline = After(clock_.Now(), options_.statement);
  WEIR_TRY(const std::string name, Prepare(sql, args, deadline));
  std::vector<const char*> values;
  std::vector<int> lengths;
  for (const PostgresArgs::Value& value : args.values_) {
    values.push_back(value.null ? nullptr : value.bytes.data());
    lengths.push_back(static_cast<int>(value.bytes.size()));
  }
  const std::vector<int> binary(args.values_.size(), 1);
  if (pq_->sendQueryPrepared(connection_, name.c_str(), static_cast<int>(values.size()),
                             values.data(), lengths.data(), binary.data(), 1) == 0) {
    return Lost();
  }
  return Answer(deadline);
}

Result<void> Postgres::Core::Execute(const std::string& script, Duration deadline) {
  if (broken()) return Lost("it was closed");
  if (pq_->sendQuery(connection_, script.c_str()) == 0) return Lost();
  WEIR_TRY(const PostgresRows rows, Answer(After(clock_.Now(), deadline)));
  return {};
}

Result<bool> Postgres::Core::Notified() {
  if (broken()) return Lost("it was closed");
  if (pq_->consumeInput(connection_) == 0) return Lost();
  bool any = false;
  while (PGnotify* notice = pq_->notifies(connection_)) {
    pq_->freemem(notice);
    any = true;
  }
  // What ends a connection from the server's side stands there as a result, or the end does.
  if (pq_->status(connection_) == CONNECTION_BAD) return Lost();
  return any;
}

Postgres::Postgres(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Postgres::~Postgres() = default;

Result<std::string> Postgres::Describe(const std::string& url, const PostgresOptions& options) {
  WEIR_TRY(const Libpq pq, LoadLibpq(options.library));
  char* why = nullptr;
  PQconninfoOption* fields = pq.conninfoParse(url.c_str(), &why);
  if (fields == nullptr) {
    // Its words repeat the URL, or the part with the password.
    pq.freemem(why);
    return Fail(Code::kConfigError,
                "the URL of the store cannot be read; write "
                "postgres://USER:PASSWORD@HOST:PORT/DATABASE, where a @, :, / or % in a name or "
                "password is %40, %3A, %2F or %25");
  }
  std::string user;
  std::string host;
  std::string port;
  std::string database;
  for (const PQconninfoOption* field = fields; field->keyword != nullptr; ++field) {
    const std::string_view keyword = field->keyword;
    const std::string value = field->val == nullptr ? "" : field->val;
    if (keyword == "user") user = value;
    if (keyword == "host") host = value;
    if (keyword == "port") port = value;
    if (keyword == "dbname") database = value;
  }
  pq.conninfoFree(fields);
  return StrCat("postgres://", user, user.empty() ? "" : "@", host, port.empty() ? "" : ":", port,
                "/", database);
}

Result<std::unique_ptr<Postgres>> Postgres::Connect(const std::string& url,
                                                    const PostgresOptions& options) {
  WEIR_TRY(std::string where, Describe(url, options));
  WEIR_TRY(Libpq pq, LoadLibpq(options.library));
  auto core = std::make_unique<Core>(std::make_shared<const Libpq>(pq), std::move(where), options);
  WEIR_CHECK(core->Connect(url));
  return std::unique_ptr<Postgres>(new Postgres(std::move(core)));
}

Result<PostgresRows> Postgres::Run(std::string_view sql, const PostgresArgs& args) {
  return core_->Run(sql, args);
}
Result<void> Postgres::Execute(const std::string& script, std::optional<Duration> deadline) {
  return core_->Execute(script, deadline.value_or(std::chrono::seconds(30)));
}
bool Postgres::broken() const { return core_->broken(); }
bool Postgres::in_transaction() const { return core_->in_transaction(); }
int Postgres::socket() const { return core_->socket(); }
Result<bool> Postgres::Notified() { return core_->Notified(); }

}  // namespace weir::store
