#include "weir/engine/doctor_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::engine {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::int64_t kDay = 24 * 3600;
constexpr std::int64_t kNow = 784'111'777;  // Sun, 06 Nov 1994 08:49:37 GMT

TEST(DoctorClock, SkewIsJudgedByItsSize) {
  struct Case {
    std::int64_t ours;
    Verdict verdict;
    std::string_view what;
  };
  constexpr Case kCases[] = {
      {kNow, Verdict::kOk, "agree"},
      {kNow + 2, Verdict::kOk, "agree"},
      {kNow + 10, Verdict::kNote, "10 s behind ours"},
      {kNow - 10, Verdict::kNote, "10 s ahead of ours"},
      {kNow + 3600, Verdict::kWarning, "3600 s behind ours"},
  };
  for (const Case& its : kCases) {
    const Finding finding = JudgeClock("Sun, 06 Nov 1994 08:49:37 GMT", its.ours * kSecond);
    EXPECT_EQ(finding.verdict, its.verdict) << its.ours;
    EXPECT_THAT(finding.what, EndsWith(std::string(its.what)));
    EXPECT_EQ(finding.remedy.empty(), its.verdict != Verdict::kWarning);
  }
}

TEST(DoctorClock, DateThatCannotBeReadIsNoVerdict) {
  for (const std::string_view date : {"", "yesterday", "Sunday, 06-Nov-94 08:49:37 GMT",
                                      "Sun, 06 Nov 1994 08:49:37 GMT+2", "784111777"}) {
    EXPECT_EQ(JudgeClock(date, kNow * kSecond).verdict, Verdict::kSkipped) << date;
  }
}

TEST(DoctorLoad, WhoMustWaitIsToldSoAndOtherFiguresSayNothing) {
  const std::optional<Finding> busy = JudgeLoad({.running = 7, .waiting = 5, .kv_use = 0.5});
  ASSERT_TRUE(busy.has_value());
  EXPECT_EQ(busy->verdict, Verdict::kNote);
  EXPECT_THAT(busy->what, HasSubstr("7 requests run, 5 wait, KV cache 50 % full"));
  EXPECT_EQ(JudgeLoad({.running = 7})->verdict, Verdict::kOk);
  EXPECT_EQ(JudgeLoad({.running = 7, .kv_use = 0.99})->verdict, Verdict::kNote);
  EXPECT_FALSE(JudgeLoad({.kv_use = 0.5}).has_value());
}

TEST(DoctorLoad, TextThatIsNotVllmsSaysNothing) {
  for (const std::string_view text :
       {"", "<html></html>", "process_cpu_seconds_total 3\n", "vllm:num_requests_waiting",
        "vllm:num_requests_waiting{", "vllm:num_requests_waiting} x", "}{} {"}) {
    EXPECT_FALSE(JudgeLoad(wire::ReadServerLoad(text)).has_value()) << text;
  }
}

TEST(DoctorCertificate, TheDaysThatAreLeftDecide) {
  const auto judge = [](std::int64_t days) {
    const http::TlsReport report{.version = "TLSv1.3",
                                 .subject = "CN=a",
                                 .issuer = "CN=b",
                                 .expires = kNow + days * kDay + 60};
    return JudgeCertificate(report, kNow * kSecond);
  };
  EXPECT_EQ(judge(90).verdict, Verdict::kOk);
  EXPECT_EQ(judge(90).what, "TLSv1.3, certificate of CN=a by CN=b, good for 90 days");
  EXPECT_EQ(judge(3).verdict, Verdict::kWarning);
  EXPECT_THAT(judge(3).remedy, HasSubstr("renew"));
  EXPECT_EQ(judge(-3).verdict, Verdict::kWarning);
  EXPECT_THAT(judge(-3).what, HasSubstr("out of date"));
}

TEST(DoctorProbe, TwoOfThreeMustObey) {
  struct Case {
    ProbeCount count;
    Verdict verdict;
  };
  const Case cases[] = {
      {{.obeyed = 3}, Verdict::kOk},
      {{.obeyed = 2, .cut = 1}, Verdict::kOk},
      {{.obeyed = 2, .broke = 1}, Verdict::kWarning},
      {{.obeyed = 1, .broke = 2}, Verdict::kFailed},
      {{.obeyed = 1, .broke = 1, .cut = 1}, Verdict::kFailed},
      {{.obeyed = 1, .cut = 2}, Verdict::kWarning},
      {{.broke = 3}, Verdict::kFailed},
      {{.cut = 3}, Verdict::kWarning},
  };
  for (const Case& its : cases) {
    const Finding finding =
        JudgeProbe("constraint", "JSON schema", its.count, wire::ServerKind::kVllm);
    EXPECT_EQ(finding.verdict, its.verdict) << finding.what;
    EXPECT_EQ(finding.remedy.empty(), its.verdict == Verdict::kOk) << finding.what;
    EXPECT_EQ(finding.error.has_value(), its.verdict == Verdict::kFailed);
  }
}

TEST(DoctorProbe, EveryKindOfServerHasItsOwnRemedy) {
  const ProbeCount ignored{.broke = 3, .example = "The sea is calm."};
  const auto remedy = [&](wire::ServerKind kind) {
    return JudgeProbe("constraint", "JSON schema", ignored, kind).remedy;
  };
  EXPECT_THAT(remedy(wire::ServerKind::kVllm), HasSubstr("--structured-outputs-config.backend"));
  EXPECT_THAT(remedy(wire::ServerKind::kOpenAi), HasSubstr("structured: json_object"));
  EXPECT_THAT(remedy(wire::ServerKind::kOllama), HasSubstr("update Ollama"));
  EXPECT_THAT(JudgeProbe("regex", "regex", ignored, wire::ServerKind::kVllm).detail,
              HasSubstr("The sea is calm."));
}

TEST(DoctorFailure, TheAdviceOfASentenceBecomesTheRemedy) {
  Error error{.code = Code::kConnectionError,
              .message =
                  "TLS with h failed: its certificate is not trusted (x); give its "
                  "authority with `tls.ca_file`",
              .cause = "certificate verify failed"};
  const Finding finding = Failure("tls", error);
  EXPECT_EQ(finding.remedy, "give its authority with `tls.ca_file`");
  EXPECT_THAT(finding.what, EndsWith("(x) [certificate verify failed]"));
  EXPECT_EQ(Failure("tls", error, "do that").remedy, "do that");

  error.message = "refused (400): bad; it said: no; really";
  error.cause.clear();
  EXPECT_EQ(Failure("call", error).what, "refused (400): bad [it said: no; really]");
  EXPECT_THAT(Failure("call", error).remedy, IsEmpty());
}

TEST(DoctorText, MarkupOfModelsIsSeen) {
  EXPECT_TRUE(HoldsThoughts("<think>\nhm</think> 42"));
  EXPECT_TRUE(HoldsThoughts("hm</think> 42"));
  EXPECT_FALSE(HoldsThoughts("I think it is 42"));
  EXPECT_TRUE(HoldsToolCall("<tool_call>\n{\"name\": \"get_weather\"}"));
  EXPECT_TRUE(HoldsToolCall("[get_weather(city='Paris')]"));
  EXPECT_FALSE(HoldsToolCall("It is sunny in Paris."));
}

TEST(DoctorText, TimesAreToldAsAPersonWould) {
  using namespace std::chrono_literals;
  EXPECT_EQ(Took(420us), "0.4 ms");
  EXPECT_EQ(Took(250ms), "250 ms");
  EXPECT_EQ(Took(12500ms), "12.5 s");
}

}  // namespace
}  // namespace weir::engine
