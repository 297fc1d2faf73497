#include "weir/http/multipart.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/http/multipart_testing.h"

namespace weir::http {
namespace {

using testing::HasSubstr;

PartRead Part(std::string name, std::string data, std::optional<std::string> filename = {},
              std::string type = "") {
  return {.head = {std::move(name), std::move(filename), std::move(type)},
          .data = std::move(data),
          .ended = true};
}

struct MultipartCase {
  const char* name;
  std::string wire;
  std::vector<PartRead> parts;
  bool failed = false;
};

const std::string kName = "Content-Disposition: form-data; name=\"a\"\r\n";

const MultipartCase kMultipartCases[] = {
    {"OneField", "--B\r\n" + kName + "\r\nvalue\r\n--B--\r\n", {Part("a", "value")}},
    {"NothingBehindTheLastBoundaryIsNeeded",
     "--B\r\n" + kName + "\r\nv\r\n--B--",
     {Part("a", "v")}},
    {"PreambleAndEpilogueAreDropped",
     "hello\r\n--B\r\n" + kName + "\r\nv\r\n--B--\r\n--B\r\nmore",
     {Part("a", "v")}},
    {"AFile",
     "--B\r\ncontent-type: application/jsonl\r\nContent-Disposition: form-data; name=\"file\"; "
     "filename=\"in.jsonl\"\r\n\r\n{}\n{}\n\r\n--B--\r\n",
     {Part("file", "{}\n{}\n", "in.jsonl", "application/jsonl")}},
    {"TwoParts",
     "--B\r\n" + kName + "\r\n1\r\n--B\r\nContent-Disposition: form-data; name=b\r\n\r\n2\r\n--B--",
     {Part("a", "1"), Part("b", "2")}},
    {"APartWithoutData", "--B\r\n" + kName + "\r\n\r\n--B--", {Part("a", "")}},
    {"WhatLooksLikeABoundaryIsData",
     "--B\r\n" + kName + "\r\n\r\n-B\r\r\n--\r\n--A--B\r\r\n--B--",
     {Part("a", "\r\n-B\r\r\n--\r\n--A--B\r")}},
    {"LineFeedsAloneEndNothing",
     "--B\r\n" + kName + "\r\na\n--B--\n\r\n--B--",
     {Part("a", "a\n--B--\n")}},
    {"BlanksMayFollowABoundary", "--B \t\r\n" + kName + "\r\nv\r\n--B--", {Part("a", "v")}},
    {"QuotesAreGuarded",
     "--B\r\nContent-Disposition: form-data; filename=\"a\\\"b\\\\c\\d;e\"; name=\"n\"\r\n\r\n"
     "\r\n--B--",
     {Part("n", "", "a\"b\\c\\d;e")}},
    {"NoParts", "--B--\r\n", {}},
    {"Unfinished",
     "--B\r\n" + kName + "\r\nvalue\r\n--",
     {{.head = {"a", {}, ""}, .data = "value", .ended = false}},
     true},
    {"WithoutAName", "--B\r\nContent-Type: a/b\r\n\r\nv\r\n--B--", {}, true},
    {"WithoutAHead", "--B\r\n\r\nv\r\n--B--", {}, true},
    {"SomethingBehindABoundary", "--Bx\r\n", {}, true},
    {"OneDashBehindABoundary", "--B-\r\n", {}, true},
    {"ALineOfABoundaryThatDoesNotEnd", "--B\rx", {}, true},
    {"Nothing", "", {}, true},
};

TEST(Multipart, PartsAreTheSameHoweverTheBodyIsCut) {
  for (const MultipartCase& c : kMultipartCases) {
    SCOPED_TRACE(c.name);
    ForEveryCut(c.wire, [&](const Pieces& pieces) {
      const PartsRead out = PlayParts("B", pieces);
      EXPECT_EQ(out.failed, c.failed);
      EXPECT_EQ(out.parts, c.parts);
    });
  }
}

TEST(Multipart, WhatIsWrittenIsReadAgain) {
  const std::string wire =
      StrCat(FormField("x y", "purpose", "batch"),
             FormFileHead("x y", "file", "a\"\\\r\n.jsonl", "application/jsonl"), "1\r\n2\n",
             FormEnd("x y"));

  const PartsRead out = PlayParts("x y", {wire});

  EXPECT_FALSE(out.failed);
  EXPECT_EQ(out.parts,
            (std::vector{Part("purpose", "batch"),
                         Part("file", "1\r\n2\n", "a\"\\__.jsonl", "application/jsonl")}));
}

TEST(Multipart, LimitsHold) {
  const std::string part = "--B\r\n" + kName + "\r\nv\r\n";
  EXPECT_FALSE(PlayParts("B", {part, part, "--B--"}, {.parts = 2}).failed);
  EXPECT_TRUE(PlayParts("B", {part, part, "--B--"}, {.parts = 1}).failed);
  EXPECT_TRUE(PlayParts("B", {part, "--B--"}, {.head_bytes = 10}).failed);
}

TEST(Multipart, AReaderThatFailedFailsForGood) {
  PartsRead parts;
  PartKeeper keeper(parts);
  MultipartReader reader("B", keeper);
  EXPECT_FALSE(reader.Feed("--B!").has_value());
  const Result<void> more = reader.Feed("\r\n");
  ASSERT_FALSE(more.has_value());
  EXPECT_THAT(more.error().message, HasSubstr("failed already"));
  EXPECT_FALSE(reader.Finish().has_value());
}

TEST(Multipart, TheBoundaryStandsInTheContentType) {
  EXPECT_EQ(MultipartBoundary("multipart/form-data; boundary=abc").value(), "abc");
  EXPECT_EQ(MultipartBoundary("Multipart/Form-Data;charset=utf-8; Boundary=\"a b:c\"").value(),
            "a b:c");
  for (const std::string_view wrong :
       {"application/json", "multipart/mixed; boundary=a", "multipart/form-data", "",
        "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a\rb\"",
        "multipart/form-data; boundary=\"a", "multipart/form-data; boundary=\"a \""}) {
    EXPECT_FALSE(MultipartBoundary(wrong).has_value()) << wrong;
  }
  EXPECT_FALSE(
      MultipartBoundary("multipart/form-data; boundary=" + std::string(71, 'a')).has_value());
}

}  // namespace
}  // namespace weir::http
