#include "weir/flow/units.h"

#include <algorithm>
#include <array>
#include <utility>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/flow/units_language.h"

namespace weir::flow {
namespace {

struct Ending {
  std::string_view ending;
  Language language;
};

constexpr std::array<Ending, 22> kEndings = {
    {{".py", Language::kPython},  {".pyi", Language::kPython}, {".c", Language::kC},
     {".h", Language::kCpp},      {".cc", Language::kCpp},     {".cpp", Language::kCpp},
     {".cxx", Language::kCpp},    {".hh", Language::kCpp},     {".hpp", Language::kCpp},
     {".hxx", Language::kCpp},    {".java", Language::kJava},  {".js", Language::kScript},
     {".mjs", Language::kScript}, {".cjs", Language::kScript}, {".jsx", Language::kScript},
     {".ts", Language::kScript},  {".mts", Language::kScript}, {".cts", Language::kScript},
     {".tsx", Language::kScript}, {".go", Language::kGo},      {".rs", Language::kRust},
     {".ipp", Language::kCpp}}};

void FillLines(std::string_view text, std::vector<Unit>& units) {
  std::vector<std::size_t> starts = {0};
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\n') starts.push_back(i + 1);
  }
  const auto line_of = [&](std::size_t at) {
    return static_cast<std::size_t>(std::ranges::upper_bound(starts, at) - starts.begin());
  };
  for (Unit& unit : units) {
    unit.line = line_of(unit.begin);
    unit.end_line = line_of(std::max(unit.begin, unit.end - 1));
  }
}

}  // namespace

std::optional<Language> LanguageOf(std::string_view path) {
  const std::size_t dot = path.rfind('.');
  if (dot == std::string_view::npos) return std::nullopt;
  const std::string ending = ToLower(path.substr(dot));
  const auto at = std::ranges::find(kEndings, ending, &Ending::ending);
  return at == kEndings.end() ? std::nullopt : std::optional(at->language);
}

std::string_view LanguagesText() {
  return "Python (.py), C and C++ (.c .h .cc .cpp .cxx .hh .hpp .hxx .ipp), Java (.java), "
         "JavaScript and TypeScript (.js .mjs .cjs .jsx .ts .mts .cts .tsx), Go (.go), Rust (.rs)";
}

std::string_view UnitKindName(UnitKind kind) {
  constexpr std::array<std::string_view, 3> kNames = {"function", "method", "class"};
  return kNames[static_cast<std::size_t>(kind)];
}

std::size_t LineStart(std::string_view text, std::size_t at) {
  std::size_t start = at;
  while (start > 0 && (text[start - 1] == ' ' || text[start - 1] == '\t')) --start;
  return start == 0 || text[start - 1] == '\n' ? start : at;
}

void UnitStack::Open(std::string name, UnitKind kind, std::size_t begin) {
  units_.push_back(
      {.name = std::move(name), .kind = kind, .begin = begin, .end = begin, .depth = open_.size()});
  open_.push_back(units_.size() - 1);
}

void UnitStack::Close(std::size_t end) {
  units_[open_.back()].end = end;
  open_.pop_back();
}

std::optional<UnitKind> UnitStack::kind() const {
  return open_.empty() ? std::nullopt : std::optional(units_[open_.back()].kind);
}

std::vector<Unit> UnitsOf(std::string_view text, Language language) {
  std::vector<Unit> units =
      language == Language::kPython ? PythonUnits(text) : BraceUnits(text, language);
  FillLines(text, units);
  return units;
}

std::vector<Unit> RowUnitsOf(std::string_view text, Language language, bool classes) {
  std::vector<Unit> rows;
  std::size_t free_from = 0;  // where the last row ends
  for (Unit& unit : UnitsOf(text, language)) {
    const bool fits = (unit.kind == UnitKind::kClass) == classes;
    const bool inside = classes ? unit.depth > 0 : unit.begin < free_from;
    if (!fits || inside) continue;
    free_from = unit.end;
    rows.push_back(std::move(unit));
  }
  return rows;
}

std::string UnitId(std::string_view path, const Unit& unit) {
  const std::string text = StrCat(path, ":", UnitKindName(unit.kind), ":", unit.name);
  return HexText(StableHash(text.data(), text.size()));
}

}  // namespace weir::flow
