#include "index/symbols/symbol_search.h"

#include "index/symbols/symbol_fixture.h"

namespace codelore::index {
namespace {

const char kShop[] =
    "class Base:\n"
    "  def Base.close\n"
    "class Shop(Base):\n"
    "  def Shop.order\n"
    "    call self.check\n"
    "  def Shop.check\n"
    "def order\n"
    "def orders\n"
    "def 주문하기\n"
    "def getHTTP\n"
    "def GETHTTP\n";

const char kMain[] =
    "import Shop\n"
    "var app = Shop\n"
    "def main\n"
    "  call app.order\n"
    "  call other.order\n"
    "  call app.order\n"
    "call order\n";

TEST_F(SymbolTest, FindsDefinitionsByName) {
  Commit(AddSource("shop"), {{"src/shop.py", kShop}, {"main.py", kMain}});
  EXPECT_EQ(Definitions("order"), (Lines{"Shop.order src/shop.py:4", "order src/shop.py:7"}));
  EXPECT_EQ(Definitions("order()"), Definitions("order"));
  EXPECT_EQ(Definitions("Shop.order"), (Lines{"Shop.order src/shop.py:4"}));
  EXPECT_EQ(Definitions("Shop::order"), Definitions("Shop.order"));
  EXPECT_EQ(Definitions("Shop#order"), Definitions("Shop.order"));
  EXPECT_EQ(Definitions("주문하기"), (Lines{"주문하기 src/shop.py:9"}));
  EXPECT_EQ(Definitions("주문*"), Definitions("주문하기"));
  EXPECT_TRUE(Definitions("nothing").empty());
}

TEST_F(SymbolTest, NamesPassedOnComeAfterTheDefinition) {
  Commit(AddSource("shop"), {{"a.py", "pass Shop\n"}, {"src/shop.py", kShop}});
  EXPECT_EQ(Definitions("Shop"), (Lines{"Shop src/shop.py:3", "Shop a.py:1"}));
}

TEST_F(SymbolTest, CaseCountsOnlyIfThereIsACapital) {
  Commit(AddSource("shop"), {{"src/shop.py", kShop}});
  EXPECT_EQ(Definitions("gethttp").size(), 2u);
  EXPECT_EQ(Definitions("getHTTP"), (Lines{"getHTTP src/shop.py:10"}));
  EXPECT_TRUE(Definitions("GetHttp").empty());
  EXPECT_EQ(Definitions("shop.order"), (Lines{"Shop.order src/shop.py:4", "order src/shop.py:7"}));  // of the class; in shop.py
}

TEST_F(SymbolTest, PatternsAndBeginningsStandForManyNames) {
  Commit(AddSource("shop"), {{"src/shop.py", kShop}});
  EXPECT_EQ(Definitions("order*"), (Lines{"Shop.order src/shop.py:4", "order src/shop.py:7", "orders src/shop.py:8"}));
  EXPECT_EQ(Definitions("*rder"), (Lines{"Shop.order src/shop.py:4", "order src/shop.py:7"}));
  EXPECT_EQ(Definitions("o?der"), Definitions("*rder"));
  EXPECT_EQ(Definitions("ord", {.prefix = true}), Definitions("order*"));
  EXPECT_EQ(Definitions("Shop.*"), (Lines{"Shop.check src/shop.py:6", "Shop.order src/shop.py:4"}));
}

TEST_F(SymbolTest, PathCompletesWhatEnclosesAName) {
  Commit(AddSource("shop"), {{"src/shop.py", kShop}, {"src/lib/orders.py", "def order\n"}});
  EXPECT_EQ(Definitions("orders.order"), (Lines{"order src/lib/orders.py:1"}));
  EXPECT_EQ(Definitions("lib.orders.order"), (Lines{"order src/lib/orders.py:1"}));
  EXPECT_EQ(Definitions("src.Shop.order"), (Lines{"Shop.order src/shop.py:4"}));
  EXPECT_TRUE(Definitions("orders.lib.order").empty());
}

TEST_F(SymbolTest, MemberOfABaseClassIsFoundAndSaidToBe) {
  Commit(AddSource("shop"), {{"src/shop.py", kShop}, {"big.py", "class Mall(Shop):\n"}});
  SymbolResult result = Symbols(Operator(), {.name = "Mall.close"});
  ASSERT_EQ(result.definitions.size(), 1u);
  EXPECT_EQ(result.definitions[0].qualified, "Base.close");
  EXPECT_EQ(result.definitions[0].inherited_by, "Mall");
  EXPECT_EQ(Symbols(Operator(), {.name = "Shop.order"}).definitions[0].inherited_by, "");
}

TEST_F(SymbolTest, ClassesThatExtendEachOtherEnd) {
  Commit(AddSource("loop"), {{"a.py", "class A(B):\nclass B(A):\nclass C(C):\n"}});
  EXPECT_TRUE(Definitions("A.x").empty());
  EXPECT_TRUE(Definitions("C.x").empty());
}

TEST_F(SymbolTest, KindsLanguagesAndPathsFilter) {
  Commit(AddSource("shop"), {{"src/shop.py", kShop}, {"main.py", kMain}, {"x.json", "var order\n"}});
  EXPECT_EQ(Definitions("order", {.kinds = {ChunkKind::kFunction}}), (Lines{"order src/shop.py:7"}));
  EXPECT_EQ(Definitions("order", {.filter = {.languages = {"json"}}}), (Lines{"order x.json:1"}));
  EXPECT_EQ(Definitions("order").back(), "order x.json:1");
  EXPECT_TRUE(Definitions("order", {.filter = {.paths = {"main.py"}}}).empty());
  EXPECT_EQ(References("order", {.filter = {.paths = {"src/"}}}), Lines{});
}

TEST_F(SymbolTest, LimitsAreSaid) {
  std::string text;
  for (int i = 0; i < 30; ++i) text += "def order\n";
  Commit(AddSource("shop"), {{"a.py", text}});
  SymbolResult result = Symbols(Operator(), {.name = "order", .limit = 7});
  EXPECT_EQ(result.definitions.size(), 7u);
  EXPECT_EQ(result.total, 30u);
  EXPECT_TRUE(result.complete);
}

TEST_F(SymbolTest, NearNamesAreNamedWhenNothingIsFound) {
  Commit(AddSource("shop"), {{"src/shop.py", kShop}});
  EXPECT_EQ(Symbols(Operator(), {.name = "ordr"}).nearest.at(0), "order");
  EXPECT_EQ(Symbols(Operator(), {.name = "주문하"}).nearest, (Lines{"주문하기"}));
  EXPECT_EQ(index_->FindReferences(Operator(), {.name = "chek"}).value().nearest, (Lines{"check"}));
  EXPECT_TRUE(Symbols(Operator(), {.name = "order"}).nearest.empty());
}

TEST_F(SymbolTest, ReferencesThatFitBestComeFirst) {
  Commit(AddSource("shop"), {{"src/shop.py", kShop},
                             {"main.py", kMain},
                             {"far.py", "def far\n  call x.order\n"},
                             {"z.py", "import Shop\ncall y.order\n"}});
  EXPECT_EQ(References("Shop.order"), (Lines{"main.py:4 qualifier", "main.py:6 qualifier", "main.py:5 import", "main.py:7 import",
                                             "z.py:2 import", "far.py:2 name"}));
  EXPECT_EQ(References("Shop.check"), (Lines{"src/shop.py:5 member"}));
  EXPECT_EQ(References("order", {.kinds = {ReferenceKind::kImport}}), Lines{});
  EXPECT_EQ(References("Shop", {.kinds = {ReferenceKind::kImport}}), (Lines{"main.py:1 import", "z.py:1 import"}));
  EXPECT_EQ(References("Base", {.kinds = {ReferenceKind::kInherit}}), (Lines{"src/shop.py:3 file"}));
}

TEST_F(SymbolTest, ReferencesSayWhatEnclosesThem) {
  Commit(AddSource("shop"), {{"src/shop.py", kShop}, {"main.py", kMain}});
  ReferenceResult result = index_->FindReferences(Operator(), {.name = "Shop.order"}).value();
  ASSERT_EQ(result.references.size(), 4u);
  const FoundReference& first = result.references[0];
  EXPECT_EQ(first.enclosing, "main");
  EXPECT_EQ(first.qualifier, "app");
  EXPECT_EQ(first.text, "call app.order");
  EXPECT_EQ(first.place.revision, "r1");
  EXPECT_EQ(first.place.branch, "main");
  EXPECT_EQ(first.place.language, "python");
}

TEST_F(SymbolTest, CallersAreGroupedByTheDefinitionThatCalls) {
  Commit(AddSource("shop"), {{"src/shop.py", kShop}, {"main.py", kMain}, {"far.py", "def far\n  call x.order\nimport order\n"}});
  ReferenceResult result = index_->FindReferences(Operator(), {.name = "Shop.order", .callers = true}).value();
  ASSERT_EQ(result.callers.size(), 3u);
  EXPECT_TRUE(result.references.empty());
  EXPECT_EQ(result.total, 3u);
  EXPECT_EQ(result.callers[0].symbol, "main");
  EXPECT_EQ(result.callers[0].lines, (std::vector<uint32_t>{4, 5, 6}));
  EXPECT_EQ(result.callers[0].fit, ReferenceFit::kQualifier);
  EXPECT_EQ(result.callers[1].symbol, "far");  // imports it, as main.py does
  EXPECT_EQ(result.callers[1].lines, (std::vector<uint32_t>{2}));
  EXPECT_EQ(result.callers[2].symbol, "");
  EXPECT_EQ(result.callers[2].lines, (std::vector<uint32_t>{7}));
  EXPECT_EQ(index_->FindReferences(Operator(), {.name = "Shop.order", .limit = 1, .callers = true}).value().total, 3u);
}

TEST_F(SymbolTest, OutlineListsDefinitionsInTheirOrder) {
  acl::Source source = AddSource("shop");
  Commit(source, {{"src/shop.py", kShop}});
  FileOutline outline = index_->OutlineOf(Operator(), source.id, "src/shop.py").value();
  Lines lines;
  for (const OutlineEntry& entry : outline.entries) {
    lines.push_back(std::string(2 * entry.depth, ' ') + entry.name + " " + std::to_string(entry.line));
  }
  EXPECT_EQ(lines, (Lines{"Base 1", "  close 2", "Shop 3", "  order 4", "  check 6", "order 7", "orders 8", "주문하기 9", "getHTTP 10",
                          "GETHTTP 11"}));
  EXPECT_EQ(outline.entries[3].text, "def Shop.order");
  EXPECT_EQ(outline.total, 10u);
}

// What a stranger asks is answered as if the source did not exist, byte for byte.
TEST_F(SymbolTest, StrangersLearnNothing) {
  acl::Source own = AddSource("own", {"user:ann"}), secret = AddSource("secret", {"user:bob"});
  Commit(own, {{"a.py", "def open\ncall open\n"}});
  auto outcome = [&](const Viewer& viewer) {
    std::string text;
    for (const char* name : {"order", "Shop.order", "ordr", "*", "open", "Mall.close"}) {
      SymbolResult symbols = Symbols(viewer, {.name = name});
      text += std::to_string(symbols.total) + (symbols.complete ? "" : "+");
      for (const FoundDefinition& found : symbols.definitions) text += " " + found.qualified + found.place.path + found.text;
      for (const std::string& near : symbols.nearest) text += " ~" + near;
      for (bool callers : {false, true}) {
        ReferenceResult references = index_->FindReferences(viewer, {.name = name, .callers = callers}).value();
        text += "|" + std::to_string(references.total);
        for (const FoundReference& found : references.references) text += " " + found.place.path + std::string(ReferenceFitName(found.fit));
        for (const std::string& near : references.nearest) text += " ~" + near;
      }
      text += "\n";
    }
    return text;
  };
  std::string before = outcome(User("ann"));
  Commit(secret, {{"src/shop.py", kShop}, {"main.py", kMain}, {"a.py", "class open(order):\n  def open.open\nimport open\n"}});
  EXPECT_EQ(outcome(User("ann")), before);
  EXPECT_NE(outcome(User("bob")), before);
  Status missing = index_->OutlineOf(User("ann"), secret.id, "no.py").status();
  EXPECT_EQ(missing.code(), StatusCode::kNotFound);
  EXPECT_EQ(index_->OutlineOf(User("ann"), secret.id, "main.py").status().ToString(), missing.ToString());
  EXPECT_EQ(index_->OutlineOf(User("ann"), own.id, "no.py").status().ToString(), missing.ToString());
  EXPECT_EQ(index_->OutlineOf(User("ann"), SourceId{999}, "a.py").status().ToString(), missing.ToString());
}

TEST_F(SymbolTest, DeletedFilesLeaveNoTrace) {
  acl::Source source = AddSource("shop");
  Commit(source, {{"src/shop.py", kShop}, {"main.py", kMain}, {"keep.py", "def kept\ncall x.order\n"}});
  Commit(source, {}, {"src/shop.py", "main.py"});
  EXPECT_TRUE(Definitions("order").empty());
  EXPECT_TRUE(Symbols(Operator(), {.name = "ordr"}).nearest.empty());
  EXPECT_EQ(References("Shop.order"), (Lines{"keep.py:2 name"}));
  EXPECT_FALSE(index_->OutlineOf(Operator(), source.id, "main.py").ok());
}

TEST_F(SymbolTest, RefusesWhatIsNoName) {
  for (const char* name : {"", " ", ".", "::", "()"}) {
    EXPECT_EQ(index_->FindSymbols(Operator(), {.name = name}).status().code(), StatusCode::kInvalidArgument) << name;
    EXPECT_EQ(index_->FindReferences(Operator(), {.name = name}).status().code(), StatusCode::kInvalidArgument) << name;
  }
  EXPECT_FALSE(index_->FindSymbols(Operator(), {.name = std::string(501, 'x')}).ok());
}

}  // namespace
}  // namespace codelore::index
