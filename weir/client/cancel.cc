#include "weir/client/cancel.h"

#include <list>
#include <mutex>
#include <utility>

namespace weir {

struct Cancel::State {
  std::mutex mutex;  // held while callbacks run, so that a watch can wait for its own
  bool requested = false;
  std::list<std::function<void()>> watches;
};

struct Cancel::Watch::Place {
  std::shared_ptr<State> state;
  std::list<std::function<void()>>::iterator at;
};

Cancel::Cancel() : state_(std::make_shared<State>()) {}

void Cancel::Request() const {
  const std::scoped_lock lock(state_->mutex);
  if (std::exchange(state_->requested, true)) return;
  for (const std::function<void()>& on_request : state_->watches) on_request();
}

bool Cancel::requested() const {
  const std::scoped_lock lock(state_->mutex);
  return state_->requested;
}

Cancel::Watch::Watch(const Cancel& cancel, std::function<void()> on_request)
    : place_(std::make_unique<Place>(cancel.state_)) {
  const std::scoped_lock lock(place_->state->mutex);
  if (place_->state->requested) on_request();
  auto& watches = place_->state->watches;
  place_->at = watches.insert(watches.end(), std::move(on_request));
}

Cancel::Watch::~Watch() {
  const std::scoped_lock lock(place_->state->mutex);
  place_->state->watches.erase(place_->at);
}

}  // namespace weir
