// Records of which a source has one, or none: kept in Table::kMeta under a prefix and the source's id.
#ifndef CODELORE_API_SOURCE_RECORDS_H_
#define CODELORE_API_SOURCE_RECORDS_H_

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "codelore/coding.h"
#include "codelore/ids.h"
#include "codelore/store.h"

namespace codelore::api {

// How one kind is kept; a value type.
template <typename Record>
struct SourceRecords {
  std::string_view prefix;  // "follow/"
  std::string (*encode)(const Record&);
  Result<Record> (*decode)(std::string_view);

  Result<std::optional<Record>> Read(const KeyValueStore& store, SourceId source) const {
    ASSIGN_OR_RETURN(auto stored, store.Get(Table::kMeta, KeyOf(source)));
    if (!stored) return std::optional<Record>();
    ASSIGN_OR_RETURN(Record record, decode(*stored));
    return std::optional<Record>(std::move(record));
  }

  Status Write(KeyValueStore& store, SourceId source, const Record& record) const {
    WriteBatch batch;
    batch.Put(Table::kMeta, KeyOf(source), encode(record));
    return store.Write(batch);
  }

  Status Erase(KeyValueStore& store, SourceId source) const {
    WriteBatch batch;
    batch.Delete(Table::kMeta, KeyOf(source));
    return store.Write(batch);
  }

  // All there are, by id. A damaged one is an error, and hides none of the others.
  Status ForEach(const KeyValueStore& store, const std::function<void(SourceId, const Record&)>& visit) const {
    Status status;
    RETURN_IF_ERROR(store.Scan(Table::kMeta, prefix, [&](std::string_view key, std::string_view value) {
      auto record = decode(value);
      if (!record.ok()) status = record.status();
      if (record.ok()) visit({ByteReader(key.substr(prefix.size())).Key32()}, *record);
      return true;
    }));
    return status;
  }

 private:
  std::string KeyOf(SourceId source) const { return ByteWriter().Raw(prefix).Key32(source.value).Take(); }
};

}  // namespace codelore::api

#endif  // CODELORE_API_SOURCE_RECORDS_H_
