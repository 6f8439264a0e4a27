// A look at the end of a RocksDB table before RocksDB itself reads it: the block of properties is parsed there before its checksum is
// looked at, and a wrong bit can meet an assertion, which ends the process. Every other block is verified by RocksDB.
//
//   table     := ... | properties | metaindex | footer
//   block     := bytes | compression (1) | checksum of both (4)
//   metaindex := entries of varint shared (0), varint key size, varint value size, key, value; then restart points
//   footer    := checksum's kind (1) | metaindex: varint offset, varint size | index: likewise | zeros up to 41 | version (4) | magic (8)
//
// This is format version 5 of block-based tables (RocksDB, table/format.cc); 4 to 2 are read alike.
#ifndef CODELORE_INDEX_STORE_TABLE_CHECK_H_
#define CODELORE_INDEX_STORE_TABLE_CHECK_H_

#include <cstdint>
#include <functional>
#include <string>

#include "codelore/status.h"

namespace codelore::index {

// Bytes [offset, offset + size) of a file, or fewer where it ends.
using ReadAt = std::function<Result<std::string>(uint64_t offset, uint64_t size)>;

// kCorruption where the properties, or the way to them, are not what was written. What has no checksum that we know passes.
Status CheckTable(uint64_t file_size, const ReadAt& read);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_STORE_TABLE_CHECK_H_
