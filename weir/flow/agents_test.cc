#include "weir/flow/agents.h"

#include <filesystem>

#include <gmock/gmock.h>

#include "weir/agent/agent_testing.h"
#include "weir/agent/workspace/review.h"
#include "weir/flow/run_testing.h"
#include "weir/json/writer.h"

namespace weir::flow {
namespace {

namespace fs = std::filesystem;
using agent::Calls;
using agent::Submits;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* kFlow = R"(
nodes:
  - agent: edit
    user: "{{ path }}"
    tools: [read_file, write_file]
)";

// Agents of one flow, over a folder with a source and a run.
class AgentsTest : public RunTest {
 protected:
  AgentsTest() {
    fs::create_directories(Path("source"));
    fs::create_directories(Path("run"));
    Write("source/a.txt", "one\n");
    Write("run/run.json", "{}");
    Load(kFlow);
  }

  void Load(const std::string& yaml) {
    Result<Flow> flow = ReadFlowText(yaml, Path("source/flow.yaml"));
    ASSERT_TRUE(flow) << flow.error().message;
    Result<Graph> graph = Graph::Compile(*std::move(flow));
    ASSERT_TRUE(graph) << graph.error().message;
    graph_ = std::make_unique<Graph>(*std::move(graph));
  }

  const GraphNode& node() const { return *graph_->all()[0]; }

  Result<void> Open() {
    agents_ = std::make_unique<Agents>(*graph_, options_, Path("run"));
    return loop_.Run(agents_->Open(ctx_));
  }

  static Traveller Row(std::string_view id) {
    Traveller row;
    row.id = id;
    row.row = *json::Read(R"({"path":"src/a.py","name":"Account.pay","kind":"method"})");
    return row;
  }

  AgentWork WorkOn(const Traveller& row) const {
    AgentWork work{.node = &node()};
    work.row_id = row.id;
    work.key = agents_->KeyOf(row);
    work.row = row.row;
    work.call.messages = {model::Message::Text(model::Role::kUser, "edit")};
    return work;
  }

  agent::WorkResult Work(const Traveller& row, std::deque<model::ScriptedAnswer> answers) {
    model::ScriptedEngine engine(std::move(answers));
    AgentWork work = WorkOn(row);
    work.engine = &engine;
    Agents::Worked worked = loop_.Run(agents_->Work(ctx_, std::move(work)));
    hindrance_ = worked.hindrance;
    return std::move(worked.result);
  }

  void Forget(const Traveller& row, Agents::Ending ending) {
    EXPECT_TRUE(loop_.Run(agents_->Forget(ctx_, node(), agents_->KeyOf(row), {}, ending)));
  }

  std::vector<std::string> Pending() const {
    std::vector<std::string> rows;
    const auto review = agent::Review::Look(Path("run"));
    EXPECT_TRUE(review) << review.error().message;
    for (const agent::ReviewItem& item : (*review)->items()) {
      rows.push_back(StrCat(item.row, " ", item.title, " ", item.changes.size()));
    }
    return rows;
  }

  async::Loop loop_;
  async::Context ctx_{loop_};
  std::unique_ptr<Agents> agents_;
  Agents::Hindrance hindrance_ = Agents::Hindrance::kNone;  // of the last work
};

model::ScriptedAnswer Writes(std::string_view text) {
  return Calls({{"write_file", StrCat(R"({"path":"a.txt","text":")", text, "\"}")}});
}

TEST_F(AgentsTest, WhatAnAgentChangedWaitsForTheReviewUnderItsTitle) {
  ASSERT_TRUE(Open());
  const agent::WorkResult result = Work(Row("7f"), {Writes("two"), Submits()});
  ASSERT_TRUE(result.submission) << result.submission.error().message;
  Forget(Row("7f"), Agents::Ending::kDone);
  EXPECT_THAT(Pending(), ElementsAre("7f src/a.py:Account.pay 1"));
  EXPECT_EQ(Lines("a.txt", "source"), "one\n");
  EXPECT_THAT(Lines("agents/edit/7f.json", "run"), HasSubstr(R"("agent": "edit/7f")"));
  EXPECT_FALSE(fs::exists(Path("run/agents/edit/7f.0.journal")));
}

TEST_F(AgentsTest, FieldsOfTheRowReachToolsThatAreNarrowedToThem) {
  Load(R"(
nodes:
  - agent: edit
    user: "{{ path }}"
    tools:
      - builtin: edit_file
        args: {type: object, required: [old, new], properties: {old: {}, new: {}}}
      - {name: see, exec: [cat], inputs: {kind: fixed}, args: {properties: {name: {}}}}
)");
  ASSERT_TRUE(Open());
  Traveller row = Row("1");
  row.row = *json::Read(R"({"path":"a.txt","name":"pay","kind":"method","workspace":"none"})");
  const agent::WorkResult result =
      Work(row, {Calls({{"edit_file", R"({"old":"one","new":"two","path":"flow.yaml"})"}}),
                 Calls({{"see", R"({"row":{},"path":"b.txt"})"}}), Submits()});
  ASSERT_TRUE(result.submission) << result.submission.error().message;
  EXPECT_THAT(result.messages[2].AllText(), HasSubstr("a.txt"));
  const auto seen = json::Read(result.messages[4].AllText());
  ASSERT_TRUE(seen) << result.messages[4].AllText();
  EXPECT_EQ(seen->Find("path").StringOr(""), "a.txt");
  EXPECT_EQ(seen->Find("kind").StringOr(""), "fixed");
  EXPECT_FALSE(seen->Find("name").exists()) << "`args` leaves it to the model";
  EXPECT_EQ(json::Write(seen->Find("row")), json::Write(row.row));
  EXPECT_TRUE(fs::path(seen->Find("workspace").StringOr("")).is_absolute());
}

TEST_F(AgentsTest, TheCheckpointOfAFailedAttemptTellsWhatItTook) {
  ASSERT_TRUE(Open());
  const Traveller row = Row("1");
  EXPECT_FALSE(agents_->FiguresOf(WorkOn(row)));
  const agent::WorkResult result = Work(row, {Writes("two"), model::Says("no")});
  EXPECT_FALSE(result.submission);
  const auto figures = agents_->FiguresOf(WorkOn(row));
  ASSERT_TRUE(figures);
  EXPECT_EQ(figures->turns, result.figures.turns - 1) << "all but the turn that failed";
  EXPECT_EQ(figures->tool_calls, 1);
  Forget(row, Agents::Ending::kFailed);
  EXPECT_FALSE(agents_->FiguresOf(WorkOn(row)));
  EXPECT_EQ(agents_->BrokenOff(node(), "1", {}), std::nullopt);
}

TEST_F(AgentsTest, OfWorkThatFailedOnlyTheTranscriptIsLeft) {
  ASSERT_TRUE(Open());
  EXPECT_FALSE(Work(Row("1"), {model::Says("no")}).submission);
  EXPECT_EQ(agents_->BrokenOff(node(), "1", {}), 0);
  Forget(Row("1"), Agents::Ending::kFailed);
  EXPECT_EQ(agents_->BrokenOff(node(), "1", {}), std::nullopt);
  EXPECT_THAT(Pending(), IsEmpty());
  EXPECT_THAT(Lines("agents/edit/1.json", "run"), HasSubstr("no_submit"));
}

TEST_F(AgentsTest, WorkThatIsGivenUpLeavesWhatWasThereBefore) {
  ASSERT_TRUE(Open());
  ASSERT_TRUE(Work(Row("1"), {Writes("two"), Submits()}).submission);
  Forget(Row("1"), Agents::Ending::kDone);
  EXPECT_FALSE(Work(Row("1"), {Writes("three"), model::Says("no")}).submission);
  Forget(Row("1"), Agents::Ending::kGivenUp);
  EXPECT_THAT(Pending(), SizeIs(1));
  EXPECT_EQ(Lines("workspaces/edit/1.kept/a.txt", "run"), "two");
}

TEST_F(AgentsTest, ARowAndAChildOfTheSameNameHaveTheirOwnWork) {
  ASSERT_TRUE(Open());
  const Traveller child = Row("a").Child(0);
  ASSERT_TRUE(Work(child, {Writes("child"), Submits()}).submission);
  ASSERT_TRUE(Work(Row("a.0"), {Writes("row"), Submits()}).submission);
  EXPECT_EQ(Lines("workspaces/edit/a.0.kept/a.txt", "run"), "child");
  EXPECT_EQ(Lines("workspaces/edit/a.0..kept/a.txt", "run"), "row");
  EXPECT_THAT(Pending(), SizeIs(2));
}

TEST_F(AgentsTest, AFolderOfAnEarlierVersionGoesOnWithIds) {
  fs::create_directories(Path("run/agents"));
  ASSERT_TRUE(Open());
  EXPECT_EQ(agents_->KeyOf(Row("a.0")), "a.0");
  fs::remove_all(Path("run/agents"));
  ASSERT_TRUE(Open());
  EXPECT_EQ(agents_->KeyOf(Row("a.0")), "a.0.");
  ASSERT_TRUE(Open()) << "once more";
  EXPECT_EQ(agents_->KeyOf(Row("a.0")), "a.0.");
}

TEST_F(AgentsTest, OnlyRowsOfBuiltInToolsShareTheFilesOfTheSnapshot) {
  const auto shares = [&](const std::string& tools) {
    fs::remove_all(Path("run/agents"));
    fs::remove_all(Path("run/workspaces"));
    Load(StrCat("nodes: [{agent: edit, user: x, workspace: copy, tools: ", tools, "}]"));
    EXPECT_TRUE(Open());
    bool shared = false;
    const auto look = [&](const Result<model::Reply>&, Duration) {
      shared =
          fs::equivalent(Path("run/workspaces/base/a.txt"), Path("run/workspaces/edit/1/a.txt"));
    };
    model::ScriptedEngine engine({Submits()});
    const Traveller row = Row("1");
    AgentWork work{.node = &node(), .engine = &engine, .row_id = "1", .key = "1", .row = row.row};
    work.call.messages = {model::Message::Text(model::Role::kUser, "edit")};
    work.on_answer = look;
    EXPECT_TRUE(loop_.Run(agents_->Work(ctx_, std::move(work))).result.submission);
    return shared;
  };
  EXPECT_TRUE(shares("[read_file, write_file, edit_file, list_files, search_text]"));
  EXPECT_FALSE(shares("[write_file, {builtin: run_command, allow: [ls]}]"));
  EXPECT_FALSE(shares("[write_file, {name: t, exec: [ls]}]"));
  EXPECT_FALSE(shares("[{builtin: write_file, context: [[ls]]}]"));
}

// A file in the way stands for a disk that takes no folder.
TEST_F(AgentsTest, ADiskThatFailsIsNoFaultOfTheRow) {
  ASSERT_TRUE(Open());
  const std::string in_the_way = "run/workspaces/edit";
  Write(in_the_way, "");
  EXPECT_FALSE(Work(Row("1"), {Submits()}).submission) << "no copy";
  EXPECT_EQ(hindrance_, Agents::Hindrance::kDisk);
  fs::remove(Path(in_the_way));
  fs::create_directories(Path("run/agents/edit/2.0.journal"));
  EXPECT_FALSE(Work(Row("2"), {Submits()}).submission) << "no checkpoint";
  EXPECT_EQ(hindrance_, Agents::Hindrance::kDisk);
  EXPECT_FALSE(Work(Row("3"), {model::Says("no")}).submission);
  EXPECT_EQ(hindrance_, Agents::Hindrance::kNone) << "the row's own";
  EXPECT_TRUE(Work(Row("1"), {Submits()}).submission) << "there is room again";
}

TEST_F(AgentsTest, ACheckpointThatIsDamagedIsTheRowsOwn) {
  ASSERT_TRUE(Open());
  Write("run/agents/edit/1.0.journal", "no journal at all, but something");
  EXPECT_FALSE(Work(Row("1"), {Submits()}).submission);
  EXPECT_EQ(hindrance_, Agents::Hindrance::kNone);
}

TEST_F(AgentsTest, ARowThatAnotherProcessWorksOnIsLeftToIt) {
  ASSERT_TRUE(Open());
  const std::string journal = Path("run/agents/edit/1.0.journal");
  const auto held = agent::Checkpoint::Open(journal, 1);
  ASSERT_TRUE(held);
  const agent::WorkResult result = Work(Row("1"), {});
  ASSERT_FALSE(result.submission);
  EXPECT_THAT(result.submission.error().message, HasSubstr("is in use by the process"));
  EXPECT_EQ(hindrance_, Agents::Hindrance::kElsewhere);
  EXPECT_FALSE(fs::exists(Path("run/agents/edit/1.json"))) << "it has not ended";
}

TEST_F(AgentsTest, TwoSourcesInOneRunAreRefused) {
  fs::create_directories(Path("source/other"));
  Load(
      "nodes:\n  - {agent: one, user: x, tools: [write_file]}\n"
      "  - {agent: two, user: x, tools: [write_file], workspace: {source: other}}\n");
  const Result<void> opened = Open();
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("one source in one way"));
}

}  // namespace
}  // namespace weir::flow
