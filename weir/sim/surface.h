#pragma once

// Surface: how a model that was trained to write forms leans while it writes one. It knows the text
// only by its surface (strings, numbers, brackets, length) and not the language that it is held to.

#include <cstdint>
#include <string_view>
#include <vector>

#include "weir/sim/piece_tree.h"

namespace weir::sim {

class Surface {
 public:
  // A token was written.
  void Take(std::string_view piece);

  // What pieces with these traits are multiplied by. 1: nothing speaks for or against them.
  float OfPiece(PieceTraits traits) const;
  // The same for the end token where it is allowed, and, beside OfPiece(), for a piece behind which
  // it is.
  float OfEnd() const;
  float OfCompleting() const;
  // The same for a piece that takes the shortest way to a complete text; 1 for a good while.
  float OfWayOut() const;

 private:
  struct Level {
    char opener = '{';
    int items = 0;      // that are begun
    bool name = false;  // the next string is the name of a member
  };

  void TakeInString(char c);
  void TakeOutside(char c);
  bool in_json() const;
  double Late(double tokens) const;
  double InString(PieceTraits traits) const;
  double Outside(PieceTraits traits) const;
  double Close() const;
  double More() const;
  double Open() const;
  double Blank() const;

  std::vector<Level> levels_;
  int tokens_ = 0;
  char first_ = '\0';  // of the text, white space aside
  char last_ = '\0';
  bool in_string_ = false;
  bool escaped_ = false;
  int string_bytes_ = 0;  // of the string that is open
  int digits_ = 0;        // bytes of the number that is being written
  int blanks_ = 0;        // at the end of the text
};

}  // namespace weir::sim
