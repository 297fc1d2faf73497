#include "weir/sim/engine/latency.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "weir/base/text.h"
#include "weir/json/pointer.h"
#include "weir/json/yaml.h"

namespace weir::sim {
namespace {

using json::View;
using namespace std::chrono_literals;

constexpr double kLongest = 86'400e9;  // a day, in nanoseconds

// Measured steps of such servers lie near these: a decoding step reads all weights once (base) and
// the context of every sequence; prefill is bound by arithmetic.
struct BuiltIn {
  std::string_view name;
  Latency latency;
};

constexpr std::array kBuiltIn = {
    BuiltIn{"8b-h100",
            {.ttft = {25ms, 60ms},
             .itl = {6ms, 9ms},
             .per_prompt_token = 25us,
             .step_base = 6ms,
             .per_prefill_token = 25us,
             .per_sequence = 40us,
             .per_context_token_ns = 20,
             .jitter = 0.03}},
    BuiltIn{"70b-8xh100",
            {.ttft = {60ms, 140ms},
             .itl = {14ms, 20ms},
             .per_prompt_token = 45us,
             .step_base = 14ms,
             .per_prefill_token = 45us,
             .per_sequence = 70us,
             .per_context_token_ns = 25,
             .jitter = 0.04}},
    BuiltIn{"small-l40s",
            {.ttft = {20ms, 50ms},
             .itl = {5ms, 8ms},
             .per_prompt_token = 20us,
             .step_base = 5ms,
             .per_prefill_token = 20us,
             .per_sequence = 35us,
             .per_context_token_ns = 30,
             .jitter = 0.05}},
};

class ProfileReader {
 public:
  explicit ProfileReader(const json::YamlDocument& document) : document_(document) {}

  Result<Latency> Read() const {
    Latency latency;
    const View root = document_.value;
    if (root.IsNull()) return latency;
    if (!root.IsObject()) return Wrong("", "a latency profile is a mapping");
    // What the profile builds on comes first, wherever it stands.
    if (const View like = root.Find("like"); like.exists()) {
      Result<Latency> base = BuiltInLatency(like.StringOr(""));
      if (!base) return Wrong("like", base.error().message);
      latency = *base;
    }
    for (const json::Member member : root.members()) {
      WEIR_CHECK(ReadField(member.key, member.value, latency));
    }
    return latency;
  }

 private:
  Result<void> ReadField(std::string_view key, View value, Latency& out) const {
    if (key == "like") return {};
    if (key == "pace") return ReadPace(value, out.pace);
    if (key == "ttft") return ReadSpread(key, value, out.ttft);
    if (key == "itl") return ReadSpread(key, value, out.itl);
    if (key == "per_prompt_token") return ReadTime(key, value, out.per_prompt_token);
    if (key == "step_base") return ReadTime(key, value, out.step_base);
    if (key == "per_prefill_token") return ReadTime(key, value, out.per_prefill_token);
    if (key == "per_sequence") return ReadTime(key, value, out.per_sequence);
    if (key == "per_context_token") {
      Spread time;
      WEIR_CHECK(ReadSpread(key, value, time));
      out.per_context_token_ns = static_cast<double>(time.least.count());
      return {};
    }
    if (key == "jitter") return ReadNumber(key, value, 0, 0.3, out.jitter);
    if (key == "time_scale") return ReadNumber(key, value, 0, 1000, out.time_scale);
    return UnknownKey(key);
  }

  Result<void> ReadPace(View value, Latency::Pace& out) const {
    const std::string_view name = value.StringOr("");
    if (name == "instant") {
      out = Latency::Pace::kInstant;
    } else if (name == "fixed") {
      out = Latency::Pace::kFixed;
    } else if (name == "modelled") {
      out = Latency::Pace::kModelled;
    } else {
      return Wrong("pace", "`pace` is one of instant, fixed, modelled");
    }
    return {};
  }

  Result<void> ReadNumber(std::string_view key, View value, double least, double most,
                          double& out) const {
    const std::optional<double> number = value.AsDouble();
    if (!number || *number < least || *number > most) {
      return Wrong(key, StrCat("`", key, "` is a number in ", least, "..", most));
    }
    out = *number;
    return {};
  }

  Result<void> ReadTime(std::string_view key, View value, Duration& out) const {
    const std::optional<Duration> time = TimeOf(value);
    if (!time) return WrongTime(key);
    out = *time;
    return {};
  }

  // "20ms..80ms", or one time for both ends.
  Result<void> ReadSpread(std::string_view key, View value, Spread& out) const {
    const std::string_view text = value.StringOr("");
    const std::size_t dots = text.find("..");
    if (dots == std::string_view::npos) {
      WEIR_CHECK(ReadTime(key, value, out.least));
      out.most = out.least;
      return {};
    }
    const auto least = TimeOf(text.substr(0, dots));
    const auto most = TimeOf(text.substr(dots + 2));
    if (!least || !most) return WrongTime(key);
    if (*least > *most) return Wrong(key, StrCat("`", key, "` begins above its end"));
    out = {*least, *most};
    return {};
  }

  static std::optional<Duration> TimeOf(View value) {
    if (value.AsInt64() == 0) return Duration();
    return TimeOf(value.StringOr(""));
  }

  static std::optional<Duration> TimeOf(std::string_view text) {
    constexpr std::pair<std::string_view, double> kUnits[] = {
        {"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {"s", 1e9}, {"m", 60e9}};
    text = Trim(text);
    if (text == "0") return Duration();
    for (const auto& [unit, nanos] : kUnits) {
      if (!text.ends_with(unit)) continue;
      const auto number = ParseDouble(text.substr(0, text.size() - unit.size()));
      if (!number || *number < 0 || *number * nanos > kLongest) return std::nullopt;
      return Duration(static_cast<std::int64_t>(*number * nanos));
    }
    return std::nullopt;
  }

  std::unexpected<Error> UnknownKey(std::string_view key) const {
    static const std::vector<std::string> kKeys = {"like",
                                                   "pace",
                                                   "ttft",
                                                   "itl",
                                                   "step_base",
                                                   "jitter",
                                                   "time_scale",
                                                   "per_prompt_token",
                                                   "per_sequence",
                                                   "per_prefill_token",
                                                   "per_context_token"};
    std::string message = StrCat("unknown key `", key, "`");
    if (const auto near = Nearest(key, kKeys)) {
      StrAppend(message, "; did you mean `", *near, "`?");
    } else {
      StrAppend(message, "; known are ", Join(kKeys, ", "));
    }
    std::string pointer;
    json::AppendToken(pointer, key);
    return Fail(
        Code::kConfigError,
        StrCat(json::FormatMark(document_.file_name, document_.KeyMarkOf(pointer)), ": ", message));
  }

  std::unexpected<Error> WrongTime(std::string_view key) const {
    return Wrong(key, StrCat("`", key,
                             "` is a time of at most a day with its unit, such as 250us, "
                             "20ms or (for ttft and itl) 20ms..80ms"));
  }

  std::unexpected<Error> Wrong(std::string_view key, std::string_view what) const {
    std::string pointer;
    if (!key.empty()) json::AppendToken(pointer, key);
    return Fail(Code::kConfigError, StrCat(document_.Where(pointer), ": ", what));
  }

  const json::YamlDocument& document_;
};

}  // namespace

Duration Spread::Draw(Random& random) const {
  if (most <= least) return least;
  const auto width = static_cast<std::uint64_t>((most - least).count());
  return least + Duration(static_cast<std::int64_t>(random.Below(width + 1)));
}

Duration Latency::Scaled(Duration time) const {
  if (time_scale == 1) return time;
  return Duration(static_cast<std::int64_t>(static_cast<double>(time.count()) * time_scale));
}

Result<Latency> LatencyOfProfile(std::string_view text, std::string_view file_name) {
  WEIR_TRY(const json::YamlDocument document, json::ReadYaml(text, file_name));
  return ProfileReader(document).Read();
}

Result<Latency> BuiltInLatency(std::string_view name) {
  std::vector<std::string> names;
  for (const BuiltIn& built_in : kBuiltIn) {
    if (built_in.name == name) {
      Latency latency = built_in.latency;
      latency.pace = Latency::Pace::kModelled;
      return latency;
    }
    names.emplace_back(built_in.name);
  }
  const auto near = Nearest(name, names);
  return Fail(Code::kConfigError, StrCat("there is no latency profile `", name, "`; ",
                                         near ? StrCat("did you mean `", *near, "`?")
                                              : StrCat("built in are ", Join(names, ", "), "."),
                                         " A file of your own is named with its path"));
}

}  // namespace weir::sim
