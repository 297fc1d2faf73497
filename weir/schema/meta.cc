#include "weir/schema/meta.h"

#include "weir/schema/schema.h"

namespace weir::schema {

std::string_view MetaSchemaText(std::string_view uri) {
  for (const auto& documents : {kMeta2020, kMeta2019, kMeta7}) {
    for (const MetaSchema& document : documents) {
      if (document.uri == uri) return document.text;
    }
  }
  return {};
}

}  // namespace weir::schema
