#include "weir/flow/folder.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/base/version.h"
#include "weir/flow/folder_core.h"
#include "weir/flow/folder_testing.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/store/files.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

const Result<model::Reply> kFailed = Fail(Code::kTimeout, "too slow");

class FolderTest : public testing::Test {
 protected:
  FolderTest() { fs::create_directories(root_); }
  ~FolderTest() override { fs::remove_all(root_); }

  static Identity Same(std::string_view flow = "a1b2") {
    return {*json::Read(StrCat(R"({"flow":")", flow, R"(","input":{"path":"rows.jsonl"}})"))};
  }
  Result<RunFolder> Create(FolderOptions options = {}) const {
    return RunFolder::Create(path_, graph_, Same(), *json::Read(R"({"flow":"it"})"),
                             std::move(options));
  }
  Result<RunFolder> Resume(const Identity& identity = Same(), FolderOptions options = {}) const {
    return RunFolder::Resume(path_, graph_, identity, std::move(options));
  }
  static RowRecord RowOf(std::uint64_t row, std::string_view json = R"({"name":"n"})") {
    const json::Value value = *json::Read(json);
    const std::string id = std::to_string(row);
    return {.row = row,
            .input_checksum = static_cast<std::uint32_t>(row + 100),
            .outputs = {{0, id, value}},
            .flat = {{id, {{0, value}}}}};
  }
  std::string Text(const std::string& file) const {
    return store::ReadFile(path_ + "/" + file, 1 << 20)->value_or("none");
  }
  json::Value Json(const std::string& file) const { return *json::Read(Text(file)); }
  std::vector<std::string> Names() const {
    std::vector<std::string> names;
    for (const auto& [name, text] : FilesBelow(path_)) names.push_back(name);
    return names;
  }

  const fs::path root_ =
      fs::temp_directory_path() / ("weir-run-" + std::to_string(::getpid()) + "-" +
                                   testing::UnitTest::GetInstance()->current_test_info()->name());
  const std::string path_ = (root_ / "runs/one").string();
  const Graph graph_ = FolderGraph();
};

TEST_F(FolderTest, ARunLeavesItsFiles) {
  ScriptOptions options{.rows = 4, .passes = 1};
  options.folder.max_lines_per_file = 3;
  ScriptedRun run(graph_, path_, options);
  ASSERT_TRUE(run.Go());

  EXPECT_THAT(Names(), ElementsAre("errors.jsonl", "extract/000.jsonl", "extract/001.jsonl",
                                   "flattened/000.jsonl", "flattened/001.jsonl", "graph.json",
                                   "label/000.jsonl", "label/001.jsonl", "metadata.json",
                                   "run.json", "scores/000.jsonl", "scores/001.jsonl"));
  EXPECT_EQ(Text("extract/001.jsonl"),
            "{\"row_id\":\"3.0\",\"name\":\"row 3\",\"inner\":{\"child\":\"0\",\"pass\":0},"
            "\"size\":3000}\n"
            "{\"row_id\":\"3.1\",\"name\":\"row 3\",\"inner\":{\"child\":\"1\",\"pass\":0},"
            "\"size\":3000}\n");
  EXPECT_THAT(Text("label/000.jsonl"),
              testing::StartsWith("{\"row_id\":\"0\",\"text\":\"label \\\"0\\\"\\nof 0\"}\n"));
  EXPECT_THAT(Text("scores/000.jsonl"),
              testing::StartsWith("{\"row_id\":\"0\",\"value\":[0,1.50,null]}\n"));
  EXPECT_EQ(Text("flattened/001.jsonl"),
            "{\"row_id\":\"3.1\",\"Extract.name\":\"row 3\",\"Extract.inner\":{\"child\":\"1\","
            "\"pass\":0},\"Extract.size\":3000,\"label\":\"label \\\"3\\\"\\nof 0\","
            "\"scores\":[3,1.50,null]}\n");
  EXPECT_EQ(Text("errors.jsonl"),
            "{\"row_id\":\"2\",\"node\":\"label\",\"error\":\"timeout\",\"class\":\"timeout\","
            "\"message\":\"row 2 took long\",\"skipped\":[\"scores\"],\"row\":2}\n");
  EXPECT_EQ(Text("graph.json"), GraphJson(graph_));
  EXPECT_EQ(json::Write(Json("metadata.json")),
            StrCat(R"({"format":"jsonl","generated_by":"weir )", kVersion,
                   R"(","splits":{"Extract":{"folder":"extract","lines":5,"files":2},)",
                   R"("label":{"folder":"label","lines":4,"files":2},)",
                   R"("scores":{"folder":"scores","lines":4,"files":2}},)",
                   R"("flattened":{"lines":4,"files":2},"errors":{"lines":1,"files":1}})"));
  EXPECT_EQ(json::Write(Json("run.json")),
            R"({"flow":"scripted","run_folder":1,"output":{"format":"jsonl",)"
            R"("max_lines_per_file":3,"flattened":true},"identity":{"flow":"a1b2","model":"m"},)"
            R"("state":"done","summary":{"written":4}})");
}

TEST_F(FolderTest, CsvHasAColumnForWhatTheFlowNamesAndOneForTheRest) {
  auto folder = Create({.format = OutputFormat::kCsv, .max_lines_per_file = 2});
  ASSERT_TRUE(folder) << folder.error().message;
  RowRecord row = RowOf(0, R"({"name":"a, \"b\"","size":null,"inner":{"x":[1]},"more":true})");
  row.outputs.push_back({1, "0", json::Value::Of("two\nlines")});
  row.outputs.push_back({2, "0", *json::Read(R"({"s":1.50,"t":""})")});
  ASSERT_TRUE(folder->Write(row));
  RowRecord next = RowOf(1);
  next.outputs.push_back({2, "1", *json::Read("[1]")});
  ASSERT_TRUE(folder->Write(next));
  ASSERT_TRUE(folder->Write(RowOf(2)));
  ASSERT_TRUE(folder->Close({}, true));

  EXPECT_EQ(Text("extract/000.csv"),
            "row_id,name,inner,size,extra\n"
            "0,\"a, \"\"b\"\"\",\"{\"\"x\"\":[1]}\",,\"{\"\"more\"\":true}\"\n"
            "1,n,,,\n");
  EXPECT_EQ(Text("extract/001.csv"), "row_id,name,inner,size,extra\n2,n,,,\n");
  EXPECT_EQ(Text("label/000.csv"), "row_id,text,extra\n0,\"two\nlines\",\n");
  EXPECT_EQ(Text("scores/000.csv"), "row_id,s,t,extra\n0,1.50,,\n1,,,\"{\"\"value\"\":[1]}\"\n");
  EXPECT_THAT(Text("flattened/000.csv"),
              testing::StartsWith("row_id,Extract.name,Extract.inner,Extract.size,label,"
                                  "Extract.more,extra\n"));
}

TEST_F(FolderTest, NamesThatAreTakenGetANumber) {
  Flow flow;
  for (const char* id : {"fooBar", "foo_bar", "Flattened", "Ledger", "HTTPReply2", "_x"}) {
    flow.nodes.push_back({.id = id, .what = Step{.user = {.text = "u"}}});
  }
  const auto graph = Graph::Compile(std::move(flow));
  ASSERT_TRUE(graph) << graph.error().message;
  std::vector<std::string> names;
  for (const OutputName& name : FolderLayout::Of(*graph, OutputFormat::kJsonLines).names) {
    names.push_back(name.name);
  }
  EXPECT_THAT(names, ElementsAre("foo_bar", "foo_bar_2", "flattened_2", "ledger_2", "http_reply2",
                                 "_x", "flattened", "errors", "attempts", ".carried"));
}

TEST_F(FolderTest, ARowIdInAnAnswerKeepsOutOfTheWay) {
  auto folder = Create();
  ASSERT_TRUE(folder->Write(RowOf(0, R"({"row_id":7})")));
  ASSERT_TRUE(folder->Close({}, true));

  EXPECT_EQ(Text("extract/000.jsonl"), "{\"row_id\":\"0\",\"row_id_\":7}\n");
}

TEST_F(FolderTest, AFolderThatIsInUseIsRefused) {
  {
    const auto first = Create();
    ASSERT_TRUE(first) << first.error().message;
    const auto resumed = Resume();
    ASSERT_FALSE(resumed);
    EXPECT_EQ(resumed.error().code, Code::kConfigError);
    EXPECT_THAT(resumed.error().message, HasSubstr(StrCat("by the process ", ::getpid())));
  }
  const auto again = Create();
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, Code::kConfigError);
  EXPECT_THAT(again.error().message,
              HasSubstr(StrCat(path_, " holds a run already; go on with it: weir run --resume ")));
  EXPECT_TRUE(Resume());

  fs::remove(path_ + "/run.json");
  EXPECT_TRUE(Create()) << "nothing was asked in it";
  fs::remove(path_ + "/run.json");
  std::ofstream(path_ + "/notes.txt") << "mine";
  EXPECT_THAT(Create().error().message, HasSubstr("is not empty (it has notes.txt)"));
}

TEST_F(FolderTest, ALedgerWithoutItsRunIsNotOverwritten) {
  ASSERT_TRUE(Create()->Record({.outcome = json::Value::Of("answer")}));
  fs::remove(path_ + "/run.json");

  const auto again = Create();
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("run.json is gone"));
}

TEST_F(FolderTest, ARunThatDiedAsItBeganIsBegunAgainAndNotResumed) {
  const auto told = [this] { return RunFolder::ReadRun(path_ + "/").error().message; };
  EXPECT_THAT(told(), HasSubstr("is no run"));
  ASSERT_TRUE(Create());
  fs::remove(path_ + "/run.json");
  EXPECT_THAT(told(),
              HasSubstr(StrCat("begin it again with the command that began it, with -o ", path_)));
  std::ofstream(path_ + "/other") << "x";
  EXPECT_THAT(told(), HasSubstr("is no run"));
  fs::remove(path_ + "/other");
  EXPECT_TRUE(Create());
}

TEST_F(FolderTest, AnotherRunIsNotGoneOnWith) {
  ASSERT_TRUE(Create());

  const auto changed = Resume(Same("c3d4"));
  ASSERT_FALSE(changed);
  EXPECT_EQ(changed.error().code, Code::kConfigError);
  EXPECT_THAT(changed.error().message,
              HasSubstr("this changed since it was begun: flow: \"a1b2\" is now \"c3d4\"."));
  const auto others = Resume({*json::Read(R"({"flow":"a1b2","input":{"path":"x"},"seed":1})")});
  ASSERT_FALSE(others);
  EXPECT_THAT(others.error().message,
              HasSubstr("input.path: \"rows.jsonl\" is now \"x\"; seed: nothing is now 1."));

  const auto none = RunFolder::ReadRun(root_.string());
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Code::kConfigError);
  EXPECT_EQ(RunFolder::ReadRun(path_ + "/")->Find("identity"), Same().members);
  fs::remove(path_ + "/ledger");
  EXPECT_THAT(Resume().error().message, HasSubstr("ledger is gone"));
}

TEST_F(FolderTest, AFileThatLostItsEndIsRefused) {
  {
    auto folder = Create({.max_lines_per_file = 1});
    for (int row = 0; row < 3; ++row) ASSERT_TRUE(folder->Write(RowOf(row)));
    ASSERT_TRUE(folder->Close({}, false));
  }
  const auto refusal = [&](const std::string& file, std::uintmax_t size) {
    const std::string path = path_ + "/" + file;
    const std::string before = Text(file);
    fs::resize_file(path, size);
    const auto resumed = Resume();
    std::ofstream(path) << before;
    return resumed ? "none" : resumed.error().message;
  };
  EXPECT_THAT(refusal("extract/002.jsonl", 5),
              HasSubstr("extract/002.jsonl has 5 bytes, and the run had brought 26 to the disk"));
  EXPECT_THAT(refusal("extract/000.jsonl", 5), HasSubstr("before the last one have 31 bytes"));
  EXPECT_EQ(refusal("extract/002.jsonl", 500), "none");
}

TEST_F(FolderTest, ARunGoesOnWhereItWas) {
  {
    auto folder = Create(
        {.format = OutputFormat::kCsv, .max_lines_per_file = 2, .flattened = false, .totals = [] {
           return "{\"calls\":3}";
         }});
    EXPECT_EQ(folder->progress().rows, 0U);
    EXPECT_TRUE(folder->progress().totals.IsNull());
    for (int row = 0; row < 3; ++row) ASSERT_TRUE(folder->Write(RowOf(row)));
    ASSERT_TRUE(folder->NoteCall({.row_id = "3", .node = graph_.all().front(), .reply = &kFailed}));
    ASSERT_TRUE(folder->Record({.row = 3, .child = "0.1", .outcome = json::Value::Of("known")}));
    ASSERT_TRUE(folder->Close(*json::Read("{\"rows\":3}"), false));
  }
  EXPECT_EQ(Json("run.json").Find("state").AsString(), "stopped");
  EXPECT_EQ(Json("run.json").Find("summary").Find("rows").AsInt64(), 3);
  {
    // The options of the run stand, whatever is said now.
    auto folder = Resume(Same(), {.max_lines_per_file = 99});
    ASSERT_TRUE(folder) << folder.error().message;
    EXPECT_EQ(Json("run.json").Find("state").AsString(), "running");
    const Progress& progress = folder->progress();
    EXPECT_EQ(progress.rows, 3U);
    EXPECT_EQ(progress.input_checksum, 102U);
    EXPECT_EQ(progress.totals.Find("calls").AsInt64(), 3);
    EXPECT_FALSE(progress.finished);
    const Finished* known = folder->Recorded(0, 3, "0.1", 0);
    ASSERT_NE(known, nullptr);
    EXPECT_EQ(std::get<json::Value>(known->outcome).AsString(), "known");
    EXPECT_EQ(folder->Recorded(0, 3, "", 0), nullptr);
    ASSERT_TRUE(folder->Write(RowOf(3)));
    EXPECT_EQ(folder->Recorded(0, 3, "0.1", 0), nullptr);
    ASSERT_TRUE(folder->Write(RowOf(4)));
    ASSERT_TRUE(folder->Close({}, true));
  }
  EXPECT_EQ(Text("extract/001.csv"), "row_id,name,inner,size,extra\n2,n,,,\n3,n,,,\n");
  EXPECT_EQ(Text("extract/002.csv"), "row_id,name,inner,size,extra\n4,n,,,\n");
  EXPECT_EQ(
      Text("attempts.jsonl"),
      "{\"row_id\":\"3\",\"node\":\"Extract\",\"error\":\"timeout\",\"attempts\":1,\"ms\":0}\n");
  EXPECT_FALSE(fs::exists(path_ + "/flattened"));
  EXPECT_TRUE(Resume()->progress().finished);
  EXPECT_EQ(Json("run.json").Find("state").AsString(), "done");
}

// It was recorded, and the process killed before the next note.
TEST_F(FolderTest, AFailureBehindTheLastNoteIsTriedAgain) {
  const FolderOptions again{.retry_failed = true};
  ASSERT_TRUE(Create()->Record({.row = 0, .outcome = json::Value::Of("answer")}));
  EXPECT_EQ(Resume(Same(), again)->rounds(), 0);

  ASSERT_TRUE(Resume()->Record({.row = 1, .outcome = Error{.code = Code::kTimeout}}));
  EXPECT_EQ(Resume(Same(), again)->rounds(), 1);
}

TEST_F(FolderTest, APassHandsItsRowsToTheNext) {
  const auto carry = [](std::uint64_t row, const char* line) {
    RowRecord record = RowOf(row);
    record.carried = {line};
    return record;
  };
  {
    auto folder = Create();
    ASSERT_TRUE(folder->Write(carry(0, "{\"a\":0}")));
    EXPECT_EQ(*folder->EndPass(), path_ + "/.carried/000.jsonl");
    EXPECT_EQ(Text(".carried/000.jsonl"), "{\"a\":0}\n");
    ASSERT_TRUE(folder->Write(carry(0, "{\"a\":1}")));
    EXPECT_EQ(*folder->EndPass(), path_ + "/.carried/001.jsonl");
    EXPECT_THAT(Text(".carried/000.jsonl"), "none");
  }
  {
    auto folder = Resume();
    ASSERT_TRUE(folder) << folder.error().message;
    EXPECT_EQ(folder->progress().pass, 2U);
    EXPECT_EQ(folder->progress().rows, 0U);
    EXPECT_EQ(folder->progress().carried, path_ + "/.carried/001.jsonl");
    EXPECT_EQ(Text(".carried/001.jsonl"), "{\"a\":1}\n");
    EXPECT_EQ(*folder->EndPass(), path_ + "/.carried/002.jsonl");
    EXPECT_EQ(Text(".carried/002.jsonl"), "");
    ASSERT_TRUE(folder->Close({}, true));
  }
  EXPECT_FALSE(fs::exists(path_ + "/.carried"));
}

TEST_F(FolderTest, NoFileHoldsAKey) {
  auto folder = RunFolder::Create(
      path_, graph_, Same(), *json::Read(R"({"engines":{"e":{"api_key":"verysecret1"}}})"), {});
  ASSERT_TRUE(folder);
  RowRecord row = RowOf(0);
  row.errors = {{"0",
                 "Extract",
                 Error{.code = Code::kHttpStatus,
                       .message = "refused Bearer verysecret1",
                       .http_status = 401,
                       .cause = "api_key=verysecret1"},
                 {}}};
  ASSERT_TRUE(folder->Write(row));
  ASSERT_TRUE(folder->Close(*json::Read(R"({"api_key":"verysecret1"})"), true));

  for (const auto& [name, text] : FilesBelow(path_)) {
    EXPECT_THAT(text, Not(HasSubstr("verysecret1"))) << name;
  }
  EXPECT_THAT(Text("errors.jsonl"), HasSubstr("\"error\":\"http_401\",\"class\":\"auth\""));
  EXPECT_THAT(Text("errors.jsonl"), HasSubstr("\"http_status\":401"));
}

TEST_F(FolderTest, WhatMayNotBeIsABug) {
  auto folder = Create();
  ASSERT_TRUE(folder->Write(RowOf(5)));
  EXPECT_EQ(folder->Write(RowOf(5)).error().code, Code::kInternal);
  RowRecord row = RowOf(6);
  row.outputs[0].node = 3;
  EXPECT_EQ(folder->Write(row).error().code, Code::kInternal);
  ASSERT_TRUE(folder->Close({}, true));
  EXPECT_EQ(folder->Write(RowOf(7)).error().code, Code::kInternal);
  EXPECT_EQ(folder->Record({}).error().code, Code::kInternal);
  EXPECT_EQ(folder->Close({}, true).error().code, Code::kInternal);
}

TEST_F(FolderTest, AFailureIsKeptAndSaysHowToGoOn) {
  auto folder = Create();
  std::ofstream(path_ + "/extract") << "in the way";
  ASSERT_TRUE(folder->Write(RowOf(0)));

  for (int i = 0; i < 2; ++i) {
    const Result<void> closed = folder->Close({}, true);
    ASSERT_FALSE(closed);
    EXPECT_EQ(closed.error().code, Code::kIoError);
    EXPECT_THAT(closed.error().message, HasSubstr("cannot make the folder"));
  }
  EXPECT_EQ(folder->Record({}).error().code, Code::kIoError);
  EXPECT_EQ(folder->Write(RowOf(1)).error().code, Code::kIoError);
}

// More than the buffer holds waits for the disk and comes there.
TEST_F(FolderTest, ASmallBufferHoldsNothingBack) {
  auto folder = Create({.flush_every = std::chrono::hours(1), .max_buffered_bytes = 100});
  for (int row = 0; row < 200; ++row) {
    ASSERT_TRUE(folder->Write(RowOf(row)));
    ASSERT_TRUE(folder->NoteCall({.row_id = "1", .node = graph_.all().front(), .reply = &kFailed}));
  }
  ASSERT_TRUE(folder->Close({}, true));

  EXPECT_EQ(std::ranges::count(Text("extract/000.jsonl"), '\n'), 200);
  EXPECT_EQ(std::ranges::count(Text("attempts.jsonl"), '\n'), 200);
}

}  // namespace
}  // namespace weir::flow
