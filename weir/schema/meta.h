#pragma once

// The meta-schemas and vocabularies of the three drafts as json-schema.org publishes them, but for
// white space. Copyright (c) 2022 JSON Schema Specification Authors; see meta/LICENSE.

#include <span>
#include <string_view>

namespace weir::schema {

struct MetaSchema {
  std::string_view uri;  // without fragment
  std::string_view text;
};

extern const std::span<const MetaSchema> kMeta7;
extern const std::span<const MetaSchema> kMeta2019;
extern const std::span<const MetaSchema> kMeta2020;

}  // namespace weir::schema
