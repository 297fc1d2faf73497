#include <algorithm>
#include <array>
#include <cstdint>
#include <utility>
#include <vector>

#include "weir/agent/tools/builtin_call.h"
#include "weir/base/text.h"
#include "weir/base/utf8.h"

namespace weir::agent {
namespace {

constexpr std::size_t kMostPlaces = 20;        // line numbers that are named
constexpr std::size_t kMostShown = 20;         // changed lines that are shown
constexpr std::size_t kEditedLineBytes = 200;  // of a line that is shown
constexpr std::size_t kMostCompared = 50'000;  // lines among which the nearest is looked for
constexpr double kAlike = 0.5;                 // from here on a line is called alike

std::size_t LineAt(std::string_view text, std::size_t at) {
  return static_cast<std::size_t>(std::ranges::count(text.substr(0, at), '\n')) + 1;
}

std::string_view WithoutReturn(std::string_view line) {
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string Shown(std::string_view line) {
  return StrCat("`", ToUtf8(Utf8Prefix(WithoutReturn(line), kEditedLineBytes)), "`");
}

// How much of the pairs of bytes two lines share, from 0 to 1: cheap, and good enough to find a
// line that somebody remembered wrongly.
double Alike(std::string_view a, std::string_view b) {
  if (a.size() < 2 || b.size() < 2) return a == b ? 1 : 0;
  std::array<std::int32_t, 4096> counts{};
  const auto slot = [](std::string_view text, std::size_t i) {
    const auto pair = static_cast<unsigned>(static_cast<unsigned char>(text[i])) * 31 +
                      static_cast<unsigned char>(text[i + 1]);
    return pair % 4096;
  };
  for (std::size_t i = 0; i + 1 < a.size(); ++i) ++counts[slot(a, i)];
  std::size_t shared = 0;
  for (std::size_t i = 0; i + 1 < b.size(); ++i) shared += counts[slot(b, i)]-- > 0 ? 1 : 0;
  return 2.0 * static_cast<double>(shared) / static_cast<double>(a.size() + b.size() - 2);
}

std::vector<std::string_view> BareLines(std::string_view text) {
  std::vector<std::string_view> lines = Split(text, '\n');
  if (lines.back().empty()) lines.pop_back();
  return lines;
}

// Where lines of `text` begin like `old` and then differ; the longest such place.
struct Place {
  std::size_t line = 0;  // from 0
  std::size_t same = 0;  // lines that are equal but for the blanks around them
};

Place LongestPlace(const std::vector<std::string_view>& text,
                   const std::vector<std::string_view>& old) {
  Place best;
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::size_t same = 0;
    while (same < old.size() && i + same < text.size() && Trim(text[i + same]) == Trim(old[same])) {
      ++same;
    }
    if (same > best.same) best = {.line = i, .same = same};
  }
  return best;
}

// What a model that has written `old` from memory should look at.
std::string WhereItDiffers(std::string_view text, std::string_view old) {
  std::vector<std::string_view> lines = BareLines(text);
  if (lines.size() > kMostCompared) lines.resize(kMostCompared);
  std::vector<std::string_view> wanted = BareLines(old);
  while (!wanted.empty() && Trim(wanted.front()).empty()) wanted.erase(wanted.begin());
  while (!wanted.empty() && Trim(wanted.back()).empty()) wanted.pop_back();
  if (wanted.empty() || lines.empty()) return "read the file first";
  const Place place = LongestPlace(lines, wanted);
  if (place.same == wanted.size()) {
    return StrCat("from line ", place.line + 1,
                  " on it stands there with other blanks or indentation; line ", place.line + 1,
                  " is ", Shown(lines[place.line]));
  }
  if (place.same > 0) {
    const std::size_t at = place.line + place.same;
    return StrCat("it fits from line ", place.line + 1, ", but where `old` has ",
                  Shown(wanted[place.same]), ", line ", at + 1, " is ",
                  at < lines.size() ? Shown(lines[at]) : "the end of the file");
  }
  double best = 0;
  std::size_t nearest = 0;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const double alike = Alike(Trim(lines[i]), Trim(wanted.front()));
    if (alike > best) {
      best = alike;
      nearest = i;
    }
  }
  if (best < kAlike) return "no line looks like it; read the file again";
  return StrCat("the nearest is line ", nearest + 1, ": ", Shown(lines[nearest]));
}

std::vector<std::size_t> PlacesOf(std::string_view text, std::string_view old) {
  std::vector<std::size_t> places;
  for (std::size_t at = text.find(old); at != std::string_view::npos;
       at = text.find(old, at + old.size())) {
    places.push_back(at);
  }
  return places;
}

std::string LineNumbers(std::string_view text, const std::vector<std::size_t>& places) {
  std::string numbers;
  const std::size_t shown = std::min(places.size(), kMostPlaces);
  for (std::size_t i = 0; i < shown; ++i) {
    StrAppend(numbers, i == 0 ? "" : ", ", LineAt(text, places[i]));
  }
  if (shown < places.size()) StrAppend(numbers, " and ", places.size() - shown, " more");
  return numbers;
}

// Bare line feeds as the file has them.
std::string WithReturns(std::string_view text) {
  std::string out;
  for (const char c : text) StrAppend(out, c == '\n' ? "\r\n" : std::string_view(&c, 1));
  return out;
}

std::string Replaced(std::string_view text, std::string_view old, std::string_view fresh,
                     const std::vector<std::size_t>& places) {
  std::string out;
  std::size_t from = 0;
  for (const std::size_t place : places) {
    StrAppend(out, text.substr(from, place - from), fresh);
    from = place + old.size();
  }
  StrAppend(out, text.substr(from));
  return out;
}

// The lines that a replacement at byte `at` has made, with their numbers.
std::string ChangedLines(std::string_view text, std::size_t at, std::size_t size) {
  const std::size_t first = LineAt(text, at);
  const std::size_t last = LineAt(text, at + size - (size > 0 ? 1 : 0));
  const std::vector<std::string_view> lines = Split(text, '\n');
  std::string out;
  for (std::size_t line = first; line <= std::min(last, first + kMostShown - 1); ++line) {
    StrAppend(out, "\n", line, ": ",
              ToUtf8(Utf8Prefix(WithoutReturn(lines[line - 1]), kEditedLineBytes)));
  }
  if (last >= first + kMostShown) StrAppend(out, "\n... to line ", last);
  return out;
}

}  // namespace

Result<std::string> EditFileTool(const BuiltinCall& call) {
  WEIR_TRY(const std::string_view path, call.Need("path"));
  WEIR_TRY(const std::string_view old_text, call.Need("old"));
  WEIR_TRY(const std::string_view new_text, call.Need("new"));
  if (old_text.empty()) {
    return Fail(Code::kInvalidRequest,
                "`old` is empty; give the text that is to be replaced, or make a new file with "
                "write_file");
  }
  if (old_text == new_text) {
    return Fail(Code::kInvalidRequest, "`old` and `new` are the same; nothing would change");
  }
  WEIR_TRY(const std::string text, call.root.Read(path, kMostFileBytes));
  std::string old(old_text);
  std::string fresh(new_text);
  std::vector<std::size_t> places = PlacesOf(text, old);
  // A model does not see how lines end.
  if (places.empty() && text.contains("\r\n") && !old_text.contains('\r')) {
    old = WithReturns(old_text);
    fresh = WithReturns(new_text);
    places = PlacesOf(text, old);
  }
  if (places.empty()) {
    return Fail(Code::kInvalidRequest,
                StrCat("`old` does not occur in ", path, ": ", WhereItDiffers(text, old_text),
                       ". Copy it exactly from read_file"));
  }
  const bool all = call.Flag("all");
  if (places.size() > 1 && !all) {
    return Fail(Code::kInvalidRequest,
                StrCat("`old` occurs ", places.size(), " times in ", path, ", on lines ",
                       LineNumbers(text, places),
                       ". Put more of the lines around it into `old`, or set `all` to true"));
  }
  const std::string result = Replaced(text, old, fresh, places);
  WEIR_CHECK(call.root.Write(path, result));
  if (places.size() > 1) {
    return StrCat("replaced ", CountOf(places.size(), "place"), " in ", path, ", on lines ",
                  LineNumbers(text, places));
  }
  return StrCat("changed ", path, ChangedLines(result, places.front(), fresh.size()));
}

}  // namespace weir::agent
