// The files of a cassette: what they look like, and that no part of one passes for a whole.

#include "weir/http/cassette_file.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "weir/base/text.h"

namespace weir::http {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
namespace fs = std::filesystem;

RecordedExchange Sample() {
  RecordedExchange exchange;
  exchange.head = "POST /v1/models HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n";
  exchange.body = "{}";
  exchange.reply = "HTTP/1.1 200 OK\r\n\r\none\ntwo";
  exchange.pieces = {{.at = 1500us, .end = 19}, {.at = 1500us, .end = 23}, {.at = 2s, .end = 26}};
  exchange.end = RecordedExchange::End::kClosed;
  exchange.ended_at = 3s;
  return exchange;
}

constexpr std::string_view kSampleText =
    "weir-cassette 1\n"
    "request 56 2\n"
    "POST /v1/models HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n{}\n"
    "reply 1500 19\n"
    "HTTP/1.1 200 OK\r\n\r\n\n"
    "reply 1500 4\n"
    "one\n\n"
    "reply 2000000 3\n"
    "two\n"
    "end 3000000 closed\n";

class Folder {
 public:
  Folder() {
    char name[] = "/tmp/weir_cassette_file_test_XXXXXX";
    path_ = ::mkdtemp(name);
  }
  ~Folder() { fs::remove_all(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

void Spill(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

TEST(CassetteFile, ATextIsReadableAndReadsBack) {
  RecordedExchange sample = Sample();
  sample.pieces[0].end = 19;

  EXPECT_EQ(WriteExchange(sample), kSampleText);

  const Result<RecordedExchange> read = ReadExchange(kSampleText, "it", {});
  ASSERT_TRUE(read.has_value()) << read.error().message;
  EXPECT_EQ(*read, sample);
}

TEST(CassetteFile, NoBeginningOfAFileIsAFile) {
  for (std::size_t size = 0; size < kSampleText.size(); ++size) {
    const Result<RecordedExchange> read =
        ReadExchange(kSampleText.substr(0, size), "f.exchange", {});
    ASSERT_FALSE(read.has_value()) << size;
    EXPECT_EQ(read.error().code, Code::kIoError);
    EXPECT_THAT(read.error().message, HasSubstr("f.exchange is damaged at byte ")) << size;
    EXPECT_THAT(read.error().message, HasSubstr("ends ")) << size;
  }
}

TEST(CassetteFile, ADamagedFileNamesThePlace) {
  struct Case {
    std::string_view what;
    std::string_view with;
    std::string_view message;
  };
  const Case cases[] = {
      {"weir-cassette 1", "weir-cassette 2", "damaged at byte 0: it should begin with 'weir-cass"},
      {"weir-cassette 1", "HTTP/1.1 200 OK", "damaged at byte 0"},
      {"request 56 2", "request 56", "at byte 16: it should say 'request HEAD_BYTES BODY_BYTES'"},
      {"request 56 2", "request 056 2", "at byte 16"},
      {"request 56 2", "request 99999999999999999999 2", "at byte 16"},
      {"request 56 2", "request 99999999 2", "at byte 16"},
      {"request 56 2", "request 55 2", "at byte 86: it should have a line break here"},
      {"request 56 2", "request 56 900", "at byte 31: it ends before 956 bytes"},
      {"reply 1500 19", "reply 1500 0", "at byte 88: it should say 'reply MICROSECONDS BYTES'"},
      {"reply 1500 19", "reply -1 19", "at byte 88: it has a time that is none"},
      {"reply 1500 19", "reply 1500 77777777777", "at byte 88: it has a reply above the limit"},
      {"reply 2000000 3", "reply 1499 3", "earlier than the one before"},
      {"reply 2000000 3", "reply 9223372036854775807 3", "has a time that is none"},
      {"two\n", "two", "should have a line break"},
      {"two\n", "twoo\n", "should have a line break"},
      {"end 3000000 closed", "end 3000000 shut", "should end a reply with 'complete'"},
      {"closed\n", "closed\n\n", "goes on behind its end"},
      {"HTTP/1.1 200 OK\r\n\r\n\n", "", "should have a line break"},
  };
  for (const Case& c : cases) {
    std::string text(kSampleText);
    text.replace(text.find(c.what), c.what.size(), c.with);
    const Result<RecordedExchange> read = ReadExchange(text, "f", {});
    ASSERT_FALSE(read.has_value()) << c.with;
    EXPECT_THAT(read.error().message, HasSubstr(c.message)) << c.with;
  }
}

TEST(CassetteFile, EveryLimitIsKept) {
  EXPECT_TRUE(ReadExchange(kSampleText, "f", {.request_bytes = 2, .reply_bytes = 26, .pieces = 3}));
  EXPECT_FALSE(ReadExchange(kSampleText, "f", {.request_bytes = 1}));
  EXPECT_FALSE(ReadExchange(kSampleText, "f", {.reply_bytes = 25}));
  EXPECT_FALSE(ReadExchange(kSampleText, "f", {.pieces = 2}));

  const Folder folder;
  const std::string path = ExchangePath(folder.path(), 1);
  Spill(path, std::string(limits::kHeaderBytes + 500, 'x'));
  const CassetteLimits small = {.request_bytes = 0, .reply_bytes = 0, .pieces = 0};
  EXPECT_THAT(ReadExchangeFile(path, small).error().message, HasSubstr("longer than"));
}

TEST(CassetteFile, FilesAreListedByNumberAndOthersPassedOver) {
  const Folder folder;
  EXPECT_THAT(*ListExchanges(folder.path(), {}), IsEmpty());
  for (const std::size_t number : {10000, 2, 1, 9999}) {
    ASSERT_TRUE(WriteExchangeFile(ExchangePath(folder.path(), number), Sample()));
  }
  for (const char* name : {"0003.exchange.part", "3.exchange", "x.exchange", "notes.md"}) {
    Spill(StrCat(folder.path(), "/", name), "x");
  }

  const Result<std::vector<std::string>> paths = ListExchanges(folder.path(), {});

  ASSERT_TRUE(paths.has_value());
  EXPECT_THAT(*paths,
              ElementsAre(folder.path() + "/0001.exchange", folder.path() + "/0002.exchange",
                          folder.path() + "/9999.exchange", folder.path() + "/10000.exchange"));
  EXPECT_EQ(*ReadExchangeFile(paths->front(), {}), Sample());
  EXPECT_THAT(ListExchanges(folder.path(), {.exchanges = 3}).error().message,
              HasSubstr("more than the limit of 3"));
  EXPECT_THAT(ListExchanges(folder.path() + "/none", {}).error().message,
              HasSubstr("cannot read the folder"));
}

// Writes in a process of its own that may write `most` bytes into a file, and dies of more if
// `dies`. Whether it said that it succeeded.
bool WriteWithin(const std::string& path, std::size_t most, bool dies) {
  const pid_t child = ::fork();
  if (child == 0) {
    const rlimit no_core{.rlim_cur = 0, .rlim_max = 0};
    const rlimit limit{.rlim_cur = most, .rlim_max = most};
    ::setrlimit(RLIMIT_CORE, &no_core);
    ::setrlimit(RLIMIT_FSIZE, &limit);
    std::signal(SIGXFSZ, dies ? SIG_DFL : SIG_IGN);
    ::_exit(WriteExchangeFile(path, Sample()).has_value() ? 0 : 1);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(child, &status, 0), child);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(CassetteFile, AWriterThatDiesAtAnyByteLeavesNothingThatReads) {
  const Folder folder;
  const std::string path = ExchangePath(folder.path(), 1);
  for (std::size_t most = 0; most < kSampleText.size(); ++most) {
    EXPECT_FALSE(WriteWithin(path, most, true));
    EXPECT_THAT(*ListExchanges(folder.path(), {}), IsEmpty()) << most;
  }
  EXPECT_TRUE(WriteWithin(path, kSampleText.size(), true));
  EXPECT_EQ(*ReadExchangeFile(path, {}), Sample());
}

TEST(CassetteFile, AFullDiskIsAnErrorAndLeavesNoFile) {
  const Folder folder;
  const std::string path = ExchangePath(folder.path(), 1);
  for (const std::size_t most : {std::size_t{0}, std::size_t{1}, kSampleText.size() - 1}) {
    EXPECT_FALSE(WriteWithin(path, most, false));
    EXPECT_TRUE(fs::is_empty(folder.path())) << most;
  }
  const Result<void> nowhere = WriteExchangeFile(folder.path() + "/no/0001.exchange", Sample());
  EXPECT_THAT(nowhere.error().message, HasSubstr("cannot write the recording"));
  EXPECT_THAT(nowhere.error().cause, HasSubstr("No such file"));
}

}  // namespace
}  // namespace weir::http
