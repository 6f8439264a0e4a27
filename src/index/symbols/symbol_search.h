// What Index answers about symbols, from one snapshot.
//
//   World (segments and files the viewer sees) -> matches (definitions.h, references.h) -> order -> the first of them,
//   with their lines read from the stored texts
#ifndef CODELORE_INDEX_SYMBOLS_SYMBOL_SEARCH_H_
#define CODELORE_INDEX_SYMBOLS_SYMBOL_SEARCH_H_

#include "codelore/store.h"
#include "codelore/symbols.h"
#include "index/snapshot.h"

namespace codelore::index {

// See Index::FindSymbols, FindReferences and OutlineOf.
Result<SymbolResult> FindSymbolsIn(const Snapshot& snapshot, const KeyValueStore& store, const Viewer& viewer,
                                   const SymbolRequest& request);
Result<ReferenceResult> FindReferencesIn(const Snapshot& snapshot, const KeyValueStore& store, const Viewer& viewer,
                                         const ReferenceRequest& request);
Result<FileOutline> OutlineIn(const Snapshot& snapshot, const KeyValueStore& store, const Viewer& viewer, SourceId source,
                              const std::string& path, const std::string& branch);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_SYMBOLS_SYMBOL_SEARCH_H_
