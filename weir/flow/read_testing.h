#pragma once

// Flows as text and as files, for tests of reading them.

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <utility>

#include <gtest/gtest.h>
#include <unistd.h>

#include "weir/base/text.h"
#include "weir/flow/read.h"

namespace weir::flow {

// Of a text that is known to be right.
inline Flow FlowOf(std::string_view text, std::string_view name = {}) {
  auto flow = ReadFlowText(text, "flow.yaml", name);
  EXPECT_TRUE(flow) << flow.error().message;
  return flow ? *std::move(flow) : Flow{};
}

// A folder with files, which goes away again.
class FlowFiles {
 public:
  explicit FlowFiles(std::string_view name)
      : path_(std::filesystem::path(testing::TempDir()) /
              StrCat("weir_flow_read_", ::getpid(), "_", name)) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_);
  }
  FlowFiles(const FlowFiles&) = delete;
  FlowFiles& operator=(const FlowFiles&) = delete;
  ~FlowFiles() { std::filesystem::remove_all(path_); }

  std::string Write(std::string_view name, std::string_view text, bool executable = false) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    if (executable) std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file.string();
  }
  std::string path() const { return path_.string(); }
  std::string At(std::string_view name) const { return (path_ / name).string(); }

 private:
  std::filesystem::path path_;
};

}  // namespace weir::flow
