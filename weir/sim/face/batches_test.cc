#include "weir/wire/batches.h"

#include <memory>

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/http/multipart.h"
#include "weir/json/reader.h"
#include "weir/json/writer.h"
#include "weir/sim/sim_testing.h"

namespace weir::sim {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

SimOptions OpenAi(std::string_view script = "") {
  SimOptions options = InstantSim(script);
  options.dialect = wire::DialectByName("openai").value();
  return options;
}

std::string Body(std::string_view content) {
  return StrCat(R"({"model":"sim-model","messages":[{"role":"user","content":")", content,
                R"("}],"max_tokens":5})");
}

std::string Line(std::string_view id, std::string_view content, std::string_view url = kChatPath) {
  return StrCat(R"({"custom_id":")", id, R"(","method":"POST","url":")", url, R"(","body":)",
                Body(content), "}\n");
}

HttpAnswer Upload(SimServer& server, std::string_view text, std::string_view purpose = "batch",
                  std::string_view name = "in.jsonl") {
  const std::string form =
      StrCat(http::FormField("B", "purpose", purpose),
             http::FormFileHead("B", "file", name, "application/jsonl"), text, http::FormEnd("B"));
  return server.Send("POST", "/v1/files", form,
                     "content-type: multipart/form-data; boundary=B\r\n");
}

wire::BatchObject Create(SimServer& server, std::string_view text,
                         std::string_view endpoint = kChatPath) {
  const std::string file = wire::DecodeFile(Upload(server, text).body).value().id;
  const HttpAnswer answer =
      server.Post("/v1/batches", wire::EncodeBatchOrder({.input_file_id = file,
                                                         .endpoint = std::string(endpoint),
                                                         .metadata = {{"who", "test"}}}));
  EXPECT_EQ(answer.status, 200) << answer.body;
  return wire::DecodeBatch(answer.body).value();
}

wire::BatchObject Get(SimServer& server, const std::string& id) {
  return wire::DecodeBatch(server.Get("/v1/batches/" + id).body).value();
}

wire::BatchObject EndedBatch(SimServer& server, std::string_view text,
                             std::string_view endpoint = kChatPath) {
  wire::BatchObject batch = Create(server, text, endpoint);
  while (!batch.ended()) batch = Get(server, batch.id);
  return batch;
}

std::vector<json::Value> Lines(SimServer& server, const std::string& file) {
  std::vector<json::Value> lines;
  if (file.empty()) return lines;
  const HttpAnswer answer = server.Get(StrCat("/v1/files/", file, "/content"));
  EXPECT_EQ(answer.status, 200);
  for (const std::string_view line : Split(answer.body, '\n')) {
    if (!line.empty()) lines.push_back(json::Read(line).value());
  }
  return lines;
}

std::vector<std::string> Ids(const std::vector<json::Value>& lines) {
  std::vector<std::string> ids;
  for (const json::Value& line : lines) ids.emplace_back(line.Find("custom_id").StringOr(""));
  return ids;
}

TEST(SimBatches, ABatchSaysWhatDirectCallsSay) {
  for (const std::string_view dialect : {"openai", "vllm-latest"}) {
    SCOPED_TRACE(dialect);
    SimOptions options = InstantSim();
    options.dialect = wire::DialectByName(dialect).value();
    SimServer server(options);
    std::string text;
    for (int i = 0; i < 40; ++i) text += Line(StrCat("r", i), StrCat("question ", i));

    const wire::BatchObject batch = EndedBatch(server, text);

    EXPECT_EQ(batch.status, "completed");
    EXPECT_EQ(batch.counts, (wire::BatchCounts{.total = 40, .completed = 40}));
    EXPECT_EQ(batch.error_file_id, "");
    EXPECT_EQ(batch.metadata.at("who"), "test");
    for (const char* moment : {"expires_at", "in_progress_at", "finalizing_at", "completed_at"}) {
      EXPECT_TRUE(batch.times.contains(moment)) << moment;
    }
    const std::vector<json::Value> lines = Lines(server, batch.output_file_id);
    ASSERT_EQ(lines.size(), 40U);
    std::vector<std::string> in_order;
    for (const json::Value& line : lines) {
      const std::string id(line.Find("custom_id").StringOr(""));
      in_order.push_back(StrCat("r", in_order.size()));
      EXPECT_TRUE(line.Find("error").IsNull());
      const json::View response = line.Find("response");
      EXPECT_EQ(response.Find("status_code").AsInt64(), 200);
      const json::Value direct =
          json::Read(server.Post(kChatPath, Body(StrCat("question ", id.substr(1)))).body).value();
      EXPECT_EQ(response.Find("body").Find("choices"), direct.Find("choices"));
    }
    EXPECT_NE(Ids(lines), in_order) << "as with a provider, the order is not the input's";
  }
}

TEST(SimBatches, EveryApiCanBeABatch) {
  SimServer server(OpenAi());
  struct Api {
    std::string_view url;
    std::string_view body;
  };
  const Api apis[] = {
      {"/v1/completions", R"({"model":"sim-model","prompt":"hi","max_tokens":3})"},
      {"/v1/embeddings", R"({"model":"sim-model","input":"hi"})"},
      {"/v1/responses", R"({"model":"sim-model","input":"hi"})"},
  };
  for (const Api& api : apis) {
    const std::string line = StrCat(R"({"custom_id":"a","method":"POST","url":")", api.url,
                                    R"(","body":)", api.body, "}\n");
    const wire::BatchObject batch = EndedBatch(server, line, api.url);
    EXPECT_EQ(batch.counts, (wire::BatchCounts{.total = 1, .completed = 1})) << api.url;
  }
}

TEST(SimBatches, EachFaultIsALineOfTheErrorFile) {
  SimServer server(OpenAi(R"(
- {match: {contains: busy}, reply: {error: {status: 429, message: slow down}}}
- {match: {contains: reset}, reply: {faults: [{kind: reset}]}}
- {match: {contains: page}, reply: {html: "<html>"}}
)"));

  const wire::BatchObject batch = EndedBatch(
      server, Line("a", "busy") + Line("b", "reset") + Line("c", "page") + Line("d", "fine"));

  EXPECT_EQ(batch.status, "completed");
  EXPECT_EQ(batch.counts, (wire::BatchCounts{.total = 4, .completed = 1, .failed = 3}));
  EXPECT_THAT(Ids(Lines(server, batch.output_file_id)), ElementsAre("d"));
  const std::vector<json::Value> errors = Lines(server, batch.error_file_id);
  EXPECT_THAT(Ids(errors), UnorderedElementsAre("a", "b", "c"));
  for (const json::Value& line : errors) {
    if (line.Find("custom_id").StringOr("") == "a") {
      EXPECT_EQ(line.Find("response").Find("status_code").AsInt64(), 429);
      EXPECT_EQ(line.Find("response").Find("body").Find("error").Find("message").StringOr(""),
                "slow down");
    } else {
      EXPECT_TRUE(line.Find("response").IsNull());
      EXPECT_EQ(line.Find("error").Find("code").StringOr(""), "server_error");
    }
  }
}

TEST(SimBatches, ABadFileFailsWithTheNumbersOfItsLines) {
  SimServer server(OpenAi());
  const wire::BatchObject batch = EndedBatch(
      server, Line("a", "x") + "{nonsense\n" + Line("a", "y") + Line("b", "z", "/v1/completions"));

  EXPECT_EQ(batch.status, "failed");
  ASSERT_EQ(batch.errors.size(), 3U);
  EXPECT_EQ(batch.errors[0].code, "invalid_json_line");
  EXPECT_EQ(batch.errors[0].line, 2);
  EXPECT_EQ(batch.errors[1].code, "duplicate_custom_id");
  EXPECT_EQ(batch.errors[1].line, 3);
  EXPECT_EQ(batch.errors[2].code, "url_mismatch");
  EXPECT_EQ(batch.errors[2].line, 4);
  EXPECT_EQ(batch.counts, wire::BatchCounts());
  EXPECT_EQ(batch.output_file_id, "");
  EXPECT_TRUE(batch.times.contains("failed_at"));
}

TEST(SimBatches, LimitsOfABatchHold) {
  SimOptions options = OpenAi();
  options.batches.max_requests = 2;
  options.batches.max_file_bytes = 1000;
  SimServer server(options);
  EXPECT_EQ(EndedBatch(server, Line("a", "") + Line("b", "") + Line("c", "")).errors[0].code,
            "too_many_tasks");
  EXPECT_EQ(EndedBatch(server, "\n").errors[0].code, "empty_file");
  const HttpAnswer large = Upload(server, std::string(1001, 'x'));
  EXPECT_EQ(large.status, 413);
  EXPECT_THAT(large.body, HasSubstr("1001 bytes read"));
}

TEST(SimBatches, ModelsAreNotMixed) {
  SimServer server(OpenAi());
  std::string other = Line("b", "x");
  other.replace(other.find("sim-model"), 9, "sql");
  const wire::BatchObject batch = EndedBatch(server, Line("a", "x") + other);
  ASSERT_EQ(batch.errors.size(), 1U);
  EXPECT_EQ(batch.errors[0].code, "model_mismatch");
  EXPECT_EQ(batch.errors[0].line, 2);
}

TEST(SimBatches, AnInputThatIsNotThereFailsTheBatch) {
  SimServer server(OpenAi());
  wire::BatchObject batch =
      wire::DecodeBatch(
          server
              .Post("/v1/batches", wire::EncodeBatchOrder({.input_file_id = "file-none",
                                                           .endpoint = std::string(kChatPath)}))
              .body)
          .value();
  while (!batch.ended()) batch = Get(server, batch.id);
  EXPECT_EQ(batch.status, "failed");
  EXPECT_THAT(batch.errors[0].message, HasSubstr("No such File object: file-none"));
}

// One request stalls until the window is over.
TEST(SimBatches, WhatIsNotDoneInTimeExpires) {
  SimOptions options = OpenAi("[{match: {contains: stall}, reply: {faults: [{kind: stall}]}}]");
  std::unique_ptr<SimServer> server;
  wire::BatchObject batch;
  // A machine that is slow now needs more time for the other one.
  for (options.batches.window = 300ms; batch.counts.completed == 0 && options.batches.window < 30s;
       options.batches.window *= 4) {
    server = std::make_unique<SimServer>(options);
    batch = EndedBatch(*server, Line("a", "stall") + Line("b", "fine"));
  }

  EXPECT_EQ(batch.status, "expired");
  EXPECT_TRUE(batch.times.contains("expired_at"));
  EXPECT_THAT(Ids(Lines(*server, batch.output_file_id)), ElementsAre("b"));
  const std::vector<json::Value> errors = Lines(*server, batch.error_file_id);
  ASSERT_EQ(errors.size(), 1U);
  EXPECT_TRUE(errors[0].Find("response").IsNull());
  EXPECT_EQ(errors[0].Find("error").Find("code").StringOr(""), "batch_expired");
}

TEST(SimBatches, ACancelledBatchKeepsWhatItHas) {
  SimServer server(OpenAi("[{match: {contains: stall}, reply: {faults: [{kind: stall}]}}]"));
  wire::BatchObject batch = Create(server, Line("a", "fine") + Line("b", "stall"));
  while (batch.counts.completed < 1) batch = Get(server, batch.id);

  const HttpAnswer cancel = server.Post(StrCat("/v1/batches/", batch.id, "/cancel"), "");

  EXPECT_EQ(cancel.status, 200);
  EXPECT_EQ(wire::DecodeBatch(cancel.body).value().status, "cancelling");
  while (!batch.ended()) batch = Get(server, batch.id);
  EXPECT_EQ(batch.status, "cancelled");
  EXPECT_TRUE(batch.times.contains("cancelling_at") && batch.times.contains("cancelled_at"));
  EXPECT_THAT(Ids(Lines(server, batch.output_file_id)), ElementsAre("a"));
  const HttpAnswer again = server.Post(StrCat("/v1/batches/", batch.id, "/cancel"), "");
  EXPECT_EQ(again.status, 409);
  EXPECT_THAT(again.body, HasSubstr("'cancelled'"));
}

TEST(SimBatches, RowsMeetTheScriptAndAreKeptLikeOtherRequests) {
  constexpr std::string_view kPath = "/v1/embeddings";
  SimServer server(OpenAi(R"([{match: {path: /v1/embeddings, contains: poison},
                               reply: {error: {status: 400, message: bad input}}}])"));
  std::string text;
  for (const std::string_view input : {"bread", "poison"}) {
    StrAppend(text, R"({"custom_id":")", input, R"(","method":"POST","url":")", kPath,
              R"(","body":{"model":"sim-model","input":")", input, "\"}}\n");
  }

  const wire::BatchObject batch = EndedBatch(server, text, kPath);

  EXPECT_EQ(batch.counts, (wire::BatchCounts{.total = 2, .completed = 1, .failed = 1}));
  const std::vector<json::Value> failed = Lines(server, batch.error_file_id);
  ASSERT_EQ(failed.size(), 1U);
  EXPECT_THAT(json::Write(failed[0]), HasSubstr("bad input"));
  std::vector<std::string> kept;
  const json::Value requests = json::Read(server.Get("/sim/requests").body).value();
  for (const json::View request : requests.items()) {
    if (request.Find("target").StringOr("") == kPath) {
      kept.emplace_back(request.Find("body").StringOr(""));
    }
  }
  EXPECT_THAT(kept, UnorderedElementsAre(HasSubstr("bread"), HasSubstr("poison")));
}

TEST(SimBatches, AServerThatEndsGivesUpItsBatches) {
  SimServer server(OpenAi("[{reply: {faults: [{kind: stall}]}}]"));
  EXPECT_FALSE(Create(server, Line("a", "x")).ended());
}

TEST(SimBatches, ListsComeInPagesNewestFirst) {
  SimServer server(OpenAi());
  std::vector<std::string> ids;
  for (int i = 0; i < 3; ++i) ids.push_back(Create(server, Line("a", "x")).id);

  const auto first = wire::DecodeBatchPage(server.Get("/v1/batches?limit=2").body).value();
  ASSERT_EQ(first.batches.size(), 2U);
  EXPECT_TRUE(first.more);
  EXPECT_EQ(first.batches[0].id, ids[2]);
  const auto rest =
      wire::DecodeBatchPage(server.Get("/v1/batches?limit=2&after=" + ids[1]).body).value();
  ASSERT_EQ(rest.batches.size(), 1U);
  EXPECT_FALSE(rest.more);
  EXPECT_EQ(rest.batches[0].id, ids[0]);
  EXPECT_EQ(server.Get("/v1/batches?limit=0").status, 400);
  EXPECT_EQ(server.Get("/v1/batches?limit=101").status, 400);
  EXPECT_EQ(server.Get("/v1/batches?after=nobody").status, 404);
}

TEST(SimBatches, OnlyAFewAreKept) {
  SimOptions options = OpenAi("[{match: {contains: stall}, reply: {faults: [{kind: stall}]}}]");
  options.batches.kept = 2;
  SimServer server(options);
  const std::string first = EndedBatch(server, Line("a", "x")).id;
  for (int i = 0; i < 2; ++i) Create(server, Line("a", "stall"));
  EXPECT_EQ(server.Get("/v1/batches/" + first).status, 404) << "the oldest that ended makes room";
  const HttpAnswer refused = server.Post(
      "/v1/batches",
      wire::EncodeBatchOrder({.input_file_id = "file-x", .endpoint = std::string(kChatPath)}));
  EXPECT_EQ(refused.status, 429);
}

struct BadOrder {
  std::string body;
  std::string_view says;
};

TEST(SimBatches, AWrongOrderIsRefused) {
  SimServer server(OpenAi());
  const BadOrder orders[] = {
      {"nonsense", "could not parse"},
      {"{}", "Missing required parameter: 'input_file_id'"},
      {R"({"input_file_id":7,"endpoint":"a","completion_window":"24h"})", "'input_file_id'"},
      {R"({"input_file_id":"f","endpoint":"/v1/x","completion_window":"24h"})", "'/v1/x'"},
      {R"({"input_file_id":"f","endpoint":"/v1/completions","completion_window":"1h"})", "'24h'"},
      {R"({"input_file_id":"f","endpoint":"/v1/completions","completion_window":"24h",)"
       R"("metadata":{"a":1}})",
       "metadata"},
      {R"({"input_file_id":"f","endpoint":"/v1/completions","completion_window":"24h",)"
       R"("metadata":[]})",
       "metadata"},
  };
  for (const BadOrder& order : orders) {
    const HttpAnswer answer = server.Post("/v1/batches", order.body);
    EXPECT_EQ(answer.status, 400) << order.body;
    EXPECT_THAT(answer.body, HasSubstr(order.says)) << order.body;
  }
}

TEST(SimFiles, AFileComesBackByteForByteUntilItIsDeleted) {
  SimServer server(OpenAi());
  const std::string text = "{\"a\":1}\r\n--C\r\n\n";
  const HttpAnswer uploaded = Upload(server, text);
  ASSERT_EQ(uploaded.status, 200) << uploaded.body;
  const wire::FileObject file = wire::DecodeFile(uploaded.body).value();
  EXPECT_EQ(file.bytes, static_cast<std::int64_t>(text.size()));
  EXPECT_EQ(file.filename, "in.jsonl");
  EXPECT_EQ(file.purpose, "batch");
  const std::string path = "/v1/files/" + file.id;

  EXPECT_EQ(server.Get(path + "/content").body, text);
  EXPECT_EQ(server.Get(path).body, uploaded.body);
  EXPECT_THAT(server.Get("/v1/files").body, HasSubstr(file.id));
  EXPECT_THAT(server.Get("/v1/files?purpose=vision").body, HasSubstr(R"("data":[])"));
  EXPECT_THAT(server.Send("DELETE", path).body, HasSubstr(R"("deleted":true)"));
  for (const HttpAnswer& gone :
       {server.Get(path), server.Get(path + "/content"), server.Send("DELETE", path)}) {
    EXPECT_EQ(gone.status, 404);
    EXPECT_THAT(gone.body, HasSubstr("No such File object"));
  }
}

TEST(SimFiles, AFullShelfIsAnErrorUntilSomethingGoes) {
  SimOptions options = OpenAi();
  options.batches.files = {.files = 2, .bytes = 100};
  SimServer server(options);
  const std::string first = wire::DecodeFile(Upload(server, std::string(60, 'x')).body).value().id;
  const HttpAnswer full = Upload(server, std::string(41, 'x'));
  EXPECT_EQ(full.status, 400);
  EXPECT_THAT(full.body, HasSubstr("storage_limit_exceeded"));
  EXPECT_EQ(Upload(server, std::string(40, 'x')).status, 200);
  EXPECT_EQ(Upload(server, "").status, 400) << "there are two already";
  EXPECT_EQ(server.Send("DELETE", "/v1/files/" + first).status, 200);
  EXPECT_EQ(Upload(server, std::string(60, 'x')).status, 200);
}

TEST(SimFiles, ResultsThatDoNotFitFailTheBatch) {
  SimOptions options = OpenAi();
  options.batches.files.bytes = 300;
  SimServer server(options);
  const wire::BatchObject batch = EndedBatch(server, Line("a", "x"));
  EXPECT_EQ(batch.status, "failed");
  EXPECT_EQ(batch.errors[0].code, "storage_limit_exceeded");
}

TEST(SimFiles, AWrongFormIsRefused) {
  SimServer server(OpenAi());
  EXPECT_THAT(Upload(server, "x", "").body, HasSubstr("'purpose' is a required property"));
  EXPECT_THAT(Upload(server, "x", "gifts").body, HasSubstr("Invalid value for 'purpose'"));
  EXPECT_THAT(Upload(server, "x", "batch", "a.txt").body, HasSubstr("Must be .jsonl"));
  const HttpAnswer json = server.Post("/v1/files", "{}");
  EXPECT_EQ(json.status, 400);
  EXPECT_THAT(json.body, HasSubstr("multipart/form-data"));
  const HttpAnswer cut = server.Send("POST", "/v1/files", http::FormField("B", "purpose", "batch"),
                                     "content-type: multipart/form-data; boundary=B\r\n");
  EXPECT_EQ(cut.status, 400);
}

TEST(SimFiles, OtherServersHaveNoFilesAndNoBatches) {
  for (const std::string_view dialect : {"vllm-0.10", "ollama"}) {
    SimOptions options = InstantSim();
    options.dialect = wire::DialectByName(dialect).value();
    SimServer server(options);
    EXPECT_EQ(Upload(server, "x").status, 404) << dialect;
    EXPECT_EQ(server.Get("/v1/batches").status, 404) << dialect;
  }
}

}  // namespace
}  // namespace weir::sim
