// Learns the simulator's language when weir is built: corpus.txt in, a source file with the
// definition of kLanguage out.

#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "weir/base/result.h"
#include "weir/base/text.h"
#include "weir/sim/language/train/byte_pairs.h"
#include "weir/sim/language/train/contexts.h"
#include "weir/sim/language/train/corpus.h"

namespace weir::sim {
namespace {

constexpr std::size_t kPieces = 5000;
constexpr std::size_t kMost = 65'535;  // counts, ranks and nodes have 16 bits

template <class Range>
void AppendArray(std::string_view type, std::string_view name, const Range& values,
                 std::string& out) {
  StrAppend(out, "constexpr ", type, " ", name, "[] = {");
  std::size_t column = 100;
  for (const auto value : values) {
    const std::size_t before = out.size();
    StrAppend(out, column >= 90 ? "\n" : "", static_cast<long long>(value), ",");
    column = column >= 90 ? out.size() - before : column + out.size() - before;
  }
  out += "};\n\n";
}

std::string Source(const Vocabulary& vocabulary, const Contexts& contexts) {
  std::string out =
      "// Generated from language/corpus.txt by sim_train.\n\n"
      "#include \"weir/sim/language/tables.h\"\n\n"
      "namespace weir::sim {\nnamespace {\n\n";
  AppendArray("char", "kBytes", vocabulary.bytes, out);
  AppendArray("std::uint32_t", "kOffsets", vocabulary.offsets, out);
  AppendArray("std::uint16_t", "kSlots", vocabulary.slots, out);
  AppendArray("std::uint8_t", "kTraits", contexts.traits, out);
  AppendArray("std::uint16_t", "kCounts", contexts.counts, out);
  AppendArray("std::uint16_t", "kNext", contexts.next, out);
  AppendArray("std::uint16_t", "kEarlier", contexts.earlier, out);
  AppendArray("std::uint16_t", "kBegin", contexts.begin, out);
  AppendArray("std::uint16_t", "kChildren", contexts.children, out);
  StrAppend(out,
            "}  // namespace\n\n"
            "constinit const LanguageTables kLanguage = {\n"
            "    .vocabulary = {.bytes = kBytes, .offsets = kOffsets, .slots = kSlots},\n"
            "    .traits = kTraits,\n    .counts = kCounts,\n    .counted = ",
            contexts.counted,
            ",\n    .next = kNext,\n    .earlier = kEarlier,\n"
            "    .begin = kBegin,\n    .children = kChildren,\n};\n\n"
            "}  // namespace weir::sim\n");
  return out;
}

Result<void> Train(const std::string& corpus_path, const std::string& source_path) {
  std::ifstream in(corpus_path, std::ios::binary);
  const std::string corpus((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const std::vector<Document> documents = ReadCorpus(corpus);
  if (documents.empty()) {
    return Fail(Code::kIoError,
                StrCat("no answers in the corpus ", corpus_path, "; it must be readable"));
  }
  std::vector<std::string_view> texts;
  texts.reserve(documents.size());
  for (const Document& document : documents) texts.push_back(document.text);

  const LearnedPieces pieces = LearnPieces(texts, kPieces);
  const Contexts contexts = CountContexts(documents, pieces.view());
  if (contexts.next.size() > kMost || contexts.begin.size() > kMost) {
    return Fail(Code::kIoError,
                StrCat("the corpus has ", contexts.next.size(), " tokens in ",
                       contexts.begin.size(), " contexts; make it shorter: ", kMost, " of each"));
  }
  std::ofstream out(source_path, std::ios::binary);
  out << Source(pieces.view(), contexts);
  out.close();
  if (!out) return Fail(Code::kIoError, StrCat("cannot write ", source_path));
  return {};
}

}  // namespace
}  // namespace weir::sim

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fputs("usage: sim_train corpus.txt language_tables.cc\n", stderr);
    return 2;
  }
  if (const auto trained = weir::sim::Train(argv[1], argv[2]); !trained) {
    std::fputs((trained.error().message + "\n").c_str(), stderr);
    return 1;
  }
  return 0;
}
