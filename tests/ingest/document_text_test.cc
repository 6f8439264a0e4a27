#include "ingest/document_text.h"

#include <gtest/gtest.h>

#include "ingest/indexer_fixture.h"

namespace codelore::ingest {
namespace {

// Just enough of a PDF: one page with one line; objects where the table says they are.
std::string Pdf(const std::string& line, const std::string& trailer = "") {
  std::string stream = "BT /F1 24 Tf 72 700 Td (" + line + ") Tj ET";
  std::vector<std::string> objects = {
      "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
      "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
      "<< /Length " + std::to_string(stream.size()) + " >>\nstream\n" + stream + "\nendstream",
      "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"};
  std::string out = "%PDF-1.4\n", table = "0000000000 65535 f \n";
  for (size_t i = 0; i < objects.size(); ++i) {
    char entry[32];
    std::snprintf(entry, sizeof entry, "%010zu 00000 n \n", out.size());
    table += entry;
    out += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  size_t start = out.size();
  return out + "xref\n0 6\n" + table + "trailer\n<< /Size 6 /Root 1 0 R " + trailer + " >>\nstartxref\n" + std::to_string(start) + "\n%%EOF\n";
}

uint32_t Crc(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (unsigned char byte : bytes) {
    crc ^= byte;
    for (int i = 0; i < 8; ++i) crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320u : 0);
  }
  return ~crc;
}

// A zip archive of one stored entry.
std::string Zip(const std::string& name, const std::string& content, uint16_t flags = 0) {
  auto number = [](uint32_t value, int bytes) {
    std::string out;
    for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 0xFF);
    return out;
  };
  auto size = static_cast<uint32_t>(content.size());
  std::string common = number(20, 2) + number(flags, 2) + number(0, 2) + number(0, 2) + number(0x21, 2) + number(Crc(content), 4) + number(size, 4) +
                       number(size, 4) + number(static_cast<uint32_t>(name.size()), 2) + number(0, 2);
  std::string local = "PK\3\4" + common + name + content;
  std::string central = "PK\1\2" + number(20, 2) + common + number(0, 2) + number(0, 2) + number(0, 2) + number(0, 4) + number(0, 4) + name;
  return local + central + "PK\5\6" + number(0, 4) + number(1, 2) + number(1, 2) + number(static_cast<uint32_t>(central.size()), 4) +
         number(static_cast<uint32_t>(local.size()), 4) + number(0, 2);
}

std::string Docx(const std::string& body) {
  return Zip("word/document.xml", "<?xml version=\"1.0\"?><w:document xmlns:w=\"x\"><w:body>" + body + "</w:body></w:document>");
}

class DocumentTextTest : public IndexerTest {
 protected:
  void SetUp() override {
    IndexerTest::SetUp();
    if (DocumentPrograms() != "pz") GTEST_SKIP() << "pdftotext or unzip is not installed";
    limits_of_text_.scratch_folder = data_ / "scratch";
  }
  std::string Text(DocumentFormat format, const std::string& bytes) {
    auto text = DocumentText(format, bytes, limits_of_text_);
    return text.ok() ? *text : "failed: " + text.status().message();
  }
  DocumentLimits limits_of_text_;
};

TEST(WordText, ParagraphsTablesAndCharacters) {
  EXPECT_EQ(*WordText("<w:p><w:r><w:t>One</w:t></w:r><w:r><w:t xml:space=\"preserve\"> two</w:t></w:r></w:p><w:p/><w:p><w:t>three</w:t></w:p>"), "One two\n\nthree\n");
  EXPECT_EQ(*WordText("<w:t>a &amp; b &lt;c&gt; &#65;&#xAC00; &none; &</w:t>"), "a & b <c> A가 &none; &");
  EXPECT_EQ(*WordText("<w:tr><w:tc><w:p><w:t>a</w:t></w:p></w:tc><w:tc><w:p><w:t>b</w:t></w:p></w:tc></w:tr>"), "a\tb\t\n");
  EXPECT_EQ(*WordText("<w:instrText>no</w:instrText><!-- <w:t>no</w:t> --><w:t>yes</w:t>"), "yes");
  EXPECT_EQ(WordText("<!DOCTYPE x [<!ENTITY a \"b\">]><w:t>&a;</w:t>").status().message(), "DOCX: its XML declares entities");
  EXPECT_FALSE(WordText("<w:t>x</w:t").ok());
  EXPECT_FALSE(WordText("\xFF").ok());
}

TEST_F(DocumentTextTest, ReadsTheTextLayer) {
  EXPECT_NE(Text(DocumentFormat::kPdf, Pdf("Restart the turbine")).find("Restart the turbine"), std::string::npos);
  EXPECT_EQ(Text(DocumentFormat::kDocx, Docx("<w:p><w:t>Restart the turbine</w:t></w:p>")), "Restart the turbine\n");
}

TEST_F(DocumentTextTest, HostileOnesFailWithTheReason) {
  EXPECT_EQ(Text(DocumentFormat::kPdf, "not a pdf"), "failed: PDF: it does not begin like one");
  EXPECT_EQ(Text(DocumentFormat::kPdf, "%PDF-1.4\ngarbage").find("failed: PDF"), 0u);
  EXPECT_EQ(Text(DocumentFormat::kDocx, "PK\3\4garbage"), "failed: DOCX: the archive is damaged");
  EXPECT_EQ(Text(DocumentFormat::kDocx, "text"), "failed: DOCX: it is no zip archive");
  EXPECT_EQ(Text(DocumentFormat::kDocx, Zip("other.xml", "x")), "failed: DOCX: it has no word/document.xml");
  EXPECT_EQ(Text(DocumentFormat::kDocx, Zip("word/document.xml", std::string(40, 'x'), /*flags: encrypted*/ 1)), "failed: encrypted DOCX");
  EXPECT_EQ(Text(DocumentFormat::kDocx, "\xD0\xCF\x11\xE0..."), "failed: encrypted DOCX");
  std::string encrypted = Pdf("secret", "/Encrypt << /Filter /Standard /V 1 /R 2 /O (01234567890123456789012345678901) "
                                        "/U (01234567890123456789012345678901) /P -44 >> /ID [(a) (a)]");
  EXPECT_EQ(Text(DocumentFormat::kPdf, encrypted), "failed: encrypted PDF");
}

TEST_F(DocumentTextTest, BombsAreCutOff) {
  limits_of_text_.max_text_bytes = 1 << 20;
  std::string bomb = Docx("<w:t>" + std::string(4 << 20, 'a') + "</w:t>");
  EXPECT_EQ(Text(DocumentFormat::kDocx, bomb), "failed: DOCX: it takes too long or holds too much text");
}

TEST_F(DocumentTextTest, RepositoriesAreSearchedThroughThem) {
  ScratchRepository repository;
  repository.Write("runbook.pdf", Pdf("Restart the turbine"));
  repository.Write("plan.docx", Docx("<w:p><w:t>Replace the governor</w:t></w:p>"));
  repository.Write("broken.docx", "PK\3\4garbage");
  repository.Commit();
  acl::Source source = Add(repository.path());
  Run(source);
  EXPECT_EQ(Find("turbine"), Paths{"runbook.pdf"});
  EXPECT_EQ(Find("governor"), Paths{"plan.docx"});
  EXPECT_EQ(Ledger(source)["broken.docx"], "skipped DOCX: the archive is damaged");
  EXPECT_EQ(Run(source).files_changed, 0u);
}

}  // namespace
}  // namespace codelore::ingest
