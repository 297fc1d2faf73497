#pragma once

// The control file: while it holds the word `off`, no events are written.

#include <string>

#include "weir/base/clock.h"
#include "weir/base/result.h"

namespace weir::events {

inline constexpr Duration kLookEvery = std::chrono::seconds(1);  // at the file

bool HoldsOff(const std::string& path);

// Lets events flow while it lives: takes an `off` out of the control file and puts back what stood
// there, unless somebody else has written to the file meanwhile.
class ControlSwitch {
 public:
  ControlSwitch() = default;
  ~ControlSwitch() { PutBack(); }
  ControlSwitch(const ControlSwitch&) = delete;
  ControlSwitch& operator=(const ControlSwitch&) = delete;

  // Fails with kIoError when the file holds `off` and cannot be changed.
  Result<void> LetFlow(const std::string& path);
  void PutBack();

 private:
  std::string path_;
  std::string before_;  // empty: nothing is to be put back
};

}  // namespace weir::events
