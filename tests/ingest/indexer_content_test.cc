// What becomes of file contents: charsets, documents, attributes of languages.
#include "ingest/indexer_fixture.h"

namespace codelore::ingest {
namespace {

// UTF-8 of the basic plane to UTF-16 with a byte order mark.
std::string Utf16(std::string_view text, bool big_endian) {
  std::string out;
  auto put = [&](uint32_t unit) {
    char high = static_cast<char>(unit >> 8), low = static_cast<char>(unit);
    out += big_endian ? high : low;
    out += big_endian ? low : high;
  };
  put(0xFEFF);
  for (size_t i = 0; i < text.size();) {
    auto byte = [&](size_t at) { return static_cast<uint8_t>(text[at]); };
    size_t length = byte(i) < 0x80 ? 1 : byte(i) < 0xE0 ? 2 : 3;
    uint32_t code = length == 1 ? byte(i) : length == 2 ? byte(i) & 0x1Fu : byte(i) & 0x0Fu;
    for (size_t k = 1; k < length; ++k) code = code << 6 | (byte(i + k) & 0x3Fu);
    put(code);
    i += length;
  }
  return out;
}

TEST_F(IndexerTest, FilesInOtherCharsetsAreFoundByTheirWords) {
  ScratchRepository repository;
  repository.Write("utf16le.txt", Utf16("Schlüssel walrus\n비밀번호 변경\n", false));
  repository.Write("utf16be.txt", Utf16("heron\nパスワード変更\n", true));
  repository.Write("bom.txt", "\xEF\xBB\xBFotter first\n");
  repository.Write("cp949.txt",
                   "\xB0\xE1\xC1\xA6 \xC3\xEB\xBC\xD2 \xB1\xD4\xC1\xA4\n\xC1\xD6\xB9\xAE\xC0\xBB \xC3\xEB\xBC\xD2\xC7\xCF\xB8\xE9 "
                   "\xB0\xE1\xC1\xA6 \xB1\xDD\xBE\xD7\xC0\xBA \xBB\xE7\xC8\xEA \xBE\xC8\xBF\xA1 "
                   "\xC8\xAF\xBA\xD2\xB5\xCB\xB4\xCF\xB4\xD9.\n");
  repository.Write("sjis.txt",
                   "\x90\xDD\x92\xE8\x82\xCC\x95\xFB\x96@\n"
                   "\x83T\x81[\x83o\x81[\x82\xCC\x8D\xC4\x8BN\x93\xAE\x82\xAA\x95K\x97v\x82\xC5\x82\xB7\x81" "B\n");
  repository.Write("latin1.txt",
                   "Gr\xF6\xDF" "en\xE4nderung der Stra\xDF" "e\nNa\xEFve Pr\xFC" "fung gen\xFCgt f\xFCr Z\xFCrich.\n");
  repository.Commit();
  acl::Source source = Add(repository.path());
  Run(source);
  EXPECT_EQ(Find("walrus"), Paths{"utf16le.txt"});
  EXPECT_EQ(Find("비밀번호"), Paths{"utf16le.txt"});
  EXPECT_EQ(Find("heron"), Paths{"utf16be.txt"});
  EXPECT_EQ(Find("otter"), Paths{"bom.txt"});
  EXPECT_EQ(Find("환불됩니다"), Paths{"cp949.txt"});
  EXPECT_EQ(Find("再起動"), Paths{"sjis.txt"});
  EXPECT_EQ(Find("Zürich"), Paths{"latin1.txt"});
  auto ledger = Ledger(source);
  EXPECT_EQ(ledger["utf16le.txt"], "indexed text; decoded from utf-16le");
  EXPECT_EQ(ledger["utf16be.txt"], "indexed text; decoded from utf-16be");
  EXPECT_EQ(ledger["cp949.txt"], "indexed text; decoded from cp949");
  EXPECT_EQ(ledger["sjis.txt"], "indexed text; decoded from shift_jis");
  EXPECT_EQ(ledger["latin1.txt"], "indexed text; decoded from windows-1252");
  // What is shown is UTF-8.
  EXPECT_NE(Search("환불됩니다")[0].text.find("결제 취소 규정\n"), std::string::npos);
}

TEST_F(IndexerTest, DocumentsOfAllKindsAreFoundBySection) {
  TempFolder folder;
  std::string intro;  // long enough that its section stands alone
  for (int i = 0; i < 24; ++i) intro += "An introduction of many lines, of which this is one.\n";
  folder.Write("a.md", "# Setup\n\n" + intro + "\n## Walrus mode\n\nTurn the walrus on.\n" + intro);
  folder.Write("b.rst", "Setup\n=====\n\n" + intro + "\nHeron mode\n----------\n\nTurn the heron on.\n" + intro);
  folder.Write("c.adoc", "= Setup\n\n" + intro + "\n== Otter mode\n\nTurn the otter on.\n" + intro);
  folder.Write("d.html", "<html><head><title>T</title><style>p{}</style></head><body><h1>Setup</h1>\n<p>" + intro +
                             "</p>\n<h2>Badger mode</h2>\n<p>Turn the <b>badger</b> on.</p>\n<p>" + intro + "</p></body></html>\n");
  folder.Write("e.txt", "Turn the marten on.\n");
  folder.Write("f.ipynb", R"({"cells": [
 {"cell_type": "markdown", "metadata": {}, "source": ["# Ferret mode\n", "Turn the ferret on."]},
 {"cell_type": "code", "metadata": {}, "execution_count": 1, "outputs": [{"output_type": "stream", "name": "stdout", "text": ["secretoutput\n"]}],
  "source": ["lemming = 1\n"]}],
 "metadata": {"language_info": {"name": "python"}}, "nbformat": 4, "nbformat_minor": 5})");
  acl::Source source = Add(folder.path());
  IndexReport report = Run(source);
  EXPECT_EQ(report.files_indexed, 6u);
  struct Case {
    const char* word;
    const char* path;
    const char* language;
    const char* heading;
  };
  for (const Case& c : {Case{"walrus", "a.md", "markdown", "Walrus mode"}, Case{"heron", "b.rst", "restructuredtext", "Heron mode"},
                        Case{"otter", "c.adoc", "asciidoc", "Otter mode"}, Case{"badger", "d.html", "html", "Badger mode"},
                        Case{"ferret", "f.ipynb", "notebook", "Ferret mode"}}) {
    auto hits = Search(c.word);
    ASSERT_FALSE(hits.empty()) << c.word;
    EXPECT_EQ(hits[0].path, c.path);
    EXPECT_EQ(hits[0].language, c.language);
    EXPECT_EQ(hits[0].symbol, c.heading) << c.path;
    EXPECT_EQ(hits[0].kind, ChunkKind::kSection) << c.path;
  }
  EXPECT_EQ(Find("marten"), Paths{"e.txt"});
  EXPECT_EQ(Find("lemming"), Paths{"f.ipynb"});
}

TEST_F(IndexerTest, HitsQuoteTheirLinesExactly) {
  ScratchRepository repository;
  std::string text = "import os\r\n\r\n\r\ndef walrus():\r\n    return 1\r\n";
  repository.Write("crlf.py", text);
  repository.Write("noend.py", "def heron():\n    return 2");
  repository.Commit();
  Run(Add(repository.path()));
  Hit hit = Search("walrus")[0];
  EXPECT_NE(text.find(hit.text), std::string::npos);
  EXPECT_EQ(Search("heron")[0].text, "def heron():\n    return 2");
  EXPECT_EQ(Search("heron")[0].end_line, 2u);
}

}  // namespace
}  // namespace codelore::ingest
