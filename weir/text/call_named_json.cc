// Calls whose arguments are a JSON object behind the name: f{...}, f[ARGS]{...},
// functions.f:0<|mark|>{...}, function<mark>f and a fence.

#include <cstddef>

#include "weir/base/text.h"
#include "weir/text/call_list.h"

namespace weir::text {
namespace {

constexpr std::size_t kMaxName = 256;
constexpr std::size_t kMaxMark = 64;

bool IsToolNameByte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-' || c == '.' || c == ':' || c == '/' || static_cast<unsigned char>(c) >= 0x80;
}

class NamedJson {
 public:
  NamedJson(std::string_view text, CallList& list) : text_(text), list_(list) {}

  void Read() {
    for (;;) {
      Skip(";,");
      if (at_ == text_.size()) return;
      if (!ReadCall()) {
        if (list_.empty()) return list_.Refuse("no name with a JSON object behind it");
        list_.EndAt(at_);
        return list_.Note(StrCat("left out: ", Truncate(text_.substr(at_), 80)));
      }
    }
  }

 private:
  bool ReadCall() {
    const std::size_t begin = at_;
    std::string_view written = Name();
    if (written.empty()) {
      at_ = begin;
      return false;
    }
    std::string_view id = Filler();
    // DeepSeek writes the type of the tool before its name.
    if (written == "function" && at_ < text_.size() && IsToolNameByte(text_[at_])) {
      written = Name();
      id = Filler();
    }
    const std::string_view name = NameOf(written);
    const bool has_arguments =
        at_ < text_.size() && (text_[at_] == '{' || text_[at_] == '[' || text_[at_] == '"');
    const bool bare = at_ == text_.size() && list_.Tool(name) != nullptr;
    if (!has_arguments && !bare) {
      at_ = begin;
      return false;
    }
    const std::string_view json = text_.substr(at_, End() - at_);
    std::string arguments;
    if (!ReadJsonArguments(json, list_.Tool(name), list_, arguments)) {
      list_.Refuse(StrCat("the arguments of ", name, " are no object"));
      at_ = begin;
      return false;
    }
    at_ += json.size();
    Filler();
    if (id.empty() && CountAt(written) < written.size()) id = Trim(written);
    list_.Add(name, std::move(arguments), id);
    return true;
  }

  // Kimi counts its calls, and "functions.f:0" is the id of the call as well: where ":0" begins.
  static std::size_t CountAt(std::string_view written) {
    const std::size_t digits = written.find_last_not_of("0123456789");
    const bool counts =
        digits != written.npos && written[digits] == ':' && digits + 1 < written.size();
    return counts ? digits : written.size();
  }

  std::string_view NameOf(std::string_view written) const {
    std::string_view name = list_.PlainName(written);
    if (list_.Tool(name) != nullptr) return name;
    name = name.substr(0, CountAt(name));
    return name.ends_with(':') ? name.substr(0, name.size() - 1) : name;
  }

  std::string_view Name() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && at_ - begin < kMaxName && IsToolNameByte(text_[at_])) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  void Skip(std::string_view also) {
    while (at_ < text_.size() && (kWhiteSpace.contains(text_[at_]) || also.contains(text_[at_])))
      ++at_;
  }

  // Marks, fences and white space between a name and its arguments, and behind them. Gives the id
  // that stood in it.
  std::string_view Filler() {
    std::string_view id;
    for (;;) {
      Skip("");
      const std::string_view rest = text_.substr(at_);
      if (rest.starts_with("[CALL_ID]")) {
        at_ += 9;
        Skip("");
        id = Name();
      } else if (rest.starts_with("[ARGS]")) {
        at_ += 6;
      } else if (rest.starts_with("```")) {
        at_ += rest.starts_with("```json") ? 7 : 3;
      } else if (const std::size_t mark = MarkSize(rest); mark != 0) {
        at_ += mark;
      } else {
        return id;
      }
    }
  }

  static std::size_t MarkSize(std::string_view rest) {
    if (!rest.starts_with('<')) return 0;
    const std::size_t end = rest.substr(0, kMaxMark).find('>');
    return end == rest.npos ? 0 : end + 1;
  }

  // Where the arguments end: behind the bracket that closes them, when nothing or another call
  // comes then. Otherwise the brackets cannot be trusted, and they are the rest of the text.
  std::size_t End() {
    const std::size_t end = ClosingBracket();
    NamedJson next(text_, list_);
    next.at_ = end;
    next.Filler();
    next.Skip(";,");
    if (next.at_ == text_.size()) return end;
    if (next.Name().empty()) return text_.size();
    next.Filler();
    const bool follows = next.at_ < text_.size() && (text_[next.at_] == '{' || next.IsName());
    return follows ? end : text_.size();
  }

  bool IsName() const { return IsToolNameByte(text_[at_]); }

  std::size_t ClosingBracket() const {
    std::size_t depth = 0;
    bool in_text = false;
    for (std::size_t i = at_; i < text_.size(); ++i) {
      const char c = text_[i];
      if (in_text) {
        if (c == '\\') ++i;
        if (c == '"') in_text = false;
        if (!in_text && depth == 0) return i + 1;
      } else if (c == '"') {
        in_text = true;
      } else if (c == '{' || c == '[') {
        ++depth;
      } else if ((c == '}' || c == ']') && --depth == 0) {
        return i + 1;
      }
    }
    return text_.size();
  }

  std::string_view text_;
  CallList& list_;
  std::size_t at_ = 0;
};

}  // namespace

void ReadNamedJsonCalls(std::string_view body, CallList& list) { NamedJson(body, list).Read(); }

}  // namespace weir::text
