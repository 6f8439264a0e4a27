#include "ingest/document_text.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <utility>

#include "codelore/utf8.h"
#include "ingest/classify.h"
#include "ingest/descriptor.h"
#include "ingest/process.h"

namespace codelore::ingest {
namespace {

bool InPath(const char* program) {
  const char* path = getenv("PATH");
  for (std::string_view rest = path == nullptr ? "" : path; !rest.empty();) {
    std::string folder(rest.substr(0, rest.find(':')));
    rest.remove_prefix(std::min(folder.size() + 1, rest.size()));
    if (access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

Command Limited(std::vector<std::string> arguments, const DocumentLimits& limits) {
  const char* path = getenv("PATH");
  Command command{.arguments = std::move(arguments)};
  command.environment = {std::string("PATH=") + (path == nullptr ? "/usr/bin:/bin" : path), "LC_ALL=C.UTF-8"};
  command.timeout = limits.timeout;
  command.max_output_bytes = 2 * limits.max_text_bytes;
  command.max_memory_bytes = limits.max_memory_bytes;
  command.max_file_bytes = 1;  // it has nothing to write but its answer
  command.stop = limits.stop;
  return command;
}

std::string FirstLineOf(std::string_view errors, std::string_view otherwise) {
  std::string_view line = errors.substr(0, std::min(errors.find('\n'), size_t{160}));
  std::string text(Utf8Prefix(IsValidUtf8(line) ? line : std::string_view(), 160));
  std::erase_if(text, [](unsigned char c) { return c < 0x20 || c == 0x7F; });
  return text.empty() ? std::string(otherwise) : text;
}

// A child's failure that says something about the document, not about this moment.
Status TooMuch(const Status& status, const char* what) {
  if (status.code() != StatusCode::kResourceExhausted) return status;
  return ResourceExhausted(std::string(what) + ": it takes too long or holds too much text");
}

Result<std::string> PdfText(std::string_view bytes, const DocumentLimits& limits) {
  if (bytes.substr(0, 1024).find("%PDF-") == std::string_view::npos) return InvalidArgument("PDF: it does not begin like one");
  ASSIGN_OR_RETURN(auto process, Process::Start(Limited({"pdftotext", "-q", "-enc", "UTF-8", "-nopgbrk", "-", "-"}, limits)));
  Status written = process->Write(bytes);  // one that stops reading says why with its end
  process->CloseInput();
  auto text = process->ReadAll();
  if (!text.ok()) return TooMuch(text.status(), "PDF");
  ASSIGN_OR_RETURN(int code, process->Finish());
  if (code == 0 && written.ok()) return std::move(*text);
  bool locked = process->errors().find("password") != std::string::npos || process->errors().find("ncrypt") != std::string::npos;
  if (locked || code == 3) return InvalidArgument("encrypted PDF");
  if (bytes.find("/Encrypt") != std::string_view::npos && text->empty()) return InvalidArgument("encrypted PDF");
  return InvalidArgument("PDF: " + FirstLineOf(process->errors(), "it is damaged"));
}

// unzip needs a file that it can seek in. Removed with the object.
class ScratchFile {
 public:
  static Result<ScratchFile> Write(const std::string& folder, std::string_view bytes) {
    std::error_code error;
    std::filesystem::create_directories(folder, error);
    std::string path = folder + "/document-XXXXXX";
    Descriptor file(mkstemp(path.data()));
    if (!file.open()) return Unavailable("cannot make a file in " + folder);
    ScratchFile scratch(path);
    while (!bytes.empty()) {
      ssize_t count = ::write(file.get(), bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return ResourceExhausted("cannot write " + path);
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return scratch;
  }
  ScratchFile(ScratchFile&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  ~ScratchFile() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }
  const std::string& path() const { return path_; }

 private:
  explicit ScratchFile(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Result<std::string> DocxText(std::string_view bytes, const DocumentLimits& limits) {
  constexpr int kNoSuchMember = 11, kNeedsPassword = 82;
  if (!bytes.starts_with("PK\3\4")) {
    bool compound = bytes.starts_with("\xD0\xCF\x11\xE0");  // what encryption wraps a DOCX in
    return InvalidArgument(compound ? "encrypted DOCX" : "DOCX: it is no zip archive");
  }
  ASSIGN_OR_RETURN(ScratchFile file, ScratchFile::Write(limits.scratch_folder, bytes));
  ASSIGN_OR_RETURN(auto process, Process::Start(Limited({"unzip", "-p", "-P", "", file.path(), "word/document.xml"}, limits)));
  process->CloseInput();
  auto xml = process->ReadAll();
  if (!xml.ok()) return TooMuch(xml.status(), "DOCX");
  ASSIGN_OR_RETURN(int code, process->Finish());
  if (code == kNoSuchMember) return InvalidArgument("DOCX: it has no word/document.xml");
  if (code == kNeedsPassword || process->errors().find("password") != std::string::npos) return InvalidArgument("encrypted DOCX");
  if (code > 1) return InvalidArgument("DOCX: the archive is damaged");  // 1: a warning
  ASSIGN_OR_RETURN(std::string text, WordText(*xml));
  if (text.size() > limits.max_text_bytes) return ResourceExhausted("DOCX: it takes too long or holds too much text");
  return text;
}

// The character that "&NAME;" stands for; empty for what XML alone does not define.
std::string Character(std::string_view name) {
  if (name == "amp") return "&";
  if (name == "lt") return "<";
  if (name == "gt") return ">";
  if (name == "quot") return "\"";
  if (name == "apos") return "'";
  if (!name.starts_with('#')) return "";
  bool hex = name.size() > 1 && name[1] == 'x';
  name.remove_prefix(hex ? 2 : 1);
  uint32_t code = 0;
  auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), code, hex ? 16 : 10);
  bool sound = error == std::errc() && end == name.data() + name.size() && code >= 0x20 && code <= 0x10FFFF && (code < 0xD800 || code > 0xDFFF);
  std::string out;
  if (!sound) return out;
  if (code < 0x80) return std::string(1, static_cast<char>(code));
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  out += static_cast<char>((more == 1 ? 0xC0 : more == 2 ? 0xE0 : 0xF0) | code >> (6 * more));
  while (more-- > 0) out += static_cast<char>(0x80 | (code >> (6 * more) & 0x3F));
  return out;
}

void AppendText(std::string_view text, std::string& out) {
  constexpr size_t kLongestName = 12;
  while (!text.empty()) {
    size_t mark = std::min(text.find('&'), text.size());
    out.append(text.substr(0, mark));
    text.remove_prefix(mark);
    if (text.empty()) return;
    size_t end = text.substr(0, kLongestName).find(';');
    std::string character = end == std::string_view::npos ? "" : Character(text.substr(1, end - 1));
    out += character.empty() ? "&" : character;
    text.remove_prefix(character.empty() ? 1 : end + 1);
  }
}

}  // namespace

DocumentFormat DocumentFormatOf(std::string_view path) {
  std::string extension = LowerExtension(path);
  return extension == "pdf" ? DocumentFormat::kPdf : extension == "docx" ? DocumentFormat::kDocx : DocumentFormat::kNone;
}

std::string DocumentPrograms() { return std::string(InPath("pdftotext") ? "p" : "-") + (InPath("unzip") ? "z" : "-"); }

Result<std::string> DocumentText(DocumentFormat format, std::string_view bytes, const DocumentLimits& limits) {
  const char* program = format == DocumentFormat::kPdf ? "pdftotext" : "unzip";
  if (!InPath(program)) return Unavailable(std::string(format == DocumentFormat::kPdf ? "PDF: " : "DOCX: ") + program + " is not installed");
  return format == DocumentFormat::kPdf ? PdfText(bytes, limits) : DocxText(bytes, limits);
}

Result<std::string> WordText(std::string_view xml) {
  if (!IsValidUtf8(xml)) return InvalidArgument("DOCX: its XML is not UTF-8");
  std::string out;
  bool in_text = false;
  while (!xml.empty()) {
    size_t open = std::min(xml.find('<'), xml.size());
    if (in_text) AppendText(xml.substr(0, open), out);
    xml.remove_prefix(open);
    if (xml.empty()) break;
    if (xml.starts_with("<!DOCTYPE") || xml.starts_with("<!ENTITY")) return InvalidArgument("DOCX: its XML declares entities");
    std::string_view close = xml.starts_with("<!--") ? "-->" : ">";
    size_t end = xml.find(close);
    if (end == std::string_view::npos) return InvalidArgument("DOCX: its XML ends within a tag");
    std::string_view tag = xml.substr(1, end - 1);
    xml.remove_prefix(end + close.size());
    bool ends = tag.starts_with('/'), empty = tag.ends_with('/');
    if (ends) tag.remove_prefix(1);
    std::string_view name = tag.substr(0, tag.find_first_of(" \t\r\n/"));
    if (name == "w:t") in_text = !ends && !empty;
    if (name == "w:tab" && !ends) out += '\t';
    if ((name == "w:br" || name == "w:cr") && !ends) out += '\n';
    if (name == "w:p" && (ends || empty)) out += '\n';
    if (name == "w:tc" && ends && out.ends_with('\n')) out.back() = '\t';
    if (name == "w:tr" && ends) out += '\n';
  }
  return out;
}

}  // namespace codelore::ingest
