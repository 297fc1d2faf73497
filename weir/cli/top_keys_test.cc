#include "weir/cli/top_keys.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace weir::cli {
namespace {

struct KeysCase {
  const char* name;
  std::string_view bytes;
  std::vector<TopKey> keys;
};

using enum TopKey;

const KeysCase kKeysCases[] = {
    {"letters", "qp a?", {kQuit, kPause, kPause, kAll, kHelp}},
    {"tab_and_arrows", "\t\033[B\033[A\033[Z", {kNext, kNext, kPrevious, kPrevious}},
    {"arrows_of_application_mode", "\033OB\033OA", {kNext, kPrevious}},
    {"arrows_with_modifiers", "\033[1;5B", {kNext}},
    {"escape_alone", "\033", {kAll}},
    {"escape_before_a_key", "\033q", {kAll, kQuit}},
    {"two_escapes", "\033\033", {kAll, kAll}},
    {"other_keys", "x\033[3~\033[15~\033OPz", {}},
    {"other_bytes", "\xc3\xa4\x01\x7f", {}},
    {"a_sequence_that_never_ends", "\033[0000000000000000000000000000000000q", {kQuit}},
    {"nothing", "", {}},
};

class TopKeysTest : public testing::TestWithParam<KeysCase> {};

TEST_P(TopKeysTest, AreReadHoweverTheyAreCut) {
  const KeysCase& c = GetParam();
  for (std::size_t cut = 0; cut <= c.bytes.size(); ++cut) {
    TopKeyReader reader;
    std::vector<TopKey> keys = reader.Feed(c.bytes.substr(0, cut));
    for (const TopKey key : reader.Feed(c.bytes.substr(cut))) keys.push_back(key);
    for (const TopKey key : reader.Pause()) keys.push_back(key);
    EXPECT_EQ(keys, c.keys) << cut;
  }
}

INSTANTIATE_TEST_SUITE_P(Bytes, TopKeysTest, testing::ValuesIn(kKeysCases),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace weir::cli
