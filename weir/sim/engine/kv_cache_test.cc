#include "weir/sim/engine/kv_cache.h"

#include <list>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

namespace weir::sim {
namespace {

std::vector<TokenId> Tokens(std::int64_t count, TokenId first = 100) {
  std::vector<TokenId> tokens;
  for (std::int64_t i = 0; i < count; ++i) tokens.push_back(first + static_cast<TokenId>(i));
  return tokens;
}

TEST(KvCacheTest, ASecondPromptFindsTheFullBlocksOfTheFirstButNeverItsLastToken) {
  KvCache cache({.blocks = 10, .block_size = 4});
  KvLease first;
  KvLease same;
  KvLease longer;

  ASSERT_TRUE(cache.Allocate(Tokens(8), 0, true, first));
  ASSERT_TRUE(cache.Allocate(Tokens(8), 0, true, same));
  ASSERT_TRUE(cache.Allocate(Tokens(11), 0, true, longer));

  EXPECT_EQ(first.cached_tokens, 0);
  EXPECT_EQ(same.cached_tokens, 4);
  EXPECT_EQ(longer.cached_tokens, 8);
  EXPECT_EQ(cache.free_blocks(), 10 - 2 - 1 - 1);
}

TEST(KvCacheTest, AdaptersAndSaltsAreSeparateAndReuseCanBeRefused) {
  KvCache cache({.blocks = 100, .block_size = 4});
  KvLease lease;
  ASSERT_TRUE(cache.Allocate(Tokens(9), 1, true, lease));
  cache.Free(lease);

  KvLease other_key;
  KvLease no_reuse;
  KvLease same_key;
  ASSERT_TRUE(cache.Allocate(Tokens(9), 2, true, other_key));
  ASSERT_TRUE(cache.Allocate(Tokens(9), 1, false, no_reuse));
  ASSERT_TRUE(cache.Allocate(Tokens(9), 1, true, same_key));

  EXPECT_EQ(other_key.cached_tokens, 0);
  EXPECT_EQ(no_reuse.cached_tokens, 0);
  EXPECT_EQ(same_key.cached_tokens, 8);
}

TEST(KvCacheTest, TheLeastRecentlyUsedPrefixIsForgottenFirstAndItsEndBeforeItsBeginning) {
  KvCache cache({.blocks = 5, .block_size = 4});
  for (const TokenId first : {100, 200}) {
    KvLease lease;
    ASSERT_TRUE(cache.Allocate(Tokens(8, first), 0, true, lease));
    cache.Free(lease);
  }

  KvLease more;
  ASSERT_TRUE(cache.Allocate(Tokens(8, 300), 0, true, more));  // the free one, and one of the 100s
  KvLease old;
  ASSERT_TRUE(cache.Allocate(Tokens(9, 100), 0, true, old));

  EXPECT_EQ(old.cached_tokens, 4);
}

TEST(KvCacheTest, NothingChangesWhenThereIsNoRoom) {
  KvCache cache({.blocks = 4, .block_size = 4});
  KvLease lease;
  ASSERT_TRUE(cache.Allocate(Tokens(8), 0, true, lease));
  KvLease too_long;

  EXPECT_FALSE(cache.Allocate(Tokens(20), 0, true, too_long));
  EXPECT_FALSE(cache.Grow(lease, 9));

  EXPECT_EQ(cache.free_blocks(), 2);
  EXPECT_TRUE(too_long.blocks.empty());
  EXPECT_EQ(lease.tokens, 8);
  EXPECT_DOUBLE_EQ(cache.usage(), 0.5);
}

TEST(KvCacheTest, EverySequenceHasItsOwnBlocksBehindThePrompt) {
  KvCache cache({.blocks = 20, .block_size = 4});
  KvLease lease;
  lease.sequences = 3;

  ASSERT_TRUE(cache.Allocate(Tokens(6), 0, true, lease));
  EXPECT_EQ(lease.blocks.size(), 1U + 3U);
  ASSERT_TRUE(cache.Grow(lease, 2));
  EXPECT_EQ(lease.blocks.size(), 1U + 3U);
  ASSERT_TRUE(cache.Grow(lease, 1));
  EXPECT_EQ(lease.blocks.size(), 1U + 6U);

  cache.Free(lease);
  EXPECT_EQ(cache.free_blocks(), 20);
}

TEST(KvCacheTest, TheNextTurnOfAConversationFindsTheAnswer) {
  KvCache cache({.blocks = 20, .block_size = 4});
  KvLease first;
  ASSERT_TRUE(cache.Allocate(Tokens(6), 0, true, first));
  ASSERT_TRUE(cache.Grow(first, 7));
  cache.Keep(first, Tokens(6), Tokens(7, 106));
  cache.Free(first);

  KvLease second;
  ASSERT_TRUE(cache.Allocate(Tokens(16), 0, true, second));

  EXPECT_EQ(second.cached_tokens, 12);
}

TEST(KvCacheTest, ResetForgetsPrefixesAndLeavesWhatIsInUse) {
  KvCache cache({.blocks = 20, .block_size = 4});
  KvLease used;
  ASSERT_TRUE(cache.Allocate(Tokens(8), 0, true, used));

  cache.ResetPrefixes();

  KvLease again;
  ASSERT_TRUE(cache.Allocate(Tokens(9), 0, true, again));
  EXPECT_EQ(again.cached_tokens, 0);
  cache.Free(used);
  cache.Free(again);
  EXPECT_EQ(cache.free_blocks(), 20);
}

TEST(KvCacheTest, WithoutPrefixCachingNothingIsFound) {
  KvCache cache({.blocks = 20, .block_size = 4, .prefix_caching = false});
  KvLease first;
  KvLease second;
  ASSERT_TRUE(cache.Allocate(Tokens(9), 0, true, first));
  ASSERT_TRUE(cache.Allocate(Tokens(9), 0, true, second));
  EXPECT_EQ(second.cached_tokens, 0);
}

// The same cache, written down as it is described: a prefix is the text of its tokens, and the
// unused blocks are a list.
class NaiveCache {
 public:
  NaiveCache(int blocks, int block_size) : block_size_(block_size) {
    for (int i = 0; i < blocks; ++i) unused_.push_back({});
  }

  struct Lease {
    std::vector<std::string> blocks;  // known by their prefix, or empty
    std::int64_t cached = 0;
  };

  std::optional<Lease> Allocate(const std::vector<TokenId>& prompt, int key) {
    std::vector<std::string> names;
    std::string prefix = std::to_string(key) + ":";
    const std::size_t size = static_cast<std::size_t>(block_size_);
    for (std::size_t i = 0; i + size <= prompt.size(); i += size) {
      for (std::size_t j = i; j < i + size; ++j) prefix += std::to_string(prompt[j]) + ",";
      names.push_back(prefix);
    }
    Lease lease;
    std::size_t hits = 0;
    std::size_t unused_hits = 0;
    while (hits < names.size() && hits < (prompt.size() - 1) / size) {
      const bool in_use = uses_.contains(names[hits]);
      const bool unused = std::ranges::find(unused_, names[hits]) != unused_.end();
      if (!in_use && !unused) break;
      unused_hits += in_use ? 0 : 1;
      ++hits;
    }
    const std::size_t total = (prompt.size() + size - 1) / size;
    if (total - hits + unused_hits > unused_.size()) return std::nullopt;
    for (std::size_t i = 0; i < hits; ++i) {
      if (!uses_.contains(names[i])) unused_.remove(names[i]);
      ++uses_[names[i]];
      lease.blocks.push_back(names[i]);
    }
    for (std::size_t i = hits; i < total; ++i) unused_.pop_front();
    for (std::size_t i = hits; i < total; ++i) {
      const bool known = i >= names.size() || uses_.contains(names[i]) ||
                         std::ranges::find(unused_, names[i]) != unused_.end();
      if (!known) uses_[names[i]] = 1;
      lease.blocks.push_back(known ? std::string() : names[i]);
    }
    lease.cached = static_cast<std::int64_t>(hits) * block_size_;
    return lease;
  }

  void Free(const Lease& lease) {
    for (std::size_t i = lease.blocks.size(); i-- > 0;) {
      const std::string& name = lease.blocks[i];
      if (name.empty()) {
        unused_.push_front({});
      } else if (--uses_[name] == 0) {
        uses_.erase(name);
        unused_.push_back(name);
      }
    }
  }

  std::size_t free_blocks() const { return unused_.size(); }

 private:
  int block_size_;
  std::list<std::string> unused_;
  std::map<std::string, int> uses_;
};

RC_GTEST_PROP(KvCacheTest, BehavesLikeItsDescription, ()) {
  const int blocks = *rc::gen::inRange(1, 12);
  KvCache cache({.blocks = blocks, .block_size = 2});
  NaiveCache naive(blocks, 2);
  std::vector<std::pair<KvLease, NaiveCache::Lease>> held;
  const int steps = *rc::gen::inRange(1, 60);
  for (int i = 0; i < steps; ++i) {
    if (!held.empty() && *rc::gen::inRange(0, 2) == 0) {
      const auto at = *rc::gen::inRange<std::size_t>(0, held.size());
      cache.Free(held[at].first);
      naive.Free(held[at].second);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      const auto size = *rc::gen::inRange<std::size_t>(1, 10);
      const auto prompt =
          *rc::gen::container<std::vector<TokenId>>(size, rc::gen::inRange<TokenId>(0, 2));
      const int key = *rc::gen::inRange(0, 2);
      KvLease lease;
      const bool allocated = cache.Allocate(prompt, static_cast<std::uint64_t>(key), true, lease);
      auto expected = naive.Allocate(prompt, key);
      RC_ASSERT(allocated == expected.has_value());
      if (allocated) {
        RC_ASSERT(lease.cached_tokens == expected->cached);
        held.emplace_back(std::move(lease), *std::move(expected));
      }
    }
    RC_ASSERT(static_cast<std::size_t>(cache.free_blocks()) == naive.free_blocks());
  }
}

RC_GTEST_PROP(KvCacheTest, NoBlockIsEverHeldTwiceAndAllComeBack, ()) {
  const auto blocks = *rc::gen::inRange<std::int64_t>(1, 40);
  KvCache cache({.blocks = blocks, .block_size = 3});
  std::vector<KvLease> held;
  const int steps = *rc::gen::inRange(1, 60);
  for (int i = 0; i < steps; ++i) {
    KvLease lease;
    lease.sequences = *rc::gen::inRange<std::int64_t>(1, 4);
    const auto prompt = Tokens(*rc::gen::inRange<std::int64_t>(0, 20), *rc::gen::element(1, 2, 3));
    if (cache.Allocate(prompt, 0, true, lease)) held.push_back(std::move(lease));
    if (held.empty()) continue;
    const auto at = *rc::gen::inRange<std::size_t>(0, held.size());
    cache.Grow(held[at], *rc::gen::inRange<std::int64_t>(0, 9));
    if (*rc::gen::inRange(0, 2) == 0) {
      cache.Free(held[at]);
      held.erase(held.begin() + static_cast<std::ptrdiff_t>(at));
    }
    std::set<std::uint32_t> distinct;
    for (const KvLease& its : held) {
      const std::set<std::uint32_t> own(its.blocks.begin(), its.blocks.end());
      RC_ASSERT(own.size() == its.blocks.size());
      distinct.insert(own.begin(), own.end());
    }
    RC_ASSERT(cache.free_blocks() + static_cast<std::int64_t>(distinct.size()) == blocks);
  }
  for (KvLease& lease : held) cache.Free(lease);
  RC_ASSERT(cache.free_blocks() == blocks);
}

}  // namespace
}  // namespace weir::sim
