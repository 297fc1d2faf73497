#include "weir/base/glob.h"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <span>
#include <system_error>
#include <utility>

#include "weir/base/text.h"

namespace weir {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kAnyFolders = "**";

bool HasWildcard(std::string_view part) {
  return part.find_first_of("*?") != std::string_view::npos;
}

// One name against one part of a pattern; ? is one character of UTF-8.
bool NameMatches(std::string_view pattern, std::string_view name) {
  if (name.starts_with('.') && !pattern.starts_with('.')) return false;
  const auto continues = [&](std::size_t i) {
    return i < name.size() && (static_cast<unsigned char>(name[i]) & 0xC0U) == 0x80U;
  };
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;  // the last *, to which a failure returns ...
  std::size_t from = 0;                       // ... with one character more under it
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      from = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      const bool any = pattern[p++] == '?';
      ++n;
      while (any && continues(n)) ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++from;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

bool PartsMatch(std::span<const std::string_view> pattern, std::span<const std::string_view> path) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t any = std::string_view::npos;
  std::size_t from = 0;
  while (n < path.size()) {
    if (p < pattern.size() && pattern[p] == kAnyFolders) {
      any = p++;
      from = n;
    } else if (p < pattern.size() && NameMatches(pattern[p], path[n])) {
      ++p;
      ++n;
    } else if (any != std::string_view::npos && !path[from].starts_with('.')) {
      p = any + 1;
      n = ++from;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == kAnyFolders) ++p;
  return p == pattern.size();
}

// Goes through the folders that a pattern can mean.
class Search {
 public:
  explicit Search(std::span<const std::string_view> pattern) : pattern_(pattern) {}

  // `folder` is read; `name` is what it is called in the paths, "" or with a slash at its end.
  Result<void> Walk(const fs::path& folder, const std::string& name, std::size_t depth);
  std::vector<std::string> Take() && { return std::move(found_); }

 private:
  bool Enters(const fs::directory_entry& entry, std::string_view name, std::size_t depth) const;

  static constexpr std::size_t kDeepest = 256;

  const std::span<const std::string_view> pattern_;
  std::vector<std::string_view> path_;
  std::vector<std::string> found_;
};

bool Search::Enters(const fs::directory_entry& entry, std::string_view name,
                    std::size_t depth) const {
  std::error_code error;
  if (!entry.is_directory(error) || depth >= kDeepest) return false;
  const auto any = std::ranges::find(pattern_, kAnyFolders);
  const auto before = static_cast<std::size_t>(any - pattern_.begin());
  if (depth < before) return depth + 1 < pattern_.size() && NameMatches(pattern_[depth], name);
  const auto hidden = [](std::string_view part) { return part.starts_with('.'); };
  if (hidden(name) && !std::ranges::any_of(pattern_, hidden)) return false;
  return any != pattern_.end() && !entry.is_symlink(error);
}

Result<void> Search::Walk(const fs::path& folder, const std::string& name, std::size_t depth) {
  std::error_code error;
  for (fs::directory_iterator entries(folder, error), end; !error && entries != end;
       entries.increment(error)) {
    const std::string entry = entries->path().filename().string();
    path_.push_back(entry);
    std::error_code ignored;
    if (entries->is_regular_file(ignored)) {
      if (PartsMatch(pattern_, path_)) found_.push_back(StrCat(name, entry));
    } else if (Enters(*entries, entry, depth)) {
      WEIR_CHECK(Walk(entries->path(), StrCat(name, entry, "/"), depth + 1));
    }
    path_.pop_back();
  }
  if (!error) return {};
  return Fail(Code::kConfigError, StrCat("cannot read the folder ", folder.string()),
              error.message());
}

}  // namespace

bool GlobMatches(std::string_view pattern, std::string_view path) {
  return PartsMatch(Split(pattern, '/'), Split(path, '/'));
}

Result<std::vector<std::string>> FindFiles(const std::string& folder, std::string_view pattern) {
  const std::vector<std::string_view> parts = Split(pattern, '/');
  // Parts without a wildcard are a path to begin at: they may be "..", or hidden.
  std::size_t literal = 0;
  std::string name;
  while (literal + 1 < parts.size() && !HasWildcard(parts[literal])) {
    StrAppend(name, parts[literal++], "/");
  }
  const fs::path base = fs::path(folder.empty() ? "." : folder) / name;
  std::error_code error;
  if (!HasWildcard(parts.back()) && literal + 1 == parts.size()) {
    std::vector<std::string> one;
    if (fs::is_regular_file(base / parts.back(), error)) one.emplace_back(pattern);
    return one;
  }
  if (!fs::is_directory(base, error)) return std::vector<std::string>();
  Search search(std::span(parts).subspan(literal));
  WEIR_CHECK(search.Walk(base, name, 0));
  std::vector<std::string> found = std::move(search).Take();
  std::ranges::sort(found);
  return found;
}

}  // namespace weir
