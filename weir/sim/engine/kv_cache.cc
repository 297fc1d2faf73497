#include "weir/sim/engine/kv_cache.h"

#include <algorithm>
#include <bit>
#include <cassert>

#include "weir/base/random.h"

namespace weir::sim {
namespace {

constexpr std::uint32_t kNone = 0xFFFFFFFF;

KvCacheOptions AtLeastOne(KvCacheOptions options) {
  options.blocks = std::clamp<std::int64_t>(options.blocks, 1, 1 << 28);
  options.block_size = std::max<std::int64_t>(options.block_size, 1);
  return options;
}

std::int64_t RowsFor(const KvLease& lease, std::int64_t tokens, std::int64_t block_size) {
  return (tokens - lease.shared_blocks * block_size + block_size - 1) / block_size;
}

}  // namespace

KvCache::KvCache(KvCacheOptions options)
    : options_(AtLeastOne(options)),
      blocks_(static_cast<std::size_t>(options_.blocks) + 1),
      buckets_(std::bit_ceil(static_cast<std::size_t>(options_.blocks)), kNone),
      free_(options_.blocks) {
  const auto ring = static_cast<std::uint32_t>(options_.blocks);
  for (std::uint32_t i = 0; i <= ring; ++i) {
    blocks_[i].newer = i == ring ? 0 : i + 1;
    blocks_[i].older = i == 0 ? ring : i - 1;
  }
}

bool KvCache::Allocate(std::span<const TokenId> prompt, std::uint64_t key, bool reuse,
                       KvLease& lease) {
  assert(lease.blocks.empty());
  const auto size = static_cast<std::int64_t>(prompt.size());
  const auto block_size = static_cast<std::size_t>(options_.block_size);
  lease.shared_blocks = size / options_.block_size;
  lease.cached_tokens = 0;

  const auto shared = static_cast<std::size_t>(lease.shared_blocks);
  const std::int64_t own = RowsFor(lease, size, options_.block_size) * lease.sequences;
  lease.blocks.reserve(shared + static_cast<std::size_t>(own) + 4);
  hashes_.clear();
  std::int64_t taken_back = 0;
  if (options_.prefix_caching) {
    // The last token is always computed: its output is the first token of the answer.
    const std::size_t most = size == 0 ? 0 : (prompt.size() - 1) / block_size;
    std::uint64_t hash = key;
    for (std::size_t i = 0; i < shared; ++i) {
      hash = HashOf(hash, prompt.subspan(i * block_size, block_size));
      hashes_.push_back(hash);
      if (!reuse || i >= most || lease.blocks.size() < i) continue;
      const std::uint32_t found = FindKnown(hash);
      if (found == kNone) continue;
      if (blocks_[found].uses == 0) ++taken_back;
      lease.blocks.push_back(found);
    }
    lease.chain = hash;
  }

  const auto hits = static_cast<std::int64_t>(lease.blocks.size());
  const std::int64_t fresh = lease.shared_blocks - hits + own;
  if (fresh + taken_back > free_) {
    lease.blocks.clear();
    return false;
  }
  for (const std::uint32_t index : lease.blocks) Take(index);
  for (std::int64_t i = 0; i < fresh; ++i) lease.blocks.push_back(TakeOldest());
  for (std::size_t i = static_cast<std::size_t>(hits); i < hashes_.size(); ++i) {
    MakeKnown(lease.blocks[i], hashes_[i]);
  }
  lease.cached_tokens = hits * options_.block_size;
  lease.tokens = size;
  return true;
}

bool KvCache::Grow(KvLease& lease, std::int64_t tokens) {
  const std::int64_t rows = RowsFor(lease, lease.tokens + tokens, options_.block_size);
  const std::int64_t fresh =
      lease.shared_blocks + rows * lease.sequences - static_cast<std::int64_t>(lease.blocks.size());
  if (fresh > free_) return false;
  for (std::int64_t i = 0; i < fresh; ++i) lease.blocks.push_back(TakeOldest());
  lease.tokens += tokens;
  return true;
}

void KvCache::Keep(const KvLease& lease, std::span<const TokenId> prompt,
                   std::span<const TokenId> answer) {
  if (!options_.prefix_caching || lease.blocks.empty()) return;
  const auto block_size = static_cast<std::size_t>(options_.block_size);
  const auto shared = static_cast<std::size_t>(lease.shared_blocks);
  const std::size_t written =
      std::min(prompt.size() + answer.size(), static_cast<std::size_t>(lease.tokens));
  std::vector<TokenId> tokens;
  std::uint64_t hash = lease.chain;
  for (std::size_t i = shared; (i + 1) * block_size <= written; ++i) {
    tokens.clear();
    for (std::size_t at = i * block_size; at < (i + 1) * block_size; ++at) {
      tokens.push_back(at < prompt.size() ? prompt[at] : answer[at - prompt.size()]);
    }
    hash = HashOf(hash, tokens);
    MakeKnown(lease.blocks[shared + (i - shared) * static_cast<std::size_t>(lease.sequences)],
              hash);
  }
}

void KvCache::Free(KvLease& lease) {
  const auto ring = static_cast<std::uint32_t>(options_.blocks);
  // Backwards, so that the end of a prefix is needed anew before its beginning is.
  for (std::size_t i = lease.blocks.size(); i-- > 0;) {
    const std::uint32_t index = lease.blocks[i];
    assert(blocks_[index].uses > 0);
    if (--blocks_[index].uses > 0) continue;
    ++free_;
    if (blocks_[index].known) {
      LinkBetween(index, blocks_[ring].older, ring);
    } else {
      LinkBetween(index, ring, blocks_[ring].newer);  // nothing worth keeping: goes first
    }
  }
  lease.blocks.clear();
  lease.tokens = 0;
}

void KvCache::ResetPrefixes() {
  std::ranges::fill(buckets_, kNone);
  for (Block& block : blocks_) block.known = false;
}

double KvCache::usage() const {
  return static_cast<double>(options_.blocks - free_) / static_cast<double>(options_.blocks);
}

std::uint64_t KvCache::HashOf(std::uint64_t before, std::span<const TokenId> tokens) const {
  return StableHash(tokens.data(), tokens.size_bytes(), before);
}

std::uint32_t* KvCache::BucketOf(std::uint64_t hash) {
  return &buckets_[static_cast<std::size_t>(hash) & (buckets_.size() - 1)];
}

std::uint32_t KvCache::FindKnown(std::uint64_t hash) {
  std::uint32_t index = *BucketOf(hash);
  while (index != kNone && blocks_[index].hash != hash) index = blocks_[index].next_in_bucket;
  return index;
}

void KvCache::MakeKnown(std::uint32_t index, std::uint64_t hash) {
  // Two requests that compute the same at once hold two blocks; the first one is found later.
  if (blocks_[index].known || FindKnown(hash) != kNone) return;
  std::uint32_t* bucket = BucketOf(hash);
  Block& block = blocks_[index];
  block.hash = hash;
  block.known = true;
  block.next_in_bucket = *bucket;
  *bucket = index;
}

void KvCache::Forget(std::uint32_t index) {
  Block& block = blocks_[index];
  if (!block.known) return;
  std::uint32_t* link = BucketOf(block.hash);
  while (*link != index) link = &blocks_[*link].next_in_bucket;
  *link = block.next_in_bucket;
  block.known = false;
}

std::uint32_t KvCache::TakeOldest() {
  const std::uint32_t index = blocks_[static_cast<std::size_t>(options_.blocks)].newer;
  Forget(index);
  Take(index);
  return index;
}

void KvCache::Take(std::uint32_t index) {
  if (blocks_[index].uses++ > 0) return;
  Unlink(index);
  --free_;
}

void KvCache::Unlink(std::uint32_t index) {
  const Block& block = blocks_[index];
  blocks_[block.older].newer = block.newer;
  blocks_[block.newer].older = block.older;
}

void KvCache::LinkBetween(std::uint32_t index, std::uint32_t older, std::uint32_t newer) {
  blocks_[index].older = older;
  blocks_[index].newer = newer;
  blocks_[older].newer = index;
  blocks_[newer].older = index;
}

}  // namespace weir::sim
