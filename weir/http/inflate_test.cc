#include "weir/http/inflate.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include "weir/http/cut_testing.h"

namespace weir::http {
namespace {

using testing::HasSubstr;
using Coding = Inflater::Coding;

constexpr int kGzip = MAX_WBITS + 16;
constexpr int kZlib = MAX_WBITS;
constexpr int kRaw = -MAX_WBITS;

// Every piece is flushed, so that it can be decoded at once.
std::vector<std::string> Deflate(int window, const std::vector<std::string>& pieces) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
  std::vector<std::string> out;
  for (std::size_t i = 0; i < pieces.size(); ++i) {
    std::string coded(pieces[i].size() + 1000, '\0');
    std::string input = pieces[i];
    stream.next_in = reinterpret_cast<Bytef*>(input.data());
    stream.avail_in = static_cast<uInt>(input.size());
    stream.next_out = reinterpret_cast<Bytef*>(coded.data());
    stream.avail_out = static_cast<uInt>(coded.size());
    deflate(&stream, i + 1 == pieces.size() ? Z_FINISH : Z_SYNC_FLUSH);
    coded.resize(coded.size() - stream.avail_out);
    out.push_back(coded);
  }
  deflateEnd(&stream);
  return out;
}

std::string Whole(int window, const std::string& text) { return Deflate(window, {text})[0]; }

struct Inflated {
  std::string text;
  std::optional<Error> error;
};

Inflated InflateAll(Inflater& inflater, const Pieces& pieces) {
  Inflated out;
  for (const std::string_view piece : pieces) {
    const Result<void> fed = inflater.Feed(piece, out.text);
    if (!fed) {
      out.error = fed.error();
      return out;
    }
  }
  const Result<void> finished = inflater.Finish();
  if (!finished) out.error = finished.error();
  return out;
}

const std::string kText = "weir weir weir, a low dam that measures and steers a river";

TEST(Inflater, AllWrappingsAreDecodedHoweverTheyAreCut) {
  struct Case {
    Coding coding;
    std::string coded;
    std::string text;
  };
  const Case cases[] = {
      {Coding::kGzip, Whole(kGzip, kText), kText},
      {Coding::kGzip, Whole(kGzip, ""), ""},
      {Coding::kGzip, Whole(kGzip, kText) + Whole(kGzip, "more"), kText + "more"},
      {Coding::kDeflate, Whole(kZlib, kText), kText},
      {Coding::kDeflate, Whole(kRaw, kText), kText},
      {Coding::kGzip, "", ""},
  };
  for (const Case& c : cases) {
    ForEveryCut(c.coded, [&](const Pieces& pieces) {
      Inflater inflater(c.coding);
      const Inflated out = InflateAll(inflater, pieces);
      EXPECT_FALSE(out.error.has_value());
      EXPECT_EQ(out.text, c.text);
    });
  }
}

TEST(Inflater, EveryFlushedPieceComesOutAtOnce) {
  const std::vector<std::string> pieces = {"data: a\n\n", "data: b\n\n", std::string(100'000, 'x')};
  for (const int window : {kGzip, kZlib, kRaw}) {
    const std::vector<std::string> coded = Deflate(window, pieces);
    Inflater inflater(window == kGzip ? Coding::kGzip : Coding::kDeflate);
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      std::string out;
      ASSERT_TRUE(inflater.Feed(coded[i], out).has_value());
      EXPECT_EQ(out, pieces[i]);
    }
    EXPECT_TRUE(inflater.Finish().has_value());
  }
}

TEST(Inflater, ATruncatedEndIsNoticed) {
  const std::string coded = Whole(kGzip, kText);
  for (std::size_t size = 1; size < coded.size(); ++size) {
    Inflater inflater(Coding::kGzip);
    const Inflated out = InflateAll(inflater, {std::string_view(coded).substr(0, size)});
    ASSERT_TRUE(out.error.has_value());
    EXPECT_EQ(out.error->code, Code::kStreamTruncated);
  }
}

TEST(Inflater, WrongBytesAreRefusedForGood) {
  std::string damaged = Whole(kGzip, kText);
  damaged[damaged.size() - 6] ^= 1;  // in the checksum
  struct Case {
    Coding coding;
    std::string coded;
    std::string_view message;
  };
  const Case cases[] = {
      {Coding::kGzip, "plain text", "malformed bytes"},
      {Coding::kGzip, damaged, "malformed bytes"},
      {Coding::kGzip, Whole(kGzip, kText) + "x", "malformed bytes"},
      {Coding::kGzip, Whole(kZlib, kText), "malformed bytes"},
      {Coding::kDeflate, Whole(kZlib, kText) + "x", "behind its end"},
      {Coding::kDeflate, "\xFF\xFF", "malformed bytes"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.message);
    Inflater inflater(c.coding);
    const Inflated out = InflateAll(inflater, CutEvery(c.coded + "yz", 1));
    ASSERT_TRUE(out.error.has_value());
    EXPECT_EQ(out.error->code, Code::kProtocolError);
    EXPECT_THAT(out.error->message, HasSubstr(c.message));
    std::string more;
    EXPECT_EQ(inflater.Feed("x", more).error(), *out.error);
    EXPECT_EQ(inflater.Finish().error(), *out.error);
  }
}

TEST(Inflater, ABombIsStoppedAtTheTotalLimit) {
  const std::string coded = Whole(kGzip, std::string(8'000'000, '\0'));
  for (const std::size_t step : {coded.size(), std::size_t{100}}) {
    Inflater inflater(Coding::kGzip, {.total_bytes = 1'000'000});
    const Inflated out = InflateAll(inflater, CutEvery(coded, step));
    ASSERT_TRUE(out.error.has_value());
    EXPECT_THAT(out.error->message, HasSubstr("more than 1000000 bytes when"));
    EXPECT_EQ(out.text.size(), 1'000'000u);
  }
}

TEST(Inflater, OneFeedIsLimitedToo) {
  const std::string coded = Whole(kGzip, std::string(100'000, '\0'));
  Inflater inflater(Coding::kGzip, {.feed_bytes = 50'000});
  std::string out;

  const Result<void> fed = inflater.Feed(coded, out);

  ASSERT_FALSE(fed.has_value());
  EXPECT_THAT(fed.error().message, HasSubstr("bytes when it is inflated"));
  EXPECT_EQ(out.size(), 50'000u);
}

TEST(Inflater, TheLimitItselfIsAllowed) {
  const std::string coded = Whole(kGzip, std::string(50'000, '\0'));
  Inflater inflater(Coding::kGzip, {.feed_bytes = 50'000, .total_bytes = 50'000});

  EXPECT_EQ(InflateAll(inflater, {coded}).text.size(), 50'000u);
  EXPECT_TRUE(inflater.Finish().has_value());
}

}  // namespace
}  // namespace weir::http
