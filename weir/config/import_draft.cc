#include "weir/config/import_draft.h"

#include <algorithm>

#include "weir/base/expand.h"
#include "weir/base/text.h"
#include "weir/config/show.h"
#include "weir/json/writer.h"

namespace weir::config {
namespace {

// What looks like a variable is meant as one, in whatever system's file.
std::string Escaped(std::string_view text) {
  if (text.contains("${") && Expand(text, {}).wrong.empty()) return std::string(text);
  return EscapeDollars(text);
}

void Copy(json::Writer& out, json::View value) {
  if (const auto text = value.AsString()) {
    out.String(Escaped(*text));
  } else if (value.IsArray()) {
    out.BeginArray();
    for (const json::View item : value.items()) Copy(out, item);
    out.EndArray();
  } else if (value.IsObject()) {
    out.BeginObject();
    for (const auto& [key, inner] : value.members()) {
      out.Key(key);
      Copy(out, inner);
    }
    out.EndObject();
  } else {
    out.Value(value);
  }
}

// On one line. `raw`: dollars mean nothing there.
std::string Inline(json::View value, bool raw) {
  if (const auto text = value.AsString())
    return YamlText(raw ? std::string(*text) : Escaped(*text));
  std::string out;
  json::Writer writer(out);
  raw ? writer.Value(value) : Copy(writer, value);
  return out;
}

// A comment ends where its line does.
std::string OneLine(std::string_view text) {
  std::string out(text);
  std::ranges::replace_if(
      out, [](char c) { return static_cast<unsigned char>(c) < ' ' || c == '\x7f'; }, ' ');
  return out;
}

void Line(Draft::Text& out, std::string_view text, const ImportOrigin& origin) {
  StrAppend(out.yaml, text, "\n");
  out.lines.push_back(origin);
}

}  // namespace

Draft::Node& Draft::At(const DraftPath& path, const ImportOrigin& origin) {
  Node* node = &root_;
  for (const std::string& key : path) {
    auto child = std::ranges::find(node->children, key, &Node::key);
    if (child == node->children.end()) {
      node->children.emplace_back();
      child = node->children.end() - 1;
      child->key = key;
      child->origin = origin;
    }
    node = &*child;
  }
  return *node;
}

void Draft::Set(const DraftPath& path, json::View value, const ImportOrigin& origin,
                std::string_view comment) {
  Node& node = At(path, origin);
  node.origin = origin;
  node.comment = OneLine(comment);
  node.children.clear();
  node.items.clear();
  node.value.clear();
  node.is_list = value.IsArray();
  const bool raw = path.front() == "flows";
  if (value.IsArray()) {
    for (const json::View item : value.items()) node.items.push_back(Inline(item, raw));
  } else if (value.IsObject()) {
    for (const auto& [key, inner] : value.members()) {
      Node& child = node.children.emplace_back();
      child.key = key;
      child.value = Inline(inner, raw);
      child.origin = origin;
    }
  } else {
    node.value = Inline(value, raw);
  }
}

void Draft::Touch(const DraftPath& path, const ImportOrigin& origin) { At(path, origin); }

bool Draft::Has(const DraftPath& path) const {
  const Node* node = &root_;
  for (const std::string& key : path) {
    const auto child = std::ranges::find(node->children, key, &Node::key);
    if (child == node->children.end()) return false;
    node = &*child;
  }
  return true;
}

void Draft::WriteNode(const Node& node, std::size_t indent, Text& out) {
  std::string line(indent, ' ');
  StrAppend(line, YamlText(node.key), ":");
  if (!node.value.empty()) StrAppend(line, " ", node.value);
  if (node.value.empty() && node.children.empty() && node.items.empty()) {
    line += node.is_list ? " []" : " {}";
  }
  if (!node.comment.empty()) StrAppend(line, "  # ", node.comment);
  Line(out, line, node.origin);
  for (const std::string& item : node.items) {
    Line(out, StrCat(std::string(indent + 2, ' '), "- ", item), node.origin);
  }
  for (const Node& child : node.children) WriteNode(child, indent + 2, out);
}

Draft::Text Draft::Write(std::span<const std::string> head) const {
  Text out;
  for (const std::string& line : head) Line(out, StrCat("# ", OneLine(line)), {});
  Line(out, "version: 1", {});
  for (const Node& child : root_.children) WriteNode(child, 0, out);
  return out;
}

}  // namespace weir::config
