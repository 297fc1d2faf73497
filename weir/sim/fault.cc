#include "weir/sim/fault.h"

#include <algorithm>
#include <initializer_list>

#include "weir/base/text.h"
#include "weir/sim/fault_text.h"

namespace weir::sim {
namespace {

using Kind = Fault::Kind;

bool IsOneOf(Kind kind, std::initializer_list<Kind> kinds) {
  return std::ranges::find(kinds, kind) != kinds.end();
}

// The others are for those who write the answer.
bool IsAboutBytes(Kind kind) {
  return !IsOneOf(kind, {Kind::kIgnoreConstraint, Kind::kRunawayWhitespace, Kind::kViolate});
}

bool IsInsideEvent(Kind kind) {
  return IsOneOf(kind, {Kind::kMalformedEvent, Kind::kDuplicateEvent, Kind::kGarbageBytes,
                        Kind::kEmptyChoices});
}

// The first of these to come by `step`.
const Fault* FirstOf(std::span<const Fault> faults, std::size_t step,
                     std::initializer_list<Kind> kinds) {
  const Fault* first = nullptr;
  for (const Fault& fault : faults) {
    if (fault.after > step || !IsOneOf(fault.kind, kinds)) continue;
    if (fault.kind == Kind::kNoFinish && fault.after == 0) continue;
    if (first == nullptr || fault.after < first->after) first = &fault;
  }
  return first;
}

// The place of the event that carries the token: the last that is not the finish.
std::size_t TokenEvent(std::string_view events) {
  std::size_t found = events.npos;
  std::size_t last = 0;
  for (std::size_t at = 0; at < events.size();) {
    const EventSpan event = EventAt(events, at);
    const std::string_view json = events.substr(event.data, event.data_end - event.data);
    last = event.begin;
    if (!IsFinish(json) && !IsDone(json)) found = event.begin;
    at = event.end;
  }
  return found == events.npos ? last : found;
}

}  // namespace

const Fault* FindFault(std::span<const Fault> faults, Kind kind) {
  const auto found = std::ranges::find(faults, kind, &Fault::kind);
  return found == faults.end() ? nullptr : &*found;
}

EventTamper::EventTamper(std::span<const Fault> faults)
    : faults_(faults), happened_(faults.size()) {
  active_ = std::ranges::any_of(faults, IsAboutBytes, &Fault::kind);
}

const Fault* EventTamper::EndsBefore(std::size_t step) const {
  return FirstOf(faults_, step,
                 {Kind::kStall, Kind::kReset, Kind::kClose, Kind::kTruncatedChunk,
                  Kind::kErrorEvent, Kind::kNoFinish});
}

const Fault* EventTamper::EndsWholeBefore(std::size_t step) const {
  return FirstOf(faults_, step, {Kind::kStall, Kind::kReset, Kind::kClose, Kind::kErrorEvent});
}

void EventTamper::Tamper(std::size_t step, std::string& events) {
  if (!active_ || events.empty()) return;
  std::vector<Kind> now;
  for (std::size_t i = 0; i < faults_.size(); ++i) {
    if (happened_[i] || faults_[i].after > step || !IsInsideEvent(faults_[i].kind)) continue;
    happened_[i] = true;
    now.push_back(faults_[i].kind);
  }
  const auto due = [&](Kind kind) { return std::ranges::find(now, kind) != now.end(); };
  const bool no_finish = Has(Kind::kNoFinish);
  const bool wrong_usage = Has(Kind::kWrongUsage);
  if (now.empty() && !no_finish && !wrong_usage) return;
  const std::size_t token = TokenEvent(events);
  std::string out;
  for (std::size_t at = 0; at < events.size();) {
    const EventSpan event = EventAt(events, at);
    at = event.end;
    const std::string_view whole = events;
    const std::string_view before = whole.substr(event.begin, event.data - event.begin);
    const std::string_view behind = whole.substr(event.data_end, event.end - event.data_end);
    std::string json(whole.substr(event.data, event.data_end - event.data));
    if (wrong_usage) json = WithWrongUsage(json);
    if (no_finish) json = WithoutFinish(json);
    if (json.empty()) continue;
    if (event.begin == token) {
      if (due(Kind::kEmptyChoices)) StrAppend(out, before, WithoutChoices(json), behind);
      if (due(Kind::kGarbageBytes)) json = WithGarbage(json);
      if (due(Kind::kMalformedEvent)) json = HalfOf(json);
      if (due(Kind::kDuplicateEvent)) StrAppend(out, before, json, behind);
    }
    StrAppend(out, before, json, behind);
  }
  events = std::move(out);
}

void EventTamper::TamperEnd(std::string& tail) const {
  if (Has(Kind::kNoFinish)) return tail.clear();
  const bool no_done = Has(Kind::kNoDone);
  const bool wrong_usage = Has(Kind::kWrongUsage);
  if (!no_done && !wrong_usage) return;
  std::string out;
  for (std::size_t at = 0; at < tail.size();) {
    const EventSpan event = EventAt(tail, at);
    at = event.end;
    const std::string_view whole = tail;
    const std::string_view json = whole.substr(event.data, event.data_end - event.data);
    if (no_done && IsDone(json)) continue;
    StrAppend(out, whole.substr(event.begin, event.data - event.begin),
              wrong_usage ? WithWrongUsage(json) : std::string(json),
              whole.substr(event.data_end, event.end - event.data_end));
  }
  tail = std::move(out);
}

WholeTamper EventTamper::TamperWhole(std::string& body) const {
  if (Has(Kind::kWrongUsage)) body = WithWrongUsage(body);
  if (Has(Kind::kNoFinish)) {
    std::string open = WithoutFinish(body);
    if (!open.empty()) body = std::move(open);
  }
  if (Has(Kind::kEmptyChoices)) body = WithoutChoices(body);
  if (Has(Kind::kGarbageBytes)) body = WithGarbage(body);
  if (Has(Kind::kMalformedEvent)) body.resize(HalfOf(body).size());
  WholeTamper tamper{.length = body.size(), .ending = Find(Kind::kTruncatedChunk), .drip = drip()};
  if (tamper.ending != nullptr) body.resize(body.size() / 2);
  return tamper;
}

std::optional<http::BreakOff> BreakOffOf(const Fault& fault) {
  switch (fault.kind) {
    case Kind::kReset:
      return http::BreakOff::kReset;
    case Kind::kClose:
      return http::BreakOff::kClose;
    case Kind::kTruncatedChunk:
      return http::BreakOff::kTruncatedChunk;
    default:
      return std::nullopt;
  }
}

}  // namespace weir::sim
