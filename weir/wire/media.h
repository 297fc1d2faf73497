#pragma once

// Audio inside a request: OpenAI's input_audio has the data and a format word, our parts have a
// URL.

#include <optional>
#include <string>
#include <string_view>

#include "weir/model/message.h"

namespace weir::wire {

inline constexpr std::string_view kBase64Mark = ";base64,";  // of a data URL

struct InlineAudio {
  std::string_view data;  // base64; lives in the part
  std::string format;     // "wav", "mp3"
};

// The audio of a part whose URL is `data:audio/...;base64,...`; nullopt for any other URL.
std::optional<InlineAudio> ReadInlineAudio(const model::Part& part);

// The part that ReadInlineAudio() reads back.
model::Part MakeAudioPart(std::string_view data, std::string_view format);

}  // namespace weir::wire
