// Replies that are frozen byte for byte: tests/golden/sim/<dialect>/*.txt. A file is one
// conversation with a fresh simulator that answers by tests/golden/sim/script.yaml:
//
//   POST /v1/chat/completions HTTP/1.1
//   content-type: application/json
//
//   {"messages":[...]}
//
//   HTTP/1.1 200 OK
//   ...headers, without date and framing...
//
//   ...the body, as it is, and a line end...
//   ---- (a line of its own, before a further exchange)
//
// With WEIR_UPDATE_GOLDEN set, the replies in the files are replaced by those of today: whoever
// does that reads the difference before it is committed.

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/sim/sim_testing.h"

namespace weir::sim {
namespace {

const std::filesystem::path kFolder = "tests/golden/sim";  // below the root of the project
constexpr std::string_view kNext = "----\n";

std::string ReadAll(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return std::move(text).str();
}

struct GoldenExchange {
  std::string request;  // as in the file, with the empty line behind it
  std::string method;
  std::string path;
  std::string headers;
  std::string body;
  std::string reply;
};

// Cuts `text` at the first `mark` and returns what stood before it.
std::string TakeUntil(std::string_view& text, std::string_view mark) {
  const std::size_t end = std::min(text.find(mark), text.size());
  std::string taken(text.substr(0, end));
  text.remove_prefix(std::min(end + mark.size(), text.size()));
  return taken;
}

GoldenExchange ParseExchange(std::string_view text) {
  GoldenExchange exchange;
  std::string_view rest = text;
  const std::string head = TakeUntil(rest, "\n\n");
  exchange.body = TakeUntil(rest, "\n\n");
  exchange.request = text.substr(0, text.size() - rest.size());
  exchange.reply = rest;
  std::string_view lines = head;
  exchange.method = TakeUntil(lines, " ");
  exchange.path = TakeUntil(lines, " ");
  (void)TakeUntil(lines, "\n");
  while (!lines.empty()) StrAppend(exchange.headers, TakeUntil(lines, "\n"), "\r\n");
  return exchange;
}

std::vector<GoldenExchange> ParseFile(std::string_view text) {
  std::vector<GoldenExchange> exchanges;
  while (!text.empty()) {
    const std::size_t next = text.find(StrCat("\n", kNext));
    const std::size_t end = next == text.npos ? text.size() : next + 1;
    exchanges.push_back(ParseExchange(text.substr(0, end)));
    text.remove_prefix(next == text.npos ? end : end + kNext.size());
  }
  return exchanges;
}

std::string ReplyText(const HttpAnswer& answer) {
  std::string out;
  const std::string_view head =
      std::string_view(answer.wire).substr(0, answer.wire.find("\r\n\r\n"));
  for (std::string_view line : Split(head, '\n')) {
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::string lower = ToLower(line);
    if (lower.starts_with("date:") || lower.starts_with("connection:") ||
        lower.starts_with("content-length:") || lower.starts_with("transfer-encoding:")) {
      continue;
    }
    StrAppend(out, line, "\n");
  }
  StrAppend(out, "\n", answer.body, "\n");
  return out;
}

SimOptions GoldenServer(const std::string& dialect) {
  SimOptions options = InstantSim(ReadAll(kFolder / "script.yaml"));
  options.dialect = wire::DialectByName(dialect).value();
  options.deterministic = true;
  options.switches.prompt_tokens_details = false;  // as a server that was given no flags
  return options;
}

std::vector<std::filesystem::path> GoldenFiles() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(kFolder)) {
    if (entry.path().extension() == ".txt") files.push_back(entry.path());
  }
  std::ranges::sort(files);
  return files;
}

TEST(Golden, RepliesAreTheFrozenBytes) {
  const bool update = std::getenv("WEIR_UPDATE_GOLDEN") != nullptr;
  const std::vector<std::filesystem::path> files = GoldenFiles();
  ASSERT_FALSE(files.empty());
  for (const std::filesystem::path& file : files) {
    SCOPED_TRACE(file.string());
    SimServer server(GoldenServer(file.parent_path().filename().string()));
    std::string now;
    for (const GoldenExchange& exchange : ParseFile(ReadAll(file))) {
      const HttpAnswer answer =
          server.Send(exchange.method, exchange.path, exchange.body, exchange.headers);
      const std::string reply = ReplyText(answer);
      EXPECT_FALSE(answer.cut);
      if (!update) EXPECT_EQ(reply, exchange.reply);
      StrAppend(now, now.empty() ? std::string_view() : kNext, exchange.request, reply);
    }
    if (update) std::ofstream(file, std::ios::binary) << now;
  }
}

}  // namespace
}  // namespace weir::sim
