#include "weir/text/media.h"

#include <utility>

#include "weir/base/text.h"
#include "weir/store/files.h"

namespace weir::text {
namespace {

constexpr std::pair<std::string_view, std::string_view> kEndings[] = {
    {".wav", "audio/wav"}, {".mp3", "audio/mpeg"}, {".flac", "audio/flac"},
    {".ogg", "audio/ogg"}, {".mp4", "video/mp4"},  {".webm", "video/webm"},
};

model::Part PartOfType(std::string_view type) {
  model::Part part;
  part.kind = type.starts_with("audio/")   ? model::Part::Kind::kAudio
              : type.starts_with("video/") ? model::Part::Kind::kVideo
                                           : model::Part::Kind::kImage;
  if (part.kind == model::Part::Kind::kAudio) {
    part.format = type == "audio/mpeg" ? "mp3" : type.substr(type.find('/') + 1);
  }
  return part;
}

std::string_view TypeOfAddress(std::string_view address) {
  if (address.starts_with("data:")) return address.substr(5, address.find_first_of(";,") - 5);
  const std::string path = ToLower(address.substr(0, address.find_first_of("?#")));
  for (const auto& [ending, type] : kEndings) {
    if (path.ends_with(ending)) return type;
  }
  return "image/";
}

}  // namespace

std::optional<std::string_view> MediaType(std::string_view bytes) {
  using namespace std::string_view_literals;
  const std::string_view form = bytes.size() >= 12 ? bytes.substr(8, 4) : "";
  if (bytes.starts_with("\x89PNG\r\n\x1A\n")) return "image/png";
  if (bytes.starts_with("\xFF\xD8\xFF")) return "image/jpeg";
  if (bytes.starts_with("GIF87a") || bytes.starts_with("GIF89a")) return "image/gif";
  if (bytes.starts_with("BM") && bytes.size() > 14 && bytes.substr(6, 4) == "\0\0\0\0"sv) {
    return "image/bmp";
  }
  if (bytes.starts_with("RIFF") && form == "WEBP") return "image/webp";
  if (bytes.starts_with("RIFF") && form == "WAVE") return "audio/wav";
  if (bytes.starts_with("ID3") || bytes.starts_with("\xFF\xFB")) return "audio/mpeg";
  if (bytes.starts_with("fLaC")) return "audio/flac";
  if (bytes.starts_with("OggS")) return "audio/ogg";
  if (bytes.size() >= 12 && bytes.substr(4, 4) == "ftyp") return "video/mp4";
  if (bytes.starts_with("\x1A\x45\xDF\xA3")) return "video/webm";
  return std::nullopt;
}

Result<model::Part> MediaPartOf(std::string_view bytes, std::string_view name) {
  const std::optional<std::string_view> type = MediaType(bytes);
  if (!type) {
    return Fail(Code::kConfigError,
                StrCat(name,
                       " is no medium that weir knows by its first bytes: PNG, JPEG, GIF, "
                       "WebP, BMP; WAV, MP3, FLAC, Ogg; MP4, WebM"));
  }
  if (bytes.size() > kMediaBytes) {
    return Fail(Code::kConfigError,
                StrCat(name, " has ", bytes.size(), " bytes, more than the ", kMediaBytes,
                       " of a medium; make it smaller, or give "
                       "an address that the server can fetch"));
  }
  model::Part part = PartOfType(*type);
  part.url = StrCat("data:", *type, ";base64,", Base64Encode(bytes));
  return part;
}

bool IsMediaAddress(std::string_view source) {
  return source.starts_with("http://") || source.starts_with("https://") ||
         source.starts_with("data:");
}

model::Part MediaAtAddress(const std::string& address) {
  model::Part part = PartOfType(TypeOfAddress(address));
  part.url = address;
  return part;
}

Result<model::Part> ReadMedia(const std::string& source) {
  if (IsMediaAddress(source)) return MediaAtAddress(source);
  WEIR_TRY(const std::optional<std::string> bytes, store::ReadFile(source, kMediaBytes));
  if (!bytes) return Fail(Code::kConfigError, StrCat("there is no file ", source));
  return MediaPartOf(*bytes, source);
}

}  // namespace weir::text
