#include "weir/text/family.h"

#include <algorithm>

#include "weir/base/text.h"
#include "weir/text/family_table.h"

namespace weir::text {

std::span<const Family> Families() {
  static const std::vector<Family> kFamilies = MakeFamilies();
  return kFamilies;
}

const Family* FindFamily(std::string_view name) {
  const auto is_it = [name](const std::string& own) { return EqualsIgnoreCase(own, name); };
  for (const Family& family : Families()) {
    if (is_it(family.name) || std::ranges::any_of(family.aliases, is_it)) return &family;
  }
  return nullptr;
}

}  // namespace weir::text
