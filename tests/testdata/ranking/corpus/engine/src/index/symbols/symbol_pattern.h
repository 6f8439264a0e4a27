// SymbolPattern: what a person writes for a symbol: `route`, `Flask.route`, `std::*_cast`, `*Controller`.
#ifndef CODELORE_INDEX_SYMBOLS_SYMBOL_PATTERN_H_
#define CODELORE_INDEX_SYMBOLS_SYMBOL_PATTERN_H_

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "codelore/status.h"
#include "index/segment/symbol_table.h"

namespace codelore::index {

// Immutable and thread-safe.
class SymbolPattern {
 public:
  // Fails for a text without a name in it, or beyond 500 bytes. With `prefix`, names that begin so.
  static Result<SymbolPattern> Parse(std::string_view text, bool prefix);

  // The last part.
  const std::string& name() const { return name_; }
  // The parts before it, outermost first; empty for a plain name.
  const std::vector<std::string>& owner() const { return owner_; }

  // Calls `visit` with every name of the table that fits; `whole` says that it fits the text as a whole, dots included.
  void VisitNames(const SymbolTable& table, const std::function<void(uint32_t name, bool whole)>& visit) const;
  // Whether a definition in `scope` of the file at `path` lies where the owner says. A longer owner than the scope goes
  // on in the path: `gson.Gson.toJson`.
  bool OwnerFits(std::string_view scope, std::string_view path) const;
  // Equal by this pattern's case rule.
  bool Equal(std::string_view a, std::string_view b) const;

 private:
  bool Fits(std::string_view pattern, std::string_view text) const;
  void VisitMatches(const SymbolTable& table, std::string_view pattern, bool prefix, bool whole,
                    const std::function<void(uint32_t name, bool whole)>& visit) const;

  std::string text_, name_;
  std::vector<std::string> owner_;
  bool prefix_ = false, case_counts_ = false;
};

// Whether `text` fits `pattern`, in which * stands for any characters and ? for one byte. In time pattern * text.
bool GlobFits(std::string_view pattern, std::string_view text, bool case_counts);

}  // namespace codelore::index

#endif  // CODELORE_INDEX_SYMBOLS_SYMBOL_PATTERN_H_
