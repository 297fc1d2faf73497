#include "weir/events/control_file.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

#include <gtest/gtest.h>

namespace weir::events {
namespace {

class ControlFileTest : public testing::Test {
 protected:
  ControlFileTest() {
    std::string name = testing::TempDir() + "weir-control-XXXXXX";
    folder_ = ::mkdtemp(name.data());
    path_ = folder_ + "/control";
  }
  ~ControlFileTest() override { std::filesystem::remove_all(folder_); }

  void Write(std::string_view text) const { std::ofstream(path_) << text; }
  std::string Text() const {
    std::ifstream file(path_);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string folder_;
  std::string path_;
};

TEST_F(ControlFileTest, OnlyTheWordOffStopsEvents) {
  EXPECT_FALSE(HoldsOff(path_));
  for (const char* text : {"off", " OFF\n", "Off"}) {
    Write(text);
    EXPECT_TRUE(HoldsOff(path_)) << text;
  }
  for (const char* text : {"", "on", "offline", "of"}) {
    Write(text);
    EXPECT_FALSE(HoldsOff(path_)) << text;
  }
}

TEST_F(ControlFileTest, TheSwitchLetsEventsFlowAndPutsBackWhatStoodThere) {
  Write("off\n");
  {
    ControlSwitch control;
    ASSERT_TRUE(control.LetFlow(path_).has_value());
    EXPECT_FALSE(HoldsOff(path_));
  }
  EXPECT_EQ(Text(), "off\n");
}

TEST_F(ControlFileTest, WhatSomebodyElseWroteMeanwhileStays) {
  Write("off");
  {
    ControlSwitch control;
    ASSERT_TRUE(control.LetFlow(path_).has_value());
    Write("on");
  }
  EXPECT_EQ(Text(), "on");
}

TEST_F(ControlFileTest, WhereNothingIsOffNothingIsChanged) {
  {
    ControlSwitch control;
    ASSERT_TRUE(control.LetFlow(path_).has_value());
  }
  EXPECT_FALSE(std::filesystem::exists(path_));
  Write("on");
  {
    ControlSwitch control;
    ASSERT_TRUE(control.LetFlow(path_).has_value());
  }
  EXPECT_EQ(Text(), "on");
}

}  // namespace
}  // namespace weir::events
