#include "weir/sim/fault.h"

#include <gmock/gmock.h>

#include "weir/base/text.h"
#include "weir/base/utf8.h"
#include "weir/json/reader.h"
#include "weir/wire/server_codec.h"

namespace weir::sim {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;
using Kind = Fault::Kind;

model::Usage SomeUsage() {
  model::Usage usage;
  usage.prompt_tokens = 7;
  usage.completion_tokens = 3;
  usage.total_tokens = 10;
  return usage;
}

// Three tokens of a chat, as a server streams them, and their end.
std::string Stream(std::span<const Fault> faults, bool to_the_end = true) {
  EventTamper tamper(faults);
  wire::ChunkEncoder encoder({.include_usage = true}, {.id = "chatcmpl-1", .model = "m"});
  std::string out;
  constexpr std::string_view kTokens[] = {"one ", "two ", "three"};
  for (std::size_t step = 0; step < 3; ++step) {
    if (tamper.EndsBefore(step) != nullptr) return out;
    model::Delta delta;
    delta.has_choice = true;
    delta.text = kTokens[step];
    if (step == 2) delta.finish = model::Finish::kStop;
    std::string events;
    encoder.Append(delta, events);
    tamper.Tamper(step, events);
    out += events;
  }
  if (tamper.EndsBefore(EventTamper::kEnd) != nullptr || !to_the_end) return out;
  std::string tail;
  encoder.AppendEnd(SomeUsage(), tail);
  tamper.TamperEnd(tail);
  return out + tail;
}

std::string Stream(Fault fault) { return Stream({&fault, 1}); }

// What each event says: a token, "usage", "done", "broken", "?"; with its finish reason.
std::vector<std::string> Told(std::string_view stream) {
  std::vector<std::string> told;
  while (!stream.empty()) {
    const std::size_t end = std::min(stream.find("\n\n"), stream.size() - 2);
    EXPECT_THAT(stream, StartsWith("data: "));
    const std::string_view data = stream.substr(6, end - 6);
    stream.remove_prefix(end + 2);
    const auto value = json::Read(data);
    const json::View choice = value ? value->Find("choices")[0] : json::View();
    if (data == "[DONE]") {
      told.emplace_back("done");
    } else if (!value) {
      told.emplace_back(IsUtf8(data) ? "broken" : "garbage");
    } else if (value->Find("usage").IsObject()) {
      told.push_back(StrCat("usage ", value->Find("usage").Find("total_tokens").NumberText()));
    } else if (!choice.exists()) {
      told.emplace_back("empty");
    } else {
      told.push_back(StrCat(choice.Find("delta").Find("content").StringOr("?"),
                            choice.Find("finish_reason").StringOr("")));
    }
  }
  return told;
}

TEST(EventTamper, WithoutFaultsNothingChanges) {
  EXPECT_FALSE(EventTamper({}).active());
  EXPECT_THAT(Told(Stream(std::span<const Fault>())),
              ElementsAre("", "one ", "two ", "threestop", "usage 10", "done"));
  for (const Kind kind : {Kind::kViolate, Kind::kIgnoreConstraint, Kind::kRunawayWhitespace}) {
    const Fault fault{.kind = kind};
    EXPECT_FALSE(EventTamper({&fault, 1}).active());
    EXPECT_EQ(Stream(fault), Stream(std::span<const Fault>()));
  }
}

struct FaultCase {
  const char* name;
  Kind kind;
  std::size_t after;
  std::vector<std::string> told;
};

TEST(EventTamper, EachFaultDoesWhatItSaysAndNoMore) {
  const FaultCase cases[] = {
      {"malformed",
       Kind::kMalformedEvent,
       1,
       {"", "one ", "broken", "threestop", "usage 10", "done"}},
      {"malformed first",
       Kind::kMalformedEvent,
       0,
       {"", "broken", "two ", "threestop", "usage 10", "done"}},
      {"malformed last",
       Kind::kMalformedEvent,
       2,
       {"", "one ", "two ", "broken", "usage 10", "done"}},
      {"malformed behind the end",
       Kind::kMalformedEvent,
       3,
       {"", "one ", "two ", "threestop", "usage 10", "done"}},
      {"duplicate",
       Kind::kDuplicateEvent,
       1,
       {"", "one ", "two ", "two ", "threestop", "usage 10", "done"}},
      {"garbage", Kind::kGarbageBytes, 1, {"", "one ", "garbage", "threestop", "usage 10", "done"}},
      {"empty choices",
       Kind::kEmptyChoices,
       1,
       {"", "one ", "empty", "two ", "threestop", "usage 10", "done"}},
      {"wrong usage", Kind::kWrongUsage, 0, {"", "one ", "two ", "threestop", "usage 100", "done"}},
      {"no done", Kind::kNoDone, 0, {"", "one ", "two ", "threestop", "usage 10"}},
      {"no finish", Kind::kNoFinish, 0, {"", "one ", "two ", "three"}},
      {"no finish early", Kind::kNoFinish, 1, {"", "one "}},
      {"no finish late", Kind::kNoFinish, 9, {"", "one ", "two ", "three"}},
      {"stall", Kind::kStall, 0, {}},
      {"reset", Kind::kReset, 1, {"", "one "}},
      {"close", Kind::kClose, 2, {"", "one ", "two "}},
      {"truncated late", Kind::kTruncatedChunk, 3, {"", "one ", "two ", "threestop"}},
      {"error event", Kind::kErrorEvent, 1, {"", "one "}},
      {"slow drip", Kind::kSlowDrip, 0, {"", "one ", "two ", "threestop", "usage 10", "done"}},
  };
  for (const FaultCase& one : cases) {
    EXPECT_EQ(Told(Stream({.kind = one.kind, .after = one.after})), one.told) << one.name;
  }
}

TEST(EventTamper, FaultsGoTogetherAndTheFirstEndEnds) {
  const Fault faults[] = {{.kind = Kind::kStall, .after = 2},
                          {.kind = Kind::kReset, .after = 1},
                          {.kind = Kind::kDuplicateEvent},
                          {.kind = Kind::kMalformedEvent}};
  EventTamper tamper(faults);

  EXPECT_EQ(tamper.EndsBefore(0), nullptr);
  EXPECT_EQ(tamper.EndsBefore(1), &faults[1]);
  EXPECT_EQ(tamper.EndsBefore(EventTamper::kEnd), &faults[1]);
  EXPECT_THAT(Told(Stream(faults)), ElementsAre("", "broken", "broken"));
}

TEST(EventTamper, AFaultHappensOnceAtTheFirstStepThatHasAnEvent) {
  const Fault fault{.kind = Kind::kDuplicateEvent, .after = 1};
  EventTamper tamper({&fault, 1});
  std::string all;
  for (const std::string_view each : {"data: {\"a\":0}\n\n", "", "data: {\"a\":1}\n\n"}) {
    std::string events(each);
    tamper.Tamper(all.empty() ? 0 : 1, events);
    all += events;
  }

  EXPECT_EQ(all, "data: {\"a\":0}\n\ndata: {\"a\":1}\n\ndata: {\"a\":1}\n\n");
}

TEST(EventTamper, NamedEventsKeepTheirNames) {
  const Fault faults[] = {{.kind = Kind::kMalformedEvent}, {.kind = Kind::kDuplicateEvent}};
  std::string events = "event: response.output_text.delta\ndata: {\"delta\":\"word\"}\n\n";
  EventTamper(faults).Tamper(0, events);

  const std::string half = "event: response.output_text.delta\ndata: {\"delta\"\n\n";
  EXPECT_EQ(events, half + half);
}

TEST(EventTamper, TheEndOfAResponseIsItsFinishAndHoldsItsUsage) {
  const std::string tail =
      "event: response.completed\ndata: {\"response\":{\"usage\":{\"input_tokens\":7,"
      "\"output_tokens_details\":{\"reasoning_tokens\":2}},\"tools\":[{\"usage\":1}]},"
      "\"type\":\"response.completed\"}\n\n";
  const Fault wrong{.kind = Kind::kWrongUsage};
  std::string changed = tail;
  EventTamper({&wrong, 1}).TamperEnd(changed);
  EXPECT_THAT(changed, StartsWith("event: response.completed\ndata: {"));
  EXPECT_THAT(changed, HasSubstr("\"input_tokens\":70"));
  EXPECT_THAT(changed, HasSubstr("\"reasoning_tokens\":20"));
  EXPECT_THAT(changed, HasSubstr("{\"usage\":1}"));

  const Fault open{.kind = Kind::kNoFinish};
  changed = tail;
  EventTamper({&open, 1}).TamperEnd(changed);
  EXPECT_EQ(changed, "");
}

TEST(EventTamper, LinesOfJsonAreEventsToo) {
  const std::string lines =
      "{\"message\":{\"content\":\"a\"},\"done\":false}\n"
      "{\"message\":{\"content\":\"\"},\"done\":true,\"eval_count\":3}\n";
  const auto with = [&](Kind kind) {
    const Fault fault{.kind = kind};
    std::string changed = lines;
    EventTamper({&fault, 1}).Tamper(0, changed);
    return changed;
  };
  EXPECT_THAT(with(Kind::kWrongUsage), HasSubstr("\"eval_count\":30}\n"));
  EXPECT_EQ(with(Kind::kNoFinish), "{\"message\":{\"content\":\"a\"},\"done\":false}\n");
  EXPECT_THAT(with(Kind::kMalformedEvent), StartsWith("{\"message\":{\"content\n{"));
  EXPECT_THAT(with(Kind::kEmptyChoices), StartsWith("{\"done\":false}\n{\"message\""));
  EXPECT_THAT(with(Kind::kGarbageBytes), StartsWith("{\"message\":{\"content\":\"\xc0"));
}

TEST(EventTamper, TextsThatLookLikeMembersAreNotTouched) {
  const std::string text =
      R"(data: {"choices":[{"delta":{"content":"\"finish_reason\":\"stop\" \"usage\":1 \"done\":true"}}]})"
      "\n\n";
  const Fault faults[] = {{.kind = Kind::kNoFinish}, {.kind = Kind::kWrongUsage}};
  std::string events = text;
  EventTamper(faults).Tamper(0, events);

  EXPECT_EQ(events, text);
}

constexpr std::string_view kWhole =
    R"({"id":"a","choices":[{"message":{"content":"word"},"finish_reason":"stop"}],)"
    R"("usage":{"prompt_tokens":7,"total_tokens":10}})";

std::string Whole(Kind kind) {
  const Fault fault{.kind = kind};
  std::string body(kWhole);
  const WholeTamper tamper = EventTamper({&fault, 1}).TamperWhole(body);
  EXPECT_TRUE(tamper.plain());
  EXPECT_EQ(tamper.length, body.size());
  return body;
}

TEST(TamperWhole, ChangesTheBody) {
  EXPECT_THAT(Whole(Kind::kWrongUsage), HasSubstr(R"({"prompt_tokens":70,"total_tokens":100})"));
  EXPECT_THAT(Whole(Kind::kNoFinish), HasSubstr(R"("finish_reason":null)"));
  EXPECT_THAT(Whole(Kind::kEmptyChoices), StartsWith(R"({"id":"a","choices":[],"usage")"));
  EXPECT_FALSE(IsUtf8(Whole(Kind::kGarbageBytes)));
  EXPECT_EQ(Whole(Kind::kMalformedEvent), kWhole.substr(0, kWhole.size() / 2));
  EXPECT_EQ(Whole(Kind::kNoDone), kWhole);
  EXPECT_EQ(Whole(Kind::kDuplicateEvent), kWhole);
}

TEST(TamperWhole, ATruncatedBodyPromisesAllAndADripIsHandedOn) {
  const Fault faults[] = {{.kind = Kind::kTruncatedChunk, .after = 5}, {.kind = Kind::kSlowDrip}};
  std::string body(kWhole);
  const EventTamper tamper(faults);
  const WholeTamper whole = tamper.TamperWhole(body);

  EXPECT_EQ(body, kWhole.substr(0, kWhole.size() / 2));
  EXPECT_EQ(whole.length, kWhole.size());
  EXPECT_EQ(whole.ending, &faults[0]);
  EXPECT_EQ(whole.drip, &faults[1]);
  EXPECT_EQ(BreakOffOf(*whole.ending), http::BreakOff::kTruncatedChunk);
  EXPECT_EQ(tamper.EndsWholeBefore(EventTamper::kEnd), nullptr);
  EXPECT_EQ(BreakOffOf(faults[1]), std::nullopt);
}

// Nobody promises that texts come from a codec: whatever they are, they are read without harm.
TEST(EventTamper, AnyTextCutAnywhereIsReadWithoutHarm) {
  const std::string stream = Stream(std::span<const Fault>());
  std::vector<Fault> faults;
  for (int kind = 0; kind <= static_cast<int>(Kind::kViolate); ++kind) {
    faults.push_back({.kind = static_cast<Kind>(kind)});
  }
  for (std::size_t size = 0; size <= stream.size(); ++size) {
    for (const Fault& fault : faults) {
      std::string front = stream.substr(0, size);
      std::string back = stream.substr(size);
      std::string whole = front;
      EventTamper tamper({&fault, 1});
      tamper.Tamper(0, front);
      tamper.TamperEnd(back);
      (void)tamper.TamperWhole(whole);
      EXPECT_LE(front.size(), 2 * size + 20);
    }
  }
}

}  // namespace
}  // namespace weir::sim
