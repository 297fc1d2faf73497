#include "weir/cli/attach.h"

#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "weir/base/text.h"
#include "weir/cli/media.h"
#include "weir/text/media.h"

namespace weir::cli {
namespace {

using testing::HasSubstr;

constexpr std::string_view kPng = "\x89PNG\r\n\x1A\n rest of a picture";

class AttachTest : public testing::Test {
 protected:
  AttachTest() {
    char name[] = "/tmp/weir-attach-XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~AttachTest() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, std::string_view bytes) {
    std::ofstream(folder_ + "/" + name) << bytes;
    return folder_ + "/" + name;
  }

  std::string folder_;
};

TEST_F(AttachTest, ATextGoesInAFenceBehindTheLine) {
  const std::string path = Write("a.py", "x = 1\n");
  const Result<model::Message> message = MessageOf(StrCat("Explain @", path, ", please"));
  ASSERT_TRUE(message.has_value());
  EXPECT_EQ(message->AllText(),
            StrCat("Explain ", path, ", please\n\n", path, ":\n```py\nx = 1\n\n```"));
}

TEST_F(AttachTest, APictureBecomesAPart) {
  const std::string path = Write("a b.dat", kPng);
  const Result<model::Message> message = MessageOf(StrCat("What is @\"", path, "\"?"));
  ASSERT_TRUE(message.has_value());
  ASSERT_EQ(message->parts.size(), 2U);
  EXPECT_EQ(message->parts[1].url, StrCat("data:image/png;base64,", Base64Encode(kPng)));
}

TEST_F(AttachTest, OtherAtsAreLeftAlone) {
  for (const std::string_view line :
       {"mail me@example.org", "hey @nobody, look", "a @ b", "@", "x@y.z @"}) {
    const Result<model::Message> message = MessageOf(line);
    ASSERT_TRUE(message.has_value()) << line;
    EXPECT_EQ(message->AllText(), line);
  }
}

TEST_F(AttachTest, WhatCannotBeAttachedIsAnErrorBeforeAnythingIsAsked) {
  EXPECT_THAT(MessageOf("see @missing.txt").error().message, HasSubstr("no file missing.txt"));
  EXPECT_THAT(MessageOf("see @" + folder_ + "/").error().message, HasSubstr("folder"));
  const std::string binary = Write("b.bin", std::string_view("\xff\x00\x01", 3));
  EXPECT_THAT(MessageOf("see @" + binary).error().message, HasSubstr("neither a text"));
  const std::string large = Write("c.txt", std::string(kAttachedTextBytes + 1, 'x'));
  EXPECT_THAT(MessageOf("see @" + large).error().message, HasSubstr("more than"));
}

TEST(Media, IsKnownByItsFirstBytes) {
  EXPECT_EQ(text::MediaType(kPng), "image/png");
  EXPECT_EQ(text::MediaType("\xFF\xD8\xFF\xE0"), "image/jpeg");
  EXPECT_EQ(text::MediaType("GIF89a"), "image/gif");
  EXPECT_EQ(text::MediaType("RIFF1234WEBPVP8 "), "image/webp");
  EXPECT_EQ(text::MediaType("RIFF1234WAVEfmt "), "audio/wav");
  EXPECT_EQ(text::MediaType("plain text"), std::nullopt);
  EXPECT_EQ(text::MediaType(""), std::nullopt);
}

TEST(Media, AddressesGoToTheServerAsTheyAre) {
  const Result<model::Part> picture = MediaPart("https://x.example/cat?size=2");
  ASSERT_TRUE(picture.has_value());
  EXPECT_EQ(picture->kind, model::Part::Kind::kImage);
  EXPECT_EQ(picture->url, "https://x.example/cat?size=2");
  EXPECT_EQ(MediaPart("http://x.example/a.MP3")->format, "mp3");
  EXPECT_EQ(MediaPart("data:video/mp4;base64,AA==")->kind, model::Part::Kind::kVideo);
}

TEST(Media, TooMuchIsAnError) {
  std::string bytes(text::kMediaBytes + 1, 'x');
  bytes.replace(0, kPng.size(), kPng);
  EXPECT_THAT(text::MediaPartOf(bytes, "big.png").error().message, HasSubstr("big.png has"));
  EXPECT_THAT(text::MediaPartOf("text", "a.png").error().message, HasSubstr("by its first bytes"));
}

}  // namespace
}  // namespace weir::cli
