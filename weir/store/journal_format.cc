#include "weir/store/journal_format.h"

#include "weir/store/crc32c.h"

namespace weir::store {
namespace {

constexpr std::size_t kLengthAndTypeBytes = 5;

void AppendLittle(std::string& out, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i));
}

std::uint32_t Little32(std::string_view bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = 4; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

std::uint32_t HeadSum(std::uint64_t position, std::string_view length_and_type) {
  char place[8];
  for (std::size_t i = 0; i < sizeof(place); ++i) place[i] = static_cast<char>(position >> (8 * i));
  return Crc32c(length_and_type, Crc32c({place, sizeof(place)}));
}

}  // namespace

void AppendRecord(std::string& out, std::uint64_t position, std::uint8_t type,
                  std::string_view payload) {
  const std::size_t start = out.size();
  AppendLittle(out, payload.size(), 4);
  out += static_cast<char>(type);
  const std::uint32_t sum =
      HeadSum(position, std::string_view(out).substr(start, kLengthAndTypeBytes));
  AppendLittle(out, sum, 4);
  out += payload;
  AppendLittle(out, Crc32c(payload, sum), kRecordTailBytes);
}

std::optional<RecordHead> ReadRecordHead(std::string_view bytes, std::uint64_t position) {
  if (bytes.size() < kRecordHeadBytes || bytes[4] == 0) return std::nullopt;
  const RecordHead head = {.length = Little32(bytes),
                           .type = static_cast<std::uint8_t>(bytes[4]),
                           .sum = Little32(bytes.substr(kLengthAndTypeBytes))};
  if (head.sum != HeadSum(position, bytes.substr(0, kLengthAndTypeBytes))) return std::nullopt;
  return head;
}

std::optional<std::string_view> ReadRecordPayload(std::string_view bytes, const RecordHead& head) {
  if (bytes.size() < head.record_bytes()) return std::nullopt;
  const std::string_view payload = bytes.substr(kRecordHeadBytes, head.length);
  const std::uint32_t sum = Little32(bytes.substr(kRecordHeadBytes + head.length));
  if (sum != Crc32c(payload, head.sum)) return std::nullopt;
  return payload;
}

}  // namespace weir::store
