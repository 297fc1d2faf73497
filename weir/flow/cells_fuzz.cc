// Properties of any cells of a table: what is taken obeys the type of its column, a text is kept
// byte by byte, and what is refused is refused with the name of the column.

#include <string>
#include <vector>

#include "weir/base/fuzz_testing.h"
#include "weir/base/text.h"
#include "weir/flow/cells.h"
#include "weir/json/reader.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using weir::Require;
  const std::string text(weir::FuzzText(data, size));
  const auto schema = weir::json::Read(
      R"({"type":"object","required":["n"],"properties":{"n":{"type":"integer"},)"
      R"("x":{"type":["number","null"]},"b":{"type":"boolean"},"a":{"type":"array"},)"
      R"("o":{"$ref":"#/$defs/o"},"t":{"type":"string"},"e":{"enum":[1,"one",null]}},)"
      R"("$defs":{"o":{"type":"object"}}})");
  const std::vector<std::string> columns = {"n", "x", "b", "a", "o", "t", "e", "more"};
  const weir::flow::CellReader cells(*schema, columns);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    weir::json::Builder object;
    object.BeginObject();
    const weir::Result<void> added = cells.Add(i, text, object);
    object.EndObject();
    const weir::json::Value row = std::move(object).Finish();
    const weir::json::View cell = row.Find(columns[i]);
    if (!added) {
      Require(added.error().message.starts_with(weir::StrCat("column \"", columns[i], '"')));
      continue;
    }
    if (columns[i] == "n") Require(cell.IsNumber());
    if (columns[i] == "x") Require(cell.IsNumber() || cell.IsNull());
    if (columns[i] == "b") Require(!cell.exists() || cell.IsBool());
    if (columns[i] == "a") Require(!cell.exists() || cell.IsArray());
    if (columns[i] == "o") Require(!cell.exists() || cell.IsObject());
    if (columns[i] == "t" || columns[i] == "more") Require(cell.StringOr("?") == text);
  }
  return 0;
}
