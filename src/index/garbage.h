// What the store keeps for files and no file needs any more: texts (Table::kBlobs) and cached vectors (Table::kEmbeddings).
//
// Both are shared by all sources of a tenant, so nobody can say when a file goes whether they are needed. Now and then all
// that is needed is listed, what is not is noted with the time, and what has stayed so for long enough goes: readers of
// older snapshots, and branches or files that come back soon, find their texts and vectors.
#ifndef CODELORE_INDEX_GARBAGE_H_
#define CODELORE_INDEX_GARBAGE_H_

#include <cstdint>
#include <stop_token>
#include <string>
#include <unordered_set>
#include <vector>

#include "codelore/store.h"
#include "index/snapshot.h"

namespace codelore::index {

// Keys of texts and vectors, told apart by a letter before them.
using NeededKeys = std::unordered_set<std::string>;

enum class Shared : char { kText = 't', kVector = 'v' };

// Texts or vectors that are needed again: notes of theirs are to be erased, so that their time counts anew once nothing needs them.
Status ForgetNotes(const KeyValueStore& store, Shared what, const std::vector<std::string>& keys, WriteBatch& batch);

// Adds what the files of these partitions need: all but those that `before`, if there is one, holds in the same state.
Status AddNeeded(const KeyValueStore& store, const Snapshot& snapshot, const Snapshot* before, const Hash256& encoder,
                 const std::stop_token& stop, NeededKeys& needed);

// What is not needed, as far as it has been so since `since_unix_ms` or before; everything else is noted in the store with
// `now_unix_ms`, unless it is already.
Result<std::vector<std::string>> FindUnused(KeyValueStore& store, const NeededKeys& needed, int64_t now_unix_ms, int64_t since_unix_ms,
                                            const std::stop_token& stop);

// Removes those of `unused` that are not needed, with their notes; how many.
Result<uint64_t> RemoveUnused(KeyValueStore& store, const std::vector<std::string>& unused, const NeededKeys& needed);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_GARBAGE_H_
