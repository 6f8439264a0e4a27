// Damage to a segment: places (2 bytes) and what is written there (1), a size (2 bytes) to cut it to at the end. Whatever
// is opened can be followed to its end; postings, whose reader trusts them, once they are valid.
#include <array>
#include <cstring>
#include <memory>

#include "fuzz/fuzz_target.h"
#include "index/segment/segment.h"

using namespace codelore;
using namespace codelore::index;

namespace {

std::string BuildOne() {
  SegmentBuilder builder;
  for (int i = 0; i < 3; ++i) {
    std::string text = "def load(self):\n  return parse_" + std::to_string(i) + "(self)\n";
    while (text.size() < 2000) text += "value = " + std::to_string(text.size()) + "\n";
    NewFile file{.path = "src/file" + std::to_string(i) + ".py", .text = text, .chunked = {}};
    file.chunked.language = "python";
    file.chunked.definitions.push_back({.name = "load", .qualified = "Store.load", .kind = ChunkKind::kMethod});
    for (uint32_t at = 0; at < text.size(); at += 40) {
      Chunk chunk;
      chunk.bytes = {at, std::min(static_cast<uint32_t>(text.size()), at + 40)};
      chunk.symbol = "load";
      if (at == 0) chunk.definitions = {0};
      file.chunked.chunks.push_back(chunk);
    }
    builder.AddFile(file, Hash256());
  }
  return builder.Finish();
}

void FollowTerms(const LexicalReader& lexical, uint32_t chunks) {
  const bool valid = lexical.Validate(chunks).ok();
  std::array<uint32_t, kBlockSize> documents;
  std::array<Impact, kBlockSize> impacts;
  std::vector<uint32_t> positions;
  for (uint32_t i = 0; i < lexical.term_count(); ++i) {
    const TermPostings term = lexical.Postings(i);
    term.positions.Read(i % 300, positions);
    for (uint32_t block = 0; valid && block < term.postings.block_count(); ++block) {
      const uint32_t count = term.postings.Decode(block, documents, impacts);
      CHECK(documents[count - 1] < chunks);
    }
  }
  const LexicalReader* reader = &lexical;
  const std::array<std::string, 2> terms = {"load", "absent"};
  std::array<FoundTerm, 2> found;
  LexicalReader::FindInAll({&reader, 1}, terms, found);
  CHECK(found[0].document_count == 0 || found[0].index < lexical.term_count());
}

void FollowText(const ExactIndex& exact) {
  std::string buffer;
  for (uint32_t block = 0; block < exact.block_count(); ++block) {
    if (exact.Read(block, buffer).ok()) CHECK(exact.SizeOf(block) > 0);
  }
  BlockSet blocks(exact.trigrams().block_count());
  for (std::string_view text : {"def", "alu", "xyz"}) {
    ForEachTrigram(text, [&](uint32_t trigram) { exact.trigrams().Collect(exact.trigrams().Find(trigram), blocks); });
  }
  blocks.ForEach([&](uint32_t block) { CHECK(block < exact.trigrams().block_count()); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::string whole = BuildOne();
  std::string bytes = whole;
  size_t at = 0;
  for (; at + 3 <= size; at += 3) {
    // Sections are of different sizes: half of the places are among the last bytes, where directory and footer stand.
    const size_t place = data[at] | data[at + 1] << 8;
    const size_t to = place & 1 ? bytes.size() - 1 - place / 2 % 200 : place / 2 * 7919 % bytes.size();
    bytes[to] = static_cast<char>(data[at + 2]);
  }
  if (size - at == 2) bytes.resize((data[at] | data[at + 1] << 8) % (bytes.size() + 1));
  // A copy of its own size: what reads behind the end is seen.
  const std::unique_ptr<uint64_t[]> copy(new uint64_t[(bytes.size() + 7) / 8]);
  std::memcpy(copy.get(), bytes.data(), bytes.size());
  const auto reader = SegmentReader::Open({reinterpret_cast<const char*>(copy.get()), bytes.size()}, nullptr);
  if (!reader.ok()) return 0;
  for (uint32_t i = 0; i < (*reader)->file_count(); ++i) {
    (*reader)->StringsOf((*reader)->file(i));
    (*reader)->StoredStringsOf(i);
  }
  for (uint32_t i = 0; i < (*reader)->chunk_count(); ++i) (*reader)->StringsOf((*reader)->chunk(i));
  FollowTerms((*reader)->lexical(), (*reader)->chunk_count());
  FollowText((*reader)->exact());
  return 0;
}
