// Turns model_cards.yaml into a source file with the definition of kModelCardsJson when weir is
// built.

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "weir/base/result.h"
#include "weir/base/text.h"
#include "weir/json/writer.h"
#include "weir/json/yaml.h"

namespace weir::text {
namespace {

Result<void> Embed(const std::string& yaml_path, const std::string& source_path) {
  std::ifstream in(yaml_path, std::ios::binary);
  if (!in) return Fail(Code::kIoError, StrCat("cannot read ", yaml_path));
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  WEIR_TRY(const json::YamlDocument cards, json::ReadYaml(text, yaml_path));
  std::ofstream out(source_path, std::ios::binary);
  out << "// Generated from model_cards.yaml by text_cards.\n\n"
         "#include \"weir/text/model_cards_json.h\"\n\n"
         "namespace weir::text {\n\n"
         "const std::string_view kModelCardsJson = R\"json("
      << json::Write(cards.value) << ")json\";\n\n}  // namespace weir::text\n";
  out.close();
  if (!out) return Fail(Code::kIoError, StrCat("cannot write ", source_path));
  return {};
}

}  // namespace
}  // namespace weir::text

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: text_cards model_cards.yaml model_cards_json.cc\n", stderr);
    return 2;
  }
  if (const auto embedded = weir::text::Embed(argv[1], argv[2]); !embedded) {
    std::fputs((embedded.error().message + "\n").c_str(), stderr);
    return 1;
  }
  return 0;
}
