#include "weir/sim/constraint/structural_tag.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "weir/base/random.h"
#include "weir/base/text.h"
#include "weir/json/reader.h"
#include "weir/sim/constraint/stretch.h"

namespace weir::sim {
namespace {

using json::View;

constexpr std::size_t kMaxTagDepth = 64;
constexpr std::size_t kMaxStretches = 1000;
constexpr std::size_t kMostTags = 2;  // of those that may be repeated at will

std::unexpected<Error> Refuse(const std::string& place, std::string_view why) {
  return Fail(Code::kUnsupportedConstraint, StrCat("structural tag, at ", place, ": ", why));
}

class TagCompiler {
 public:
  explicit TagCompiler(std::uint64_t seed) : random_(seed) {}

  Result<CompiledConstraint> Legacy(View tag) {
    WEIR_CHECK(Triggered(tag, tag.Find("structures"), "structures"));
    return Take(false);
  }

  Result<CompiledConstraint> Format(View format) {
    WEIR_CHECK(Element(format, "format", true));
    return Take(format.Find("type").StringOr("") == "json_schema");
  }

 private:
  Result<CompiledConstraint> Take(bool json) {
    if (out_.empty()) {
      return Fail(Code::kUnsupportedConstraint,
                  "the structural tag leaves only the empty text; give it an element");
    }
    return CompiledConstraint{.stretches = std::move(out_), .json = json};
  }

  void Fixed(std::string_view text) {
    if (text.empty()) return;
    if (!out_.empty() && !out_.back().fixed.empty()) {
      out_.back().fixed += text;
    } else {
      out_.push_back({.fixed = std::string(text)});
    }
  }

  Result<void> Add(Result<Stretch> stretch, const std::string& place) {
    if (!stretch) {
      Error error = std::move(stretch).error();
      error.message = StrCat("structural tag, at ", place, ": ", error.message);
      return Fail(std::move(error));
    }
    if (out_.size() >= kMaxStretches) return Refuse(place, "too many elements");
    out_.push_back(*std::move(stretch));
    return {};
  }

  Result<void> FreeText(View format, const std::string& place, bool last) {
    if (last) return Add(Stretch(), place);
    std::vector<std::string> forbidden = enders_;
    for (const View text : format.Find("excludes").items()) {
      forbidden.emplace_back(text.StringOr(""));
    }
    return Add(WordsStretch(forbidden), place);
  }

  // A schema as an object, or as the text of one.
  Result<void> Schema(View schema, const std::string& place) {
    if (!schema.IsString()) return Add(SchemaStretch(schema), place);
    WEIR_TRY(const json::Value read, json::Read(schema.StringOr("")));
    return Add(SchemaStretch(read), place);
  }

  Result<std::string_view> TextOf(View format, std::string_view key, const std::string& place) {
    const auto text = format.Find(key).AsString();
    if (!text) return Refuse(place, StrCat("\"", key, "\" must be a string"));
    return *text;
  }

  Result<View> ListOf(View format, std::string_view key, const std::string& place) {
    const View list = format.Find(key);
    if (!list.IsArray() || list.empty()) {
      return Refuse(place, StrCat("\"", key, "\" must be a list that is not empty"));
    }
    return list;
  }

  // `last`: nothing of the answer comes behind it.
  Result<void> Element(View format, const std::string& place, bool last) {
    if (++depth_ > kMaxTagDepth) return Refuse(place, "the formats nest too deep");
    const auto done = OneElement(format, place, last);
    --depth_;
    return done;
  }

  Result<void> OneElement(View format, const std::string& place, bool last) {
    const std::string_view type = format.Find("type").StringOr("");
    if (type == "const_string") {
      WEIR_TRY(const std::string_view text, TextOf(format, "value", place));
      Fixed(text);
      return {};
    }
    if (type == "json_schema") {
      const std::string_view style = format.Find("style").StringOr("json");
      if (style != "json") return Refuse(place, StrCat("the style ", style, " is not simulated"));
      return Schema(format.Find("json_schema"), place);
    }
    if (type == "any_text") return FreeText(format, place, last);
    if (type == "regex") {
      WEIR_TRY(const std::string_view pattern, TextOf(format, "pattern", place));
      return Add(RegexStretch(pattern), place);
    }
    if (type == "grammar") {
      WEIR_TRY(const std::string_view grammar, TextOf(format, "grammar", place));
      return Add(GrammarStretch(grammar), place);
    }
    if (type == "sequence") return Sequence(format, place, last);
    if (type == "or") return Or(format, place, last);
    if (type == "tag") return Tag(format, place);
    if (type == "triggered_tags") return Triggered(format, format.Find("tags"), place);
    if (type == "tags_with_separator") return Separated(format, place);
    return Unknown(type, place);
  }

  static Result<void> Unknown(std::string_view type, const std::string& place) {
    constexpr std::string_view kTypes[] = {
        "const_string", "json_schema", "any_text", "regex",          "grammar",
        "sequence",     "or",          "tag",      "triggered_tags", "tags_with_separator"};
    if (type.empty()) return Refuse(place, "the format has no \"type\"");
    if (type == "qwen_xml_parameter") {
      return Refuse(place, "qwen_xml_parameter is not simulated; use json_schema");
    }
    const std::vector<std::string> known(std::begin(kTypes), std::end(kTypes));
    const auto near = Nearest(type, known);
    return Refuse(place, StrCat("the format type \"", type, "\" is not known; ",
                                near ? StrCat("did you mean \"", *near, "\"?")
                                     : StrCat("known are ", Join(known, ", "))));
  }

  Result<void> Sequence(View format, const std::string& place, bool last) {
    WEIR_TRY(const View elements, ListOf(format, "elements", place));
    for (std::size_t i = 0; i < elements.size(); ++i) {
      const bool at_end = last && i + 1 == elements.size();
      // What begins behind free text must not stand in it.
      const std::size_t before = enders_.size();
      if (i + 1 < elements.size()) NoteBeginning(elements[i + 1]);
      const auto done = Element(elements[i], StrCat(place, "/elements/", i), at_end);
      enders_.resize(before);
      WEIR_CHECK(done);
    }
    return {};
  }

  void NoteBeginning(View format) {
    for (const std::string_view key : {"value", "begin"}) {
      const std::string_view text = format.Find(key).StringOr("");
      if (!text.empty()) enders_.emplace_back(text);
    }
    for (const View trigger : format.Find("triggers").items()) {
      enders_.emplace_back(trigger.StringOr(""));
    }
  }

  Result<void> Or(View format, const std::string& place, bool last) {
    WEIR_TRY(const View elements, ListOf(format, "elements", place));
    const std::size_t pick = random_.Below(elements.size());
    // The others must be right too, whatever is picked.
    std::vector<Stretch> before;
    std::swap(before, out_);
    std::vector<Stretch> picked;
    for (std::size_t i = 0; i < elements.size(); ++i) {
      WEIR_CHECK(Element(elements[i], StrCat(place, "/elements/", i), last));
      std::vector<Stretch> made = std::exchange(out_, {});
      if (i == pick) picked = std::move(made);
    }
    out_ = std::move(before);
    Append(picked);
    return {};
  }

  Result<void> Tag(View tag, const std::string& place) {
    WEIR_TRY(const std::string_view begin, TextOf(tag, "begin", place));
    // Several ends are alternatives.
    View end = tag.Find("end");
    if (end.IsArray() && !end.empty()) end = end[random_.Below(end.size())];
    if (!end.IsString()) return Refuse(place, "\"end\" must be a string");
    Fixed(begin);
    const std::size_t before = enders_.size();
    if (!end.StringOr("").empty()) enders_.emplace_back(end.StringOr(""));
    const View schema = tag.Find("schema");
    const auto done = schema.exists()
                          ? Schema(schema, StrCat(place, "/schema"))
                          : Element(tag.Find("content"), StrCat(place, "/content"), false);
    enders_.resize(before);
    WEIR_CHECK(done);
    Fixed(end.StringOr(""));
    return {};
  }

  // All tags are compiled, so that what is refused does not hang on the seed.
  Result<std::vector<std::vector<Stretch>>> Tags(View tags, const std::string& place) {
    std::vector<Stretch> before;
    std::swap(before, out_);
    std::vector<std::vector<Stretch>> all;
    for (std::size_t i = 0; i < tags.size(); ++i) {
      WEIR_CHECK(Tag(tags[i], StrCat(place, "/", i)));
      all.push_back(std::exchange(out_, {}));
    }
    out_ = std::move(before);
    return all;
  }

  void Append(const std::vector<Stretch>& stretches) {
    for (const Stretch& stretch : stretches) {
      if (stretch.fixed.empty()) {
        out_.push_back(stretch);
      } else {
        Fixed(stretch.fixed);
      }
    }
  }

  std::size_t Count(View format) {
    return format.Find("stop_after_first").BoolOr(false) ? 1 : 1 + random_.Below(kMostTags);
  }

  Result<void> Triggered(View format, View tags, const std::string& place) {
    if (!tags.IsArray() || tags.empty()) return Refuse(place, "there must be at least one tag");
    WEIR_TRY(const View triggers, ListOf(format, "triggers", place));
    std::vector<std::string> forbidden = enders_;
    for (const View trigger : triggers.items()) {
      if (trigger.StringOr("").empty()) return Refuse(place, "a trigger must be a text");
      forbidden.emplace_back(trigger.StringOr(""));
    }
    for (const View tag : tags.items()) {
      const std::string_view begin = tag.Find("begin").StringOr("");
      const auto starts = [&](View trigger) { return begin.starts_with(trigger.StringOr("")); };
      if (std::ranges::none_of(triggers.items(), starts)) {
        return Refuse(place, StrCat("no trigger begins the tag \"", begin, "\""));
      }
    }
    WEIR_TRY(const auto all, Tags(tags, place));
    const std::size_t count = Count(format);
    const bool at_once = format.Find("at_least_one").BoolOr(false);
    for (std::size_t i = 0; i < count; ++i) {
      // With at_least_one the answer begins with a tag.
      if (!at_once || i > 0) {
        WEIR_CHECK(Add(WordsStretch(forbidden), place));
      }
      Append(all[random_.Below(all.size())]);
    }
    return {};
  }

  Result<void> Separated(View format, const std::string& place) {
    WEIR_TRY(const View tags, ListOf(format, "tags", place));
    WEIR_TRY(const std::string_view separator, TextOf(format, "separator", place));
    WEIR_TRY(const auto all, Tags(tags, StrCat(place, "/tags")));
    const std::size_t count = Count(format);
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) Fixed(separator);
      Append(all[random_.Below(all.size())]);
    }
    return {};
  }

  Random random_;
  std::vector<Stretch> out_;
  std::vector<std::string> enders_;  // what would end the free text around this place
  std::size_t depth_ = 0;
};

}  // namespace

Result<CompiledConstraint> CompileStructuralTag(View tag, std::uint64_t seed) {
  if (!tag.IsObject()) {
    return Fail(Code::kUnsupportedConstraint, "a structural tag is a JSON object; this is none");
  }
  TagCompiler compiler(seed);
  if (tag.Find("structures").exists()) return compiler.Legacy(tag);
  if (tag.Find("format").IsObject()) return compiler.Format(tag.Find("format"));
  return Fail(Code::kUnsupportedConstraint,
              "the structural tag has neither \"structures\" nor \"format\"");
}

}  // namespace weir::sim
