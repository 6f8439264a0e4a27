// A query. One that is accepted as a query means the same when it is printed and read again.
#include "fuzz/fuzz_target.h"
#include "index/query/query_parser.h"

using namespace codelore::index;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = View(data, size);
  for (codelore::QuerySyntax syntax : {codelore::QuerySyntax::kPlain, codelore::QuerySyntax::kAuto, codelore::QuerySyntax::kQuery}) {
    const auto query = ParseQuery(text, syntax);
    CHECK(query.ok() || syntax != codelore::QuerySyntax::kPlain);
    if (!query.ok()) continue;
    RankedTextOf(text, *query);
    if (query->plain) continue;
    const std::string printed = PrintQuery(query->tree);
    const auto again = ParseQuery(printed, codelore::QuerySyntax::kQuery);
    CHECK(again.ok());
    CHECK(again->plain ? query->tree.children.empty() && !IsAtom(query->tree.kind) : again->tree == query->tree);
  }
  return 0;
}
