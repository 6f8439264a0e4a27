// Jupyter notebooks (format 4): JSON whose cells hold the document.
#ifndef CODELORE_CHUNKER_NOTEBOOK_H_
#define CODELORE_CHUNKER_NOTEBOOK_H_

#include <string_view>

#include "chunker/cut.h"
#include "codelore/chunk.h"

namespace codelore::chunker {

// Cuts `json` between cells, and long cells between the lines of their source. search_text is the
// source; headings of Markdown cells are the sections; outputs belong to their cell's chunk and
// count for nothing. False, and `file` as it was, if the text is no such notebook.
bool ChunkNotebook(std::string_view json, const CutLimits& limits, ChunkedFile* file);

}  // namespace codelore::chunker

#endif  // CODELORE_CHUNKER_NOTEBOOK_H_
