#pragma once

// Keys that are there twice. YAML forbids them, so that nothing else of such a file would be read,
// and no other mistake of it told. Here the second one is read under another name.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/config/reader.h"
#include "weir/json/yaml.h"

namespace weir::config {

class Twins {
 public:
  // The name of the file must outlive it.
  Twins(std::string_view text, std::string_view file_name) : text_(text), file_name_(file_name) {}

  // `refusal` is what the text was refused with. Gives the document when nothing but twins was
  // wrong, with everything else at its place; the twins have a first letter of ours.
  Result<json::YamlDocument> Read(Error refusal);

  const std::vector<Reading::Problem>& told() const { return told_; }
  // Whether a twin's key stands there.
  bool AreAt(json::Mark mark) const;

 private:
  std::optional<json::Mark> PlaceIn(const Error& refusal) const;
  // False when no name stands there.
  bool Rename(json::Mark mark, char letter);

  std::string text_;
  const std::string_view file_name_;
  std::vector<Reading::Problem> told_;
};

}  // namespace weir::config
