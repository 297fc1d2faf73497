#pragma once

// KvCache: the blocks of a server's key-value cache, with prefix reuse: a full block is known by
// the hash of its tokens and of all before them, by adapter and salt; blocks that nobody uses stay
// until the least recently used ones are needed. Pure bookkeeping: no lock, no time. Every block
// that is taken, found or given back costs O(1).

#include <cstdint>
#include <span>
#include <vector>

#include "weir/sim/language/tokenizer.h"

namespace weir::sim {

struct KvCacheOptions {
  std::int64_t blocks = 8192;
  std::int64_t block_size = 16;  // tokens
  bool prefix_caching = true;
};

// What one request holds. Give it back with KvCache::Free().
struct KvLease {
  // The full blocks of the prompt, which all sequences share; then, row by row, one block for each
  // sequence.
  std::vector<std::uint32_t> blocks;
  std::int64_t sequences = 1;      // continuations of the prompt; set before Allocate()
  std::int64_t cached_tokens = 0;  // of the prompt, found there; a multiple of the block size
  std::int64_t tokens = 0;         // that have a place in each sequence; zero: holds nothing
  std::int64_t shared_blocks = 0;
  std::uint64_t chain = 0;  // the hash of the shared blocks
};

class KvCache {
 public:
  explicit KvCache(KvCacheOptions options);

  // Places for a prompt, reusing what is there (at most all but the last token). False when there
  // are not enough blocks; nothing has changed then. `key` separates adapters and salts;
  // `reuse` false computes every token anew.
  bool Allocate(std::span<const TokenId> prompt, std::uint64_t key, bool reuse, KvLease& lease);
  // Places for `tokens` more tokens of every sequence. False, and nothing has changed, when there
  // are not enough blocks.
  bool Grow(KvLease& lease, std::int64_t tokens);
  // Makes known what the first sequence wrote after the prompt, so that the next turn of the
  // conversation finds it. Only tokens that have a place count.
  void Keep(const KvLease& lease, std::span<const TokenId> prompt, std::span<const TokenId> answer);
  void Free(KvLease& lease);
  void ResetPrefixes();  // forgets every prefix; blocks in use stay in use

  double usage() const;                               // share of blocks in use, 0..1
  std::int64_t free_blocks() const { return free_; }  // unused ones, cached or not
  const KvCacheOptions& options() const { return options_; }

 private:
  // Unused blocks form a ring through `older` and `newer`; known ones stand in the chain of their
  // bucket too, used or not.
  struct Block {
    std::uint64_t hash = 0;
    std::uint32_t uses = 0;
    std::uint32_t older = 0;
    std::uint32_t newer = 0;
    std::uint32_t next_in_bucket = 0;
    bool known = false;
  };

  std::uint64_t HashOf(std::uint64_t before, std::span<const TokenId> tokens) const;
  std::uint32_t* BucketOf(std::uint64_t hash);
  std::uint32_t FindKnown(std::uint64_t hash);
  void MakeKnown(std::uint32_t index, std::uint64_t hash);
  void Forget(std::uint32_t index);
  std::uint32_t TakeOldest();
  void Take(std::uint32_t index);
  void Unlink(std::uint32_t index);
  void LinkBetween(std::uint32_t index, std::uint32_t older, std::uint32_t newer);

  const KvCacheOptions options_;
  std::vector<Block> blocks_;  // the last one is no block but where the ring begins and ends
  std::vector<std::uint32_t> buckets_;
  std::vector<std::uint64_t> hashes_;  // of the prompt at hand
  std::int64_t free_;
};

}  // namespace weir::sim
