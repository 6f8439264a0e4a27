// Makes what bench/rivals/lexical.py measures on: documents and queries of terms that our analyzer and a split at
// blanks see alike.
//
//   lexical_corpus chunks OUT LIMIT        texts, each ended by a 0 byte, from standard input -> one chunk of about 60
//                                          terms per line, at most LIMIT, none twice; prints how many there are
//   lexical_corpus queries CORPUS OUT COUNT
#include <xxhash.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <random>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "index/analysis/analyzer.h"

namespace codelore::index {
namespace {

constexpr size_t kChunkTerms = 60;
constexpr size_t kMaxWordBytes = 40;  // longer ones are hashes and data

// A term becomes a form that the analyzer leaves as it is, or nothing.
class Fixpoint {
 public:
  const std::string& Of(std::string_view term) {
    auto [at, added] = forms_.try_emplace(std::string(term));
    if (added) at->second = Find(std::string(term));
    return at->second;
  }

 private:
  std::string Find(std::string term) {
    for (int round = 0; round < 4; ++round) {
      std::vector<std::string> again = analyzer_.Terms(term);
      if (again.size() != 1) return {};
      bool plain = std::ranges::all_of(term, [](unsigned char c) { return c < 0x80 && std::isalnum(c); });
      if (again[0] == term) return plain ? term : "";
      term = again[0];
    }
    return {};
  }

  Analyzer analyzer_;
  std::unordered_map<std::string, std::string> forms_;
};

int MakeChunks(const char* out_path, size_t limit) {
  Analyzer analyzer;
  Fixpoint fixpoint;
  std::unordered_set<uint64_t> seen;  // of chunks written
  std::ofstream out(out_path, std::ios::binary);
  std::string text, line;
  size_t terms = 0;
  auto end_chunk = [&] {
    if (terms >= kChunkTerms / 4 && seen.size() < limit && seen.insert(XXH3_64bits(line.data(), line.size())).second) {
      out << line << '\n';
    }
    line.clear();
    terms = 0;
  };
  while (seen.size() < limit && std::getline(std::cin, text, '\0')) {
    analyzer.Analyze(text, [&](const Token& token) {
      if (token.raw.size() > kMaxWordBytes) return;
      const std::string& term = fixpoint.Of(token.term);
      if (term.empty()) return;
      if (!line.empty()) line += ' ';
      line += term;
      if (++terms == kChunkTerms) end_chunk();
    });
    end_chunk();
  }
  std::printf("%zu\n", seen.size());
  return out.good() ? 0 : 1;
}

std::vector<std::string_view> SplitAtBlanks(std::string_view line) {
  std::vector<std::string_view> terms;
  for (size_t begin = 0; begin < line.size();) {
    size_t end = std::min(line.find(' ', begin), line.size());
    terms.push_back(line.substr(begin, end - begin));
    begin = end + 1;
  }
  return terms;
}

// Queries of 1 to 8 terms, a third of each kind: terms of one chunk, some frequent, some middling, some rare; terms
// of different chunks likewise; and runs of words as they stand in a chunk.
class QueryMaker {
 public:
  explicit QueryMaker(const char* corpus) {
    std::ifstream in(corpus, std::ios::binary);
    for (std::string line; std::getline(in, line);) chunks_.push_back(std::move(line));
    for (const std::string& chunk : chunks_) {
      std::unordered_set<std::string_view> distinct;
      for (std::string_view term : SplitAtBlanks(chunk)) distinct.insert(term);
      for (std::string_view term : distinct) ++frequency_[term];
    }
  }

  std::vector<std::string_view> Make(size_t number) {
    size_t count = 1 + Below(8);
    if (number % 3 == 2) return Run(std::max<size_t>(count, 2));
    std::vector<std::string_view> terms;
    std::vector<std::string_view> chunk = RandomChunk();
    for (size_t tries = 0; terms.size() < count && tries < 50; ++tries) {
      if (number % 3 == 1) chunk = RandomChunk();
      AddUnlessThere(terms, OfClass(chunk, Below(3)));
    }
    return terms;
  }

 private:
  size_t Below(size_t limit) { return random_() % limit; }
  std::vector<std::string_view> RandomChunk() { return SplitAtBlanks(chunks_[Below(chunks_.size())]); }
  static void AddUnlessThere(std::vector<std::string_view>& terms, std::string_view term) {
    if (!term.empty() && std::ranges::find(terms, term) == terms.end()) terms.push_back(term);
  }
  // 0: in more than 1 % of the chunks, 2: in fewer than .01 %, 1: between.
  size_t ClassOf(std::string_view term) const {
    size_t frequency = frequency_.at(term);
    return frequency > chunks_.size() / 100 ? 0 : frequency > chunks_.size() / 10000 ? 1 : 2;
  }
  std::string_view OfClass(const std::vector<std::string_view>& chunk, size_t wanted) {
    for (int tries = 0; tries < 20; ++tries) {
      std::string_view term = chunk[Below(chunk.size())];
      if (ClassOf(term) == wanted) return term;
    }
    return {};
  }
  std::vector<std::string_view> Run(size_t count) {
    std::vector<std::string_view> chunk = RandomChunk(), terms;
    size_t begin = Below(chunk.size() - std::min(count, chunk.size() - 1));
    for (size_t i = begin; i < std::min(begin + count, chunk.size()); ++i) AddUnlessThere(terms, chunk[i]);
    return terms;
  }

  std::mt19937_64 random_{20261121};
  std::vector<std::string> chunks_;
  std::unordered_map<std::string_view, size_t> frequency_;
};

int MakeQueries(const char* corpus, const char* out_path, size_t count) {
  QueryMaker maker(corpus);
  std::ofstream out(out_path, std::ios::binary);
  for (size_t made = 0, number = 0; made < count; ++number) {
    std::vector<std::string_view> terms = maker.Make(number);
    if (terms.empty()) continue;
    for (size_t i = 0; i < terms.size(); ++i) out << (i > 0 ? " " : "") << terms[i];
    out << '\n';
    ++made;
  }
  return out.good() ? 0 : 1;
}

}  // namespace
}  // namespace codelore::index

int main(int count, char** arguments) {
  std::string_view mode = count == 4 || count == 5 ? arguments[1] : "";
  std::ios::sync_with_stdio(false);
  if (mode == "chunks" && count == 4) return codelore::index::MakeChunks(arguments[2], std::stoul(arguments[3]));
  if (mode == "queries" && count == 5) return codelore::index::MakeQueries(arguments[2], arguments[3], std::stoul(arguments[4]));
  std::fprintf(stderr, "usage: lexical_corpus chunks OUT LIMIT | queries CORPUS OUT COUNT\n");
  return 2;
}
