#pragma once

// Changes to the JSON of one reply or event that the faults are made of. Texts of the codecs come
// in and are compact; what has another form stays as it is.

#include <cstddef>
#include <string>
#include <string_view>

namespace weir::sim {

// Where one event of a stream lies in a text: all of it, and its JSON.
struct EventSpan {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::size_t data = 0;
  std::size_t data_end = 0;
};

// The event at `from`: up to an empty line, or one line when it is no server-sent event.
EventSpan EventAt(std::string_view events, std::size_t from);

// Says how the answer ended: a finish reason, "done":true, response.completed and its like.
bool IsFinish(std::string_view json);
bool IsDone(std::string_view json);

// The front half, which is no JSON any more. No character is cut.
std::string_view HalfOf(std::string_view text);

// With a few bytes that are no UTF-8 in front of its text, or in its first text if it has none.
std::string WithGarbage(std::string_view json);

// Without the choices, or the message, of an event or a reply.
std::string WithoutChoices(std::string_view json);

// Every number of its usage times ten.
std::string WithWrongUsage(std::string_view json);

// Its finish reasons null. Empty when it says nothing but the finish.
std::string WithoutFinish(std::string_view json);

}  // namespace weir::sim
