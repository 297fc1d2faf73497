#include "weir/config/import_python.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/config/import_python_tokens.h"
#include "weir/config/import_source.h"

namespace weir::config {
namespace {

constexpr std::size_t kDeepest = 100;

// The values of one statement.
class Values {
 public:
  Values(std::span<const PythonToken> tokens, std::string_view file)
      : tokens_(tokens), file_(file) {}

  const PythonToken& Look(std::size_t ahead = 0) const {
    static const PythonToken kNothing;
    return at_ + ahead < tokens_.size() ? tokens_[at_ + ahead] : kNothing;
  }
  void Skip(std::size_t count = 1) { at_ += count; }
  bool Skip(std::string_view sign) {
    if (!Look().Is(sign)) return false;
    ++at_;
    return true;
  }
  bool done() const { return at_ >= tokens_.size(); }

  Result<SourceNode> One() {
    const PythonToken& first = Look();
    if (++depth_ > kDeepest) return Wrong(first, "values are nested too deep");
    WEIR_TRY(SourceNode node, Atom());
    --depth_;
    const PythonToken& after = Look();
    const bool ends = after.kind == PythonKind::kEnd || after.Is(",") || after.Is(":") ||
                      after.Is("]") || after.Is(")") || after.Is("}") || after.starts_line;
    if (!ends) return Expression(first);
    node.mark = first.mark;
    return node;
  }

  // Behind the opening parenthesis of a call: {arguments: [...], named: {...}}.
  Result<SourceNode> Arguments() {
    SourceNode arguments{.kind = json::Kind::kArray};
    SourceNode named{.kind = json::Kind::kObject};
    while (!Skip(")")) {
      if (done()) return Wrong(Look(), "a call ends too early");
      if (Look().kind == PythonKind::kName && Look(1).Is("=")) {
        const PythonToken key = Look();
        Skip(2);
        WEIR_TRY(SourceNode value, One());
        value.key_mark = key.mark;
        named.Add(key.text, std::move(value));
      } else {
        WEIR_TRY(SourceNode value, One());
        arguments.children.push_back(std::move(value));
      }
      WEIR_CHECK(Comma(")"));
    }
    SourceNode call;
    call.Add("arguments", std::move(arguments));
    call.Add("named", std::move(named));
    return call;
  }

 private:
  std::unexpected<Error> Wrong(const PythonToken& token, std::string_view what) const {
    const json::Mark mark =
        token.kind == PythonKind::kEnd && !tokens_.empty() ? tokens_.back().mark : token.mark;
    return Fail(Code::kConfigError, StrCat(json::FormatMark(file_, mark), ": ", what));
  }

  std::unexpected<Error> Expression(const PythonToken& token) const {
    return Wrong(token,
                 StrCat("an expression stands where a value is needed",
                        token.kind == PythonKind::kName ? StrCat(", at `", token.text, "`") : "",
                        "; programs are not run here: write the value itself"));
  }

  Result<void> Comma(std::string_view end) {
    if (Skip(",") || Look().Is(end)) return {};
    return Wrong(Look(), StrCat("expected , or ", end));
  }

  Result<SourceNode> Atom() {
    const PythonToken token = Look();
    Skip();
    SourceNode node{.mark = token.mark};
    switch (token.kind) {
      case PythonKind::kText:
        node.kind = json::Kind::kString;
        node.text = token.text;
        while (Look().kind == PythonKind::kText && !Look().starts_line) {
          node.text += Look().text;
          Skip();
        }
        return node;
      case PythonKind::kNumber:
        return Number(token, "");
      case PythonKind::kName:
        return Named(token);
      case PythonKind::kSign:
        return Bracketed(token);
      default:
        return Expression(token);
    }
  }

  Result<SourceNode> Number(const PythonToken& token, std::string_view sign) const {
    std::string digits(sign);
    for (const char c : token.text) {
      if (c != '_') digits += c;
    }
    SourceNode node{.kind = json::Kind::kNumber, .mark = token.mark};
    if (const auto whole = ParseInt(digits)) {
      node.text = StrCat(*whole);
    } else if (digits.ends_with('.')) {
      digits += '0';
    }
    if (node.text.empty()) {
      const std::optional<double> number = ParseDouble(digits);
      if (!number) return Wrong(token, StrCat("cannot read the number ", Truncate(token.text, 40)));
      node.text = StrCat(*number);
    }
    return node;
  }

  Result<SourceNode> Bracketed(const PythonToken& token) {
    if (token.Is("-") && Look().kind == PythonKind::kNumber) {
      const PythonToken number = Look();
      Skip();
      return Number(number, "-");
    }
    if (token.Is("{")) return Dict();
    if (token.Is("[") || token.Is("(")) return List(token);
    return Expression(token);
  }

  Result<SourceNode> List(const PythonToken& open) {
    const bool tuple = open.Is("(");
    const std::string_view end = tuple ? ")" : "]";
    SourceNode list{.kind = json::Kind::kArray};
    bool comma = false;
    while (!Skip(end)) {
      WEIR_TRY(SourceNode item, One());
      list.children.push_back(std::move(item));
      comma = Look().Is(",");
      WEIR_CHECK(Comma(end));
    }
    if (tuple && !comma && list.children.size() == 1) {
      SourceNode inner = std::move(list.children.front());
      return inner;
    }
    return list;
  }

  Result<SourceNode> Dict() {
    SourceNode dict{.kind = json::Kind::kObject};
    while (!Skip("}")) {
      const PythonToken key = Look();
      if (key.kind != PythonKind::kText || !Look(1).Is(":")) {
        return Wrong(key, "expected a key in quotation marks and a colon");
      }
      Skip(2);
      WEIR_TRY(SourceNode value, One());
      value.key_mark = key.mark;
      dict.Add(key.text, std::move(value));
      WEIR_CHECK(Comma("}"));
    }
    return dict;
  }

  // True, None, a variable of the environment, field(default=...), list(), a class of its own.
  Result<SourceNode> Named(const PythonToken& token) {
    if (token.text == "None") return SourceNode{.mark = token.mark};
    if (token.text == "True" || token.text == "False") {
      return SourceNode{
          .kind = json::Kind::kBool, .flag = token.text == "True", .mark = token.mark};
    }
    std::string name = token.text;
    while (Look().Is(".") && Look(1).kind == PythonKind::kName) {
      StrAppend(name, ".", Look(1).text);
      Skip(2);
    }
    if (name == "os.environ" && Look().Is("[") && Look(1).kind == PythonKind::kText &&
        Look(2).Is("]")) {
      const std::string variable = Look(1).text;
      Skip(3);
      return Variable(variable, token.mark);
    }
    if (!Look().Is("(")) return Expression(token);
    Skip();
    if (name == "os.getenv" || name == "os.environ.get") return FromEnvironment(token);
    if (name == "field" || name == "Field") return FieldDefault(token);
    if (Skip(")")) return Made(name, token);
    return Expression(token);
  }

  static SourceNode Variable(std::string_view name, json::Mark mark) {
    return {.kind = json::Kind::kString, .text = StrCat("${", name, "}"), .mark = mark};
  }

  Result<SourceNode> FromEnvironment(const PythonToken& token) {
    WEIR_TRY(const SourceNode call, Arguments());
    const std::vector<SourceNode>& given = call.children[0].children;
    if (given.empty() || given[0].kind != json::Kind::kString) return Expression(token);
    if (given.size() == 1 || given[1].kind == json::Kind::kNull) {
      return Variable(given[0].text, token.mark);
    }
    return Variable(StrCat(given[0].text, ":-", given[1].text), token.mark);
  }

  // What list(), dict() or a class that is called gives.
  Result<SourceNode> Made(std::string_view name, const PythonToken& token) const {
    if (name == "list" || name == "tuple") {
      return SourceNode{.kind = json::Kind::kArray, .mark = token.mark};
    }
    const bool is_class = !name.empty() && name[0] >= 'A' && name[0] <= 'Z';
    if (name == "dict" || is_class)
      return SourceNode{.kind = json::Kind::kObject, .mark = token.mark};
    return Expression(token);
  }

  Result<SourceNode> FieldDefault(const PythonToken& token) {
    SourceNode value{.mark = token.mark};
    while (!Skip(")")) {
      if (done()) return Wrong(token, "a call ends too early");
      const bool has_name = Look().kind == PythonKind::kName && Look(1).Is("=");
      const std::string key = has_name ? Look().text : "default";
      if (has_name) Skip(2);
      if (key == "default_factory" && Look().kind == PythonKind::kName) {
        const PythonToken made = Look();
        Skip();
        WEIR_TRY(value, Made(made.text, made));
      } else if (key == "default" && !Look().Is(".")) {
        WEIR_TRY(value, One());
      } else {
        SkipArgument();
      }
      WEIR_CHECK(Comma(")"));
    }
    return value;
  }

  // Up to the comma or parenthesis that ends it.
  void SkipArgument() {
    int open = 0;
    while (!done() && (open > 0 || (!Look().Is(",") && !Look().Is(")")))) {
      if (Look().Is("(") || Look().Is("[") || Look().Is("{")) ++open;
      if (Look().Is(")") || Look().Is("]") || Look().Is("}")) --open;
      Skip();
    }
  }

  std::span<const PythonToken> tokens_;
  std::string_view file_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
};

class Program {
 public:
  Program(std::span<const PythonToken> tokens, std::string_view file,
          std::span<const std::string_view> calls)
      : tokens_(tokens), file_(file), wanted_(calls) {
    classes_.kind = fields_.kind = values_.kind = json::Kind::kObject;
    calls_.kind = json::Kind::kArray;
  }

  Result<SourceNode> Run() {
    std::size_t begin = 0;
    while (tokens_[begin].kind != PythonKind::kEnd) {
      std::size_t end = begin + 1;
      while (!tokens_[end].starts_line) ++end;
      WEIR_CHECK(Statement(tokens_.subspan(begin, end - begin)));
      begin = end;
    }
    SourceNode root;
    root.Add("classes", std::move(classes_));
    root.Add("fields", std::move(fields_));
    root.Add("values", std::move(values_));
    root.Add("calls", std::move(calls_));
    return root;
  }

 private:
  Result<void> Statement(std::span<const PythonToken> line) {
    static constexpr std::string_view kBlocks[] = {"def",   "async", "with",   "if",      "for",
                                                   "while", "try",   "except", "finally", "else"};
    const int indent = line[0].mark.column;
    if (skipped_ > 0 && indent > skipped_) return {};
    skipped_ = 0;
    if (class_ > 0 && indent <= class_) class_ = 0;
    if (line[0].kind != PythonKind::kName) return {};
    const std::string& word = line[0].text;
    if (word == "class" && line.size() > 2 && line[1].kind == PythonKind::kName) {
      class_ = indent;
      SourceNode fields{
          .kind = json::Kind::kObject, .mark = line[0].mark, .key_mark = line[1].mark};
      classes_.Add(line[1].text, std::move(fields));
    } else if (std::ranges::find(kBlocks, word) != std::end(kBlocks)) {
      skipped_ = indent;
    } else if (line.size() > 2 && line[1].Is(":")) {
      return Declaration(line);
    } else if (line.size() > 2 && line[1].Is("=")) {
      if (line[2].Is("{")) return Assignment(line);
      return Call(line.subspan(2));
    } else {
      return Call(line);
    }
    return {};
  }

  // name: type = default
  Result<void> Declaration(std::span<const PythonToken> line) {
    std::size_t equals = 2;
    int open = 0;
    for (; equals < line.size() && !(open == 0 && line[equals].Is("=")); ++equals) {
      if (line[equals].Is("[") || line[equals].Is("(")) ++open;
      if (line[equals].Is("]") || line[equals].Is(")")) --open;
    }
    SourceNode value{.mark = line[0].mark};
    if (equals < line.size()) {
      Values values(line.subspan(equals + 1), file_);
      WEIR_TRY(value, values.One());
    }
    value.key_mark = line[0].mark;
    SourceNode& where = class_ > 0 ? classes_.children.back() : fields_;
    where.Add(line[0].text, std::move(value));
    return {};
  }

  Result<void> Assignment(std::span<const PythonToken> line) {
    Values values(line.subspan(2), file_);
    WEIR_TRY(SourceNode value, values.One());
    value.key_mark = line[0].mark;
    values_.Add(line[0].text, std::move(value));
    return {};
  }

  Result<void> Call(std::span<const PythonToken> line) {
    std::size_t at = 0;
    while (at + 2 < line.size() && line[at].kind == PythonKind::kName && line[at + 1].Is(".")) {
      at += 2;
    }
    if (at + 1 >= line.size() || line[at].kind != PythonKind::kName || !line[at + 1].Is("(") ||
        std::ranges::find(wanted_, line[at].text) == wanted_.end()) {
      return {};
    }
    Values values(line.subspan(at + 2), file_);
    WEIR_TRY(SourceNode call, values.Arguments());
    call.mark = line[at].mark;
    for (SourceNode& part : call.children) part.mark = line[at].mark;
    SourceNode name{.kind = json::Kind::kString, .text = line[at].text, .mark = line[at].mark};
    call.Add("name", std::move(name));
    calls_.children.push_back(std::move(call));
    return {};
  }

  std::span<const PythonToken> tokens_;
  std::string_view file_;
  std::span<const std::string_view> wanted_;
  SourceNode classes_;
  SourceNode fields_;
  SourceNode values_;
  SourceNode calls_;
  int class_ = 0;    // the column of the class around; 0: none
  int skipped_ = 0;  // the column of a block whose body is passed over; 0: none
};

bool IsType(std::string_view text) {
  for (const std::string_view type : {"str", "int", "float", "bool", "list", "dict", "tuple",
                                      "List", "Dict", "Optional", "Literal", "Union", "Any"}) {
    if (!text.starts_with(type)) continue;
    const std::string_view rest = Trim(text.substr(type.size()));
    return rest.empty() || std::string_view("[|=#").contains(rest.front());
  }
  return false;
}

std::size_t NameLength(std::string_view text) {
  std::size_t length = 0;
  while (length < text.size() && (std::isalnum(static_cast<unsigned char>(text[length])) != 0 ||
                                  text[length] == '_' || text[length] == '.')) {
    ++length;
  }
  return length;
}

}  // namespace

bool LooksLikePython(std::string_view text) {
  for (const std::string_view raw : Split(text, '\n')) {
    const std::string_view line = Trim(raw);
    if (line.empty() || line.starts_with('#')) continue;
    for (const std::string_view word :
         {"class ", "from ", "import ", "def ", "async ", "@", "\"\"\"", "'''"}) {
      if (line.starts_with(word)) return true;
    }
    const std::size_t name = NameLength(line);
    if (name == 0) return false;
    const std::string_view rest = Trim(line.substr(name));
    if (rest.starts_with('=') || rest.starts_with('(')) return true;
    return rest.starts_with(':') && IsType(Trim(rest.substr(1)));
  }
  return false;
}

Result<json::YamlDocument> ReadPython(std::string_view text, std::string_view file,
                                      std::span<const std::string_view> calls) {
  WEIR_TRY(const std::vector<PythonToken> tokens, PythonTokens(text, file));
  WEIR_TRY(const SourceNode root, Program(tokens, file, calls).Run());
  return ToDocument(root, file);
}

}  // namespace weir::config
