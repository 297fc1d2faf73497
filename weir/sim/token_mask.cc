#include "weir/sim/token_mask.h"

#include <algorithm>
#include <array>
#include <bit>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace weir::sim {
namespace {

// What a model that was trained to write forms still thinks of a piece that breaks this one.
constexpr float kForbidden = 0.002F;

// Tokens until a way out is looked for again, where it was too long to be found: in a list that has
// to become longer yet, say, the search would cost more than all the rest.
constexpr int kBlind = 16;

using Bits = std::vector<std::uint64_t>;

bool Has(const Bits& bits, TokenId token) {
  const auto at = static_cast<std::size_t>(token);
  return (bits[at / 64] >> (at % 64) & 1) != 0;
}

void Set(Bits& bits, TokenId token) {
  const auto at = static_cast<std::size_t>(token);
  bits[at / 64] |= std::uint64_t{1} << (at % 64);
}

}  // namespace

std::shared_ptr<const PieceTree> NewPieceTree() { return std::make_shared<const PieceTree>(); }

// Which tokens may come, and behind which of them the text is complete.
struct TokenMask::Mask {
  Bits allowed;
  Bits completing;
};

// The places of the language that this answer came by or looked at, by number, each with the ways
// between them that are known. Within one string of a JSON text, say, thousands of texts lead to
// one place, whatever brackets stand around it: one walk over the vocabulary then serves them all.
class TokenMask::Places {
  using Way = std::int16_t;  // the number of the place it leads to, or
  static constexpr Way kNowhere = -1;
  static constexpr Way kUnknown = -2;

 public:
  // Lives until the next call.
  const Mask& MaskOf(const schema::Matcher& matcher, const PieceTree& pieces) {
    const Way at = Begin(matcher);
    const auto place = static_cast<std::size_t>(at);
    Mask& mask = places_[place]->mask;
    if (!mask.allowed.empty()) return mask;
    const std::size_t words = (static_cast<std::size_t>(Tokenizer::size()) + 63) / 64;
    mask.allowed.resize(words);
    mask.completing.resize(words);
    const std::span nodes = pieces.nodes();
    path_.resize(pieces.depth() + 1);
    path_[0] = at;
    for (std::uint32_t i = 0; i < nodes.size();) {
      const PieceTree::Node& node = nodes[i];
      const Way from = path_[node.depth - 1u];
      const Way to = Follow(from, node.byte);
      path_[node.depth] = to;
      if (to == kUnknown) {
        WalkAlone(pieces, i, places_[static_cast<std::size_t>(from)]->matcher, mask);
      } else if (to != kNowhere) {
        Mark(pieces, node, places_[static_cast<std::size_t>(to)]->complete, mask);
      }
      i = to >= 0 ? i + 1 : node.behind;
    }
    if (places_[place]->complete) Set(mask.allowed, kEndToken);
    return mask;
  }

  // The fewest bytes that complete the text. Empty: none are needed, or the way is too long to be
  // found among so many places.
  std::string WayOut(const schema::Matcher& matcher) {
    struct Step {
      Way place;
      std::size_t from;  // the index of the step before
      char byte;
    };
    std::vector<Step> steps = {{Begin(matcher), 0, '\0'}};
    std::vector<bool> reached(kMost);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      if (places_[static_cast<std::size_t>(steps[i].place)]->complete) {
        std::string way;
        for (std::size_t at = i; at != 0; at = steps[at].from) way += steps[at].byte;
        std::ranges::reverse(way);
        return way;
      }
      for (int byte = 0; byte < 256; ++byte) {
        const Way to = Follow(steps[i].place, static_cast<std::uint8_t>(byte));
        if (to < 0 || reached[static_cast<std::size_t>(to)]) continue;
        reached[static_cast<std::size_t>(to)] = true;
        steps.push_back({to, i, static_cast<char>(byte)});
      }
    }
    return {};
  }

 private:
  struct Place {
    explicit Place(schema::Matcher at) : matcher(std::move(at)), complete(matcher.Complete()) {}

    schema::Matcher matcher;
    bool complete;
    std::array<Way, 256> ways;
    Mask mask;  // empty: not walked yet
  };

  // Enough for the places of one answer that come again. Where there are more (rules in a grammar
  // that make every byte a place of its own), looking for the old ones would cost more than it
  // saves: a walk adds none beyond kMost, and the next one starts anew.
  static constexpr std::size_t kSome = 128;
  static constexpr std::size_t kMost = 256;

  Way Begin(const schema::Matcher& matcher) {
    if (places_.size() >= kSome) places_.clear();
    const Way known = Find(matcher);
    return known != kUnknown ? known : Add(matcher);
  }

  Way Find(const schema::Matcher& matcher) const {
    const auto found = std::ranges::find_if(
        places_, [&](const auto& place) { return place->matcher.Alike(matcher); });
    return found == places_.end() ? kUnknown : static_cast<Way>(found - places_.begin());
  }

  Way Add(schema::Matcher matcher) {
    const schema::ByteSet next = matcher.Next();
    auto place = std::make_unique<Place>(std::move(matcher));
    for (std::size_t byte = 0; byte < 256; ++byte) {
      place->ways[byte] = next[byte] ? kUnknown : kNowhere;
    }
    places_.push_back(std::move(place));
    return static_cast<Way>(places_.size() - 1);
  }

  Way Follow(Way from, std::uint8_t byte) {
    Place& place = *places_[static_cast<std::size_t>(from)];
    Way& way = place.ways[byte];
    if (way != kUnknown) return way;
    schema::Matcher matcher = place.matcher;
    const char c = static_cast<char>(byte);
    if (!matcher.Advance({&c, 1})) return way = kNowhere;
    const Way known = Find(matcher);
    if (known != kUnknown) return way = known;
    return places_.size() < kMost ? way = Add(std::move(matcher)) : kUnknown;
  }

  static void Mark(const PieceTree& pieces, const PieceTree::Node& node, bool complete,
                   Mask& mask) {
    for (std::uint32_t i = node.first; i < node.last; ++i) {
      const TokenId token = pieces.tokens()[i];
      Set(mask.allowed, token);
      if (complete) Set(mask.completing, token);
    }
  }

  // The pieces at and below a node, without numbering the places.
  static void WalkAlone(const PieceTree& pieces, std::uint32_t top, const schema::Matcher& before,
                        Mask& mask) {
    const std::span nodes = pieces.nodes();
    std::vector<schema::Matcher> path = {before};
    const std::size_t above = nodes[top].depth - 1u;
    for (std::uint32_t i = top; i < nodes[top].behind;) {
      const PieceTree::Node& node = nodes[i];
      path.resize(node.depth - above, before);
      schema::Matcher matcher = path.back();
      const char c = static_cast<char>(node.byte);
      if (!matcher.Advance({&c, 1})) {
        i = node.behind;
        continue;
      }
      Mark(pieces, node, matcher.Complete(), mask);
      path.push_back(std::move(matcher));
      ++i;
    }
  }

  std::vector<std::unique_ptr<Place>> places_;
  std::vector<Way> path_;
};

TokenMask::TokenMask(std::shared_ptr<const PieceTree> pieces, const schema::Language& language)
    : pieces_(std::move(pieces)), matcher_(language.Begin()), places_(std::make_unique<Places>()) {}

TokenMask::~TokenMask() = default;

const TokenMask::Mask& TokenMask::mask() const {
  if (mask_ == nullptr) mask_ = &places_->MaskOf(matcher_, *pieces_);
  return *mask_;
}

bool TokenMask::Allows(TokenId token) const {
  if (token == kEndToken) return matcher_.Complete();
  if (Tokenizer::IsSpecial(token) || token >= Tokenizer::size()) return false;
  const std::string_view piece = Tokenizer::Piece(token);
  return !piece.empty() && matcher_.Accepts(piece);
}

void TokenMask::AppendAll(std::vector<TokenId>& out) const {
  if (matcher_.Dead()) return;
  const Bits& allowed = mask().allowed;
  for (std::size_t word = 0; word < allowed.size(); ++word) {
    for (std::uint64_t rest = allowed[word]; rest != 0; rest &= rest - 1) {
      out.push_back(static_cast<TokenId>(64 * word) + std::countr_zero(rest));
    }
  }
}

float TokenMask::Leaning(TokenId token) const {
  if (matcher_.Dead()) return 1;
  if (leaning_of_form_.empty()) LearnLeaning();
  const Mask& known = mask();
  if (!Has(known.allowed, token)) return kForbidden;
  if (token == kEndToken) return surface_.OfEnd();
  if (std::ranges::find(way_out_, token) != way_out_.end()) return surface_.OfWayOut();
  const float leaning = leaning_of_form_[pieces_->form(token)];
  return Has(known.completing, token) ? leaning * leaning_of_completing_ : leaning;
}

void TokenMask::LearnLeaning() const {
  for (const PieceTraits traits : pieces_->forms()) {
    leaning_of_form_.push_back(surface_.OfPiece(traits));
  }
  leaning_of_completing_ = surface_.OfCompleting();
  way_out_.clear();
  if (surface_.OfWayOut() <= 1 || matcher_.Complete() || blind_ > 0) return;
  const std::string way = places_->WayOut(matcher_);
  if (way.empty()) blind_ = kBlind;
  mask_ = nullptr;  // the search may have pushed it out
  const std::span nodes = pieces_->nodes();
  std::uint32_t at = 0;
  std::size_t end = nodes.size();
  for (const char c : way) {
    while (at < end && nodes[at].byte != static_cast<std::uint8_t>(c)) at = nodes[at].behind;
    if (at >= end) break;
    const PieceTree::Node& node = nodes[at++];
    for (std::uint32_t i = node.first; i < node.last; ++i) way_out_.push_back(pieces_->tokens()[i]);
    end = node.behind;
  }
}

bool TokenMask::Commit(TokenId token) {
  if (!Allows(token)) return false;
  if (token == kEndToken) return true;
  const std::string_view piece = Tokenizer::Piece(token);
  matcher_.Advance(piece);
  surface_.Take(piece);
  mask_ = nullptr;
  leaning_of_form_.clear();
  if (blind_ > 0) --blind_;
  return true;
}

bool TokenMask::complete() const { return matcher_.Complete(); }

bool TokenMask::only_end() const { return matcher_.CanEndOnly(); }

}  // namespace weir::sim
