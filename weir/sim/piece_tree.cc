#include "weir/sim/piece_tree.h"

#include <algorithm>

#include "weir/base/text.h"

namespace weir::sim {
namespace {

bool IsOpener(char c) { return c == '{' || c == '[' || c == '('; }
bool IsCloser(char c) { return c == '}' || c == ']' || c == ')'; }

bool GoesOnWithNumber(std::string_view piece) {
  const char first = piece[0];
  if (IsDigit(first) || first == '.') return true;
  const bool mark = first == 'e' || first == 'E' || first == '+' || first == '-';
  return mark && (piece.size() == 1 || IsDigit(piece[1]) || piece[1] == '-' || piece[1] == '+');
}

bool HasOpener(std::string_view text) {
  bool in_string = false;
  for (const char c : text) {
    if (c == '"') in_string = !in_string;
    if (!in_string && IsOpener(c)) return true;
  }
  return false;
}

char FirstMark(std::string_view text) {
  const auto found = std::ranges::find_if_not(text, IsBlank);
  return found == text.end() ? '\0' : *found;
}

PieceTraits Outside(std::string_view piece) {
  PieceTraits traits = 0;
  if (IsBlank(piece[0])) traits |= kLeadsBlank;
  for (std::size_t i = 0; i < piece.size() && IsBlank(piece[i]); ++i) {
    if (piece[i] != ' ' || i > 0) traits |= kLoose;
  }
  const char mark = FirstMark(piece);
  if (mark == '\0') traits |= kBlank;
  if (IsCloser(mark)) traits |= kCloses;
  if (mark == ',') traits |= kMore;
  if (GoesOnWithNumber(piece)) traits |= kDigits;
  if (HasOpener(piece)) traits |= kOpens;
  return traits;
}

PieceTraits Inside(std::string_view piece) {
  for (std::size_t i = 0; i < piece.size(); ++i) {
    if (piece[i] == '\\') return kEscape;
    if (piece[i] != '"') continue;
    const std::string_view rest = piece.substr(i + 1);
    PieceTraits traits = kQuote;
    const char mark = FirstMark(rest);
    if (IsCloser(mark)) traits |= kQuoteCloses;
    if (mark == ',') traits |= kQuoteMore;
    if (HasOpener(rest)) traits |= kQuoteOpens;
    return traits;
  }
  return 0;
}

std::size_t CommonPrefix(std::string_view a, std::string_view b) {
  return static_cast<std::size_t>(std::ranges::mismatch(a, b).in1 - a.begin());
}

}  // namespace

PieceTraits TraitsOf(std::string_view piece) {
  if (piece.empty()) return 0;
  return static_cast<PieceTraits>(Outside(piece) | Inside(piece));
}

PieceTree::PieceTree() {
  const TokenId size = Tokenizer::size();
  form_of_.resize(static_cast<std::size_t>(size));
  for (TokenId token = 0; token < size; ++token) {
    const bool text = !Tokenizer::IsSpecial(token) && !Tokenizer::Piece(token).empty();
    const PieceTraits traits = text ? TraitsOf(Tokenizer::Piece(token)) : PieceTraits{0};
    auto form = std::ranges::find(forms_, traits);
    if (form == forms_.end()) form = forms_.insert(form, traits);
    form_of_[static_cast<std::size_t>(token)] = static_cast<std::uint16_t>(form - forms_.begin());
    if (text) tokens_.push_back(token);
  }
  std::ranges::sort(tokens_, {}, &Tokenizer::Piece);

  std::vector<std::uint32_t> path;  // the nodes of the piece before
  std::string_view before;
  const auto close_down_to = [&](std::size_t depth) {
    for (; path.size() > depth; path.pop_back()) {
      nodes_[path.back()].behind = static_cast<std::uint32_t>(nodes_.size());
    }
  };
  for (std::uint32_t i = 0; i < tokens_.size(); ++i) {
    const std::string_view piece = Tokenizer::Piece(tokens_[i]);
    close_down_to(CommonPrefix(piece, before));
    while (path.size() < piece.size()) {
      const auto byte = static_cast<std::uint8_t>(piece[path.size()]);
      path.push_back(static_cast<std::uint32_t>(nodes_.size()));
      nodes_.push_back(
          {.first = i, .last = i, .depth = static_cast<std::uint16_t>(path.size()), .byte = byte});
    }
    nodes_[path.back()].last = i + 1;
    depth_ = std::max(depth_, piece.size());
    before = piece;
  }
  close_down_to(0);
}

}  // namespace weir::sim
