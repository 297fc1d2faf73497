#include "weir/flow/read_nodes.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <utility>

#include "weir/base/text.h"
#include "weir/flow/graph_build.h"
#include "weir/flow/read_agent.h"
#include "weir/flow/read_include.h"
#include "weir/json/pointer.h"

namespace weir::flow {
namespace {

constexpr std::array<std::string_view, 7> kKinds = {"step",   "agent", "apply",  "parallel",
                                                    "switch", "map",   "include"};

class NodeReader {
 public:
  NodeReader(FlowReading& reading, const FlowFileText& file, std::size_t depth)
      : reading_(reading), file_(file), depth_(depth) {}

  void Read(json::View value, const std::string& pointer, Nodes& out) {
    const std::string place = file_.yaml.Where(pointer);
    std::string_view kind;
    for (const std::string_view key : kKinds) {
      if (!value.Find(key).exists()) continue;
      if (!kind.empty()) {
        reading_.Wrong(place, StrCat("this node is a ", kind, " and a ", key,
                                     "; make two nodes of it, each with a - of its own"));
        reading_.nodes_missing = true;
        return;
      }
      kind = key;
    }
    Keys keys(reading_, file_, value, pointer, kind.empty() ? "this node" : std::string(kind));
    reading_.nodes_missing |= kind.empty();
    if (!value.IsObject() && !value.IsNull()) return;
    if (kind.empty()) {
      NoKind(value, place);
    } else if (kind == "include") {
      ReadIncluded(keys, depth_, out);
    } else {
      out.push_back(ReadOne(keys, kind, place));
    }
  }

 private:
  void NoKind(json::View value, const std::string& place) {
    std::string hint;
    const std::vector<std::string> kinds(kKinds.begin(), kKinds.end());
    for (const auto& [key, unused] : value.members()) {
      const auto nearest = Nearest(key, kinds);
      if (nearest) hint = StrCat("; did you mean `", *nearest, "` where `", key, "` stands?");
    }
    reading_.Wrong(place, StrCat("this node says not what it is: it needs one of the keys ",
                                 Join(kinds, ", "), hint));
  }

  Node ReadOne(Keys& keys, std::string_view kind, const std::string& place) {
    Node node;
    node.place = place;
    const bool parallel = kind == "parallel";
    if (parallel) {
      const std::size_t number = ++reading_.parallels;
      node.id = keys.Text("id");
      if (node.id.empty()) node.id = StrCat("parallel_", number);
    } else {
      node.id = keys.Text(kind);
    }
    keys.Rename(StrCat(kind, " ", Truncate(node.id, 60)));
    node.yield = keys.Flag("yield").value_or(true);
    node.barrier = keys.Flag("barrier").value_or(false);
    if (kind == "step") {
      node.what = ReadStep(keys);
    } else if (kind == "agent") {
      node.what = ReadAgent(keys);
    } else if (kind == "apply") {
      node.what = ReadApply(keys);
    } else if (parallel) {
      node.what = ReadParallel(keys);
    } else if (kind == "switch") {
      node.what = ReadSwitch(keys);
    } else {
      node.what = ReadMap(keys);
    }
    keys.Finish();
    return node;
  }

  Nodes Inside(Keys& keys, std::string_view key) {
    return ReadNodes(reading_, file_, keys.Find(key), keys.PointerOf(key), keys.what(), depth_ + 1);
  }

  Parallel ReadParallel(Keys& keys) {
    Parallel parallel;
    const json::View list = keys.Find("parallel");
    if (!list.IsArray()) {
      keys.WrongKind("parallel", "a list of branches", list);
      return parallel;
    }
    for (std::size_t i = 0; i < list.size(); ++i) {
      Keys inner(reading_, file_, list[i], StrCat(keys.PointerOf("parallel"), "/", i), "a branch");
      Branch& branch = parallel.branches.emplace_back();
      branch.place = inner.place();
      if (!list[i].IsObject()) continue;
      branch.name = inner.Text("branch");
      if (branch.name.empty()) {
        reading_.Wrong(branch.place,
                       "a branch needs a name: branch: NAME, join: NAME?, nodes: [...]");
      }
      inner.Rename(StrCat("branch ", Truncate(branch.name, 60)));
      branch.join = inner.Text("join");
      branch.nodes = Inside(inner, "nodes");
      inner.Finish();
    }
    return parallel;
  }

  Switch ReadSwitch(Keys& keys) {
    Switch choice;
    choice.on = keys.Code("on");
    const json::View cases = keys.Find("cases");
    const std::string pointer = keys.PointerOf("cases");
    if (cases.IsArray()) {
      for (std::size_t i = 0; i < cases.size(); ++i) {
        Keys inner(reading_, file_, cases[i], StrCat(pointer, "/", i),
                   StrCat("a case of ", keys.what()));
        Case& one = choice.cases.emplace_back();
        one.place = inner.place();
        const json::View equals = inner.value().Find("equals");
        inner.Find("equals");
        if (equals.exists()) {
          one.equals = json::Value::CopyOf(equals);
        } else if (cases[i].IsObject()) {
          reading_.Wrong(one.place, "a case needs `equals`, the value that it is for");
        }
        one.nodes = Inside(inner, "nodes");
        inner.Finish();
      }
    } else if (cases.IsObject()) {
      for (const auto& [value, nodes] : cases.members()) {
        std::string inside = pointer;
        json::AppendToken(inside, value);
        Case& one = choice.cases.emplace_back();
        one.place = json::FormatMark(file_.yaml.file_name, file_.yaml.KeyMarkOf(inside));
        one.equals = json::Value::Of(value);
        one.nodes =
            ReadNodes(reading_, file_, nodes, inside,
                      StrCat("case ", Truncate(value, 60), " of ", keys.what()), depth_ + 1);
      }
    } else {
      keys.WrongKind("cases", "a map of values to nodes, or a list of {equals, nodes}", cases);
    }
    if (keys.value().Find("default").exists()) {
      choice.otherwise = Inside(keys, "default");
    }
    keys.Find("default");
    return choice;
  }

  Map ReadMap(Keys& keys) {
    Map map;
    map.over = keys.Code("over");
    const std::string as = keys.Text("as");
    if (!as.empty()) map.as = as;
    map.nodes = Inside(keys, "nodes");
    return map;
  }

  FlowReading& reading_;
  const FlowFileText& file_;
  std::size_t depth_;
};

}  // namespace

Nodes ReadNodes(FlowReading& reading, const FlowFileText& file, json::View list,
                const std::string& pointer, const std::string& what, std::size_t depth) {
  Nodes nodes;
  if (!list.exists() || list.IsNull()) return nodes;
  if (!list.IsArray()) {
    reading.Wrong(file.yaml.Where(pointer),
                  StrCat("the nodes of ", what, " must be a list, found ",
                         json::KindName(list.kind()), "; begin each node with a -"));
    reading.nodes_missing = true;
    return nodes;
  }
  if (depth > kDeepestFlow) {
    reading.Wrong(file.yaml.Where(pointer),
                  StrCat("nodes are nested more than ", kDeepestFlow, " deep; split the flow"));
    return nodes;
  }
  NodeReader reader(reading, file, depth);
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (++reading.nodes > kMostNodes) {
      reading.Wrong(file.yaml.Where(StrCat(pointer, "/", i)),
                    StrCat("a flow has at most ", kMostNodes, " nodes; split it in two"));
      break;
    }
    if (reading.full()) break;
    reader.Read(list[i], StrCat(pointer, "/", i), nodes);
  }
  return nodes;
}

}  // namespace weir::flow
