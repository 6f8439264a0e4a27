// The text of office documents: PDF (its text layer) and DOCX.
//
// Their formats are read by well-kept programs, poppler's pdftotext and Info-ZIP's unzip, each in a child process with limits
// on time, memory and output; what is left to do here is one linear pass over DOCX's XML, which expands nothing.
#ifndef CODELORE_INGEST_DOCUMENT_TEXT_H_
#define CODELORE_INGEST_DOCUMENT_TEXT_H_

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>
#include <string_view>

#include "codelore/status.h"

namespace codelore::ingest {

enum class DocumentFormat { kNone, kPdf, kDocx };

// By the extension, in any case.
DocumentFormat DocumentFormatOf(std::string_view path);

struct DocumentLimits {
  std::string scratch_folder = "/tmp";  // where a DOCX lies while it is unpacked; made if missing
  uint64_t max_text_bytes = 8 << 20;
  uint64_t max_memory_bytes = uint64_t{1} << 30;
  std::chrono::milliseconds timeout = std::chrono::seconds(30);
  std::stop_token stop = {};
};

// Whether the programs are there, as two letters: a part of the version of files that need them.
std::string DocumentPrograms();

// kInvalidArgument, with the reason in words for the ledger ("encrypted PDF", "DOCX: its XML declares entities"), for what
// is not to be read; kResourceExhausted for what takes too much; kUnavailable when stopped or when the program is missing.
Result<std::string> DocumentText(DocumentFormat format, std::string_view bytes, const DocumentLimits& limits);

// The paragraphs of a DOCX's word/document.xml, a line each.
Result<std::string> WordText(std::string_view xml);

}  // namespace codelore::ingest

#endif  // CODELORE_INGEST_DOCUMENT_TEXT_H_
