#include "weir/base/result.h"

#include <gtest/gtest.h>

namespace weir {
namespace {

struct StatusCase {
  int status;
  ErrorClass error_class;
  bool retryable;
};

// R-ERR-06, R-TST-10: every status.
TEST(Error, EveryStatusIsClassifiedTheSameWayEverywhere) {
  for (int status = 100; status <= 599; ++status) {
    const Error error{.code = Code::kHttpStatus, .message = {}, .http_status = status};
    const bool expected = status == 408 || status == 425 || status == 429 || status >= 500;

    EXPECT_EQ(Retryable(error), expected) << status;
    EXPECT_EQ(RetryableStatus(status), expected) << status;
    EXPECT_EQ(Name(error), "http_" + std::to_string(status));
  }
}

TEST(Error, StatusesThatPeopleActOnHaveTheirOwnClass) {
  const StatusCase cases[] = {
      {400, ErrorClass::kInvalidRequest, false}, {401, ErrorClass::kAuth, false},
      {403, ErrorClass::kDenied, false},         {404, ErrorClass::kNotFound, false},
      {408, ErrorClass::kUnavailable, true},     {429, ErrorClass::kRateLimit, true},
      {500, ErrorClass::kUnavailable, true},     {503, ErrorClass::kUnavailable, true},
  };
  for (const StatusCase& c : cases) {
    const Error error{.code = Code::kHttpStatus, .message = {}, .http_status = c.status};
    EXPECT_EQ(ClassOf(error), c.error_class) << c.status;
    EXPECT_EQ(Retryable(error), c.retryable) << c.status;
  }
}

TEST(Error, ContextLengthKeepsItsStatusAsNameAndIsNotRetried) {
  const Error error{.code = Code::kContextLength, .message = "too long", .http_status = 400};

  EXPECT_EQ(Name(error), "http_400");
  EXPECT_EQ(ClassName(ClassOf(error)), "context_length");
  EXPECT_FALSE(Retryable(error));
}

TEST(Error, DescriptionNamesCodeMessageAndCause) {
  const Error error{.code = Code::kConnectionError,
                    .message = "cannot reach 127.0.0.1:1",
                    .cause = "Connection refused"};

  EXPECT_EQ(Describe(error), "connection_error: cannot reach 127.0.0.1:1 (Connection refused)");
}

TEST(Error, AConnectionThatNoOtherTryMendsIsNotRepeated) {
  const Error refused{.code = Code::kConnectionError};
  const Error untrusted{.code = Code::kConnectionError, .permanent = true};

  EXPECT_EQ(Name(untrusted), "connection_error");
  EXPECT_EQ(ClassOf(untrusted), ClassOf(refused));
  EXPECT_TRUE(Retryable(refused));
  EXPECT_FALSE(Retryable(untrusted));
}

Result<int> Half(int value) {
  if (value % 2 != 0) return Fail(Code::kInvalidRequest, "odd");
  return value / 2;
}

Result<int> Quarter(int value) {
  WEIR_TRY(const int half, Half(value));
  return Half(half);
}

TEST(Result, TryLeavesTheFunctionWithTheFirstError) {
  EXPECT_EQ(Quarter(8), 2);
  ASSERT_FALSE(Quarter(6).has_value());
  EXPECT_EQ(Quarter(6).error().message, "odd");
}

}  // namespace
}  // namespace weir
