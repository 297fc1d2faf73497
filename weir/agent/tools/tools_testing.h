#pragma once

// A folder of a test, with the workspace `in` and a witness beside it, and tools that work there.

#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

#include <unistd.h>

#include "weir/agent/tools/builtins.h"
#include "weir/agent/tools/root.h"
#include "weir/agent/tools/tool.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"

namespace weir::agent {

class TestFolder {
 public:
  explicit TestFolder(std::string_view name)
      : path_(std::filesystem::canonical(std::filesystem::temp_directory_path()) /
              StrCat("weir-", name, "-", ::getpid())) {
    std::filesystem::remove_all(path_);
    std::filesystem::create_directories(path_ / "in");
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }
  std::string in() const { return (path_ / "in").string(); }

  std::string Put(const std::string& name, std::string_view text) const {
    const std::filesystem::path file = path_ / name;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
    return file.string();
  }
  // A program: a shell script.
  std::string PutScript(const std::string& name, std::string_view script) const {
    std::string file = Put(name, StrCat("#!/bin/sh\n", script, "\n"));
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    return file;
  }
  std::string Get(const std::string& name) const {
    std::ifstream file(path_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  void Link(const std::string& target, const std::string& name) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::filesystem::create_symlink(target, path_ / name);
  }

 private:
  const std::filesystem::path path_;
};

// What a tool says to the arguments, or "error: " and why not.
inline std::string Say(async::Loop& loop, Tool& tool, const Surroundings& around,
                       std::string_view arguments) {
  const Result<json::Value> value = json::Read(arguments);
  if (!value) return StrCat("bad test: ", value.error().message);
  const ToolInput input{.arguments = *value, .around = around};
  const async::Context ctx = async::Context(loop).WithTimeout(std::chrono::seconds(60));
  Result<std::string> said = loop.Run(tool.Run(ctx, input));
  return said ? *std::move(said) : StrCat("error: ", said.error().message);
}

inline Env TestEnv() {
  Env env;
  env.variables = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", "/nowhere"}};
  return env;
}

}  // namespace weir::agent
