#pragma once

// A request to stop, which any thread may make.

#include <functional>
#include <memory>

namespace weir {

// Copies are the same request: give one to the calls (CallOptions::cancel), keep another, and
// Request() ends the calls with kCancelled. It cannot be taken back; calls that are begun later
// with the same one end at once. Thread-safe.
class Cancel {
 public:
  Cancel();

  void Request() const;
  bool requested() const;

  // Calls back once, on the thread that requests, or at once if that has happened. It is not
  // running any more when the destructor returns. The callback must be short, and must not touch
  // this Cancel.
  class Watch {
   public:
    Watch(const Cancel& cancel, std::function<void()> on_request);
    ~Watch();
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;

   private:
    friend class Cancel;
    struct Place;
    std::unique_ptr<Place> place_;
  };

 private:
  struct State;
  std::shared_ptr<State> state_;  // shared by the copies
};

}  // namespace weir
