#include "api/symbol_operations.h"

#include "api/service_fixture.h"

namespace codelore::api {
namespace {

// A small application in several languages.
void FillShop(ScratchRepository& repository) {
  repository.Write("shop/base.py",
                   "class Base:\n    def close(self):\n        self.flush()\n\n    def flush(self):\n        pass\n");
  repository.Write("shop/app.py",
                   "from .base import Base\n\n\nclass Shop(Base):\n    \"\"\"A shop.\"\"\"\n\n    def order(self, item):\n        return 청구서(item)\n\n\n"
                   "def 청구서(item):\n    return item\n\n\napp = Shop()\napp.order(1)\n");
  repository.Write("web/cart.ts",
                   "import { order } from '../api/orders';\n\nexport class Cart extends Box {\n  submit() {\n    order(this.items);\n  }\n}\n");
  repository.Write("README.md", "# Shop\n\n## Ordering\n\nText.\n");
  repository.Commit();
}

class SymbolOperationsTest : public ::testing::Test {
 protected:
  void SetUp() override {
    FillShop(shop_);
    world_.Index(shop_.path(), "shop", {"user:ann"});
  }
  Json Call(std::string_view operation, const Json& body) { return world_.Call(world_.User("ann"), operation, body); }

  ScratchRepository shop_;
  World world_;
};

TEST_F(SymbolOperationsTest, SymbolsAreFoundInTheParse) {
  Json reply = Call("symbols", {{"name", "Shop.order"}});
  ASSERT_EQ(reply["definitions"].size(), 1u);
  const Json& found = reply["definitions"][0];
  EXPECT_EQ(found["path"], "shop/app.py");
  EXPECT_EQ(found["line"], 7);
  EXPECT_EQ(found["kind"], "method");
  EXPECT_EQ(found["symbol"], "Shop.order");
  EXPECT_EQ(found["text"], "def order(self, item):");
  EXPECT_EQ(found["source"], "shop");
  EXPECT_TRUE(found["citation"].get<std::string>().starts_with("shop@" + found["commit"].get<std::string>() + ":shop/app.py#L7-L"));
  EXPECT_EQ(reply["total"], 1);
  EXPECT_EQ(reply["truncated"], false);
  EXPECT_EQ(Call("symbols", {{"name", "Shop.flush"}})["definitions"][0]["inherited_by"], "Shop");
  EXPECT_EQ(Call("symbols", {{"name", "청구*"}})["definitions"][0]["name"], "청구서");
  EXPECT_EQ(Call("symbols", {{"name", "Ordering"}, {"kinds", {"section"}}})["definitions"][0]["path"], "README.md");
  EXPECT_TRUE(Call("symbols", {{"name", "Ordering"}})["definitions"].empty());
  EXPECT_EQ(Call("symbols", {{"name", "car"}, {"prefix", true}, {"languages", {"typescript"}}})["definitions"][0]["symbol"], "Cart");
  EXPECT_EQ(Call("symbols", {{"name", "Shop.ordr"}})["nearest"][0], "order");
}

TEST_F(SymbolOperationsTest, ReferencesAndCallersAreFoundInTheParse) {
  Json reply = Call("references", {{"name", "Shop.order"}});
  EXPECT_EQ(reply["matched_by"], "name");
  ASSERT_EQ(reply["references"].size(), 3u);
  EXPECT_EQ(reply["references"][0]["text"], "app.order(1)");
  EXPECT_EQ(reply["references"][0]["qualifier"], "app");
  EXPECT_EQ(reply["references"][0]["fit"], "qualifier");
  Json callers = Call("references", {{"name", "order"}, {"callers", true}})["callers"];
  ASSERT_EQ(callers.size(), 2u);
  EXPECT_EQ(callers[0]["path"], "shop/app.py");
  EXPECT_EQ(callers[0]["symbol"], "");
  EXPECT_EQ(callers[1]["symbol"], "Cart.submit");
  EXPECT_EQ(callers[1]["lines"], Json({5}));
  Json imports = Call("references", {{"name", "order"}, {"kinds", {"import"}}})["references"];
  ASSERT_EQ(imports.size(), 1u);
  EXPECT_EQ(imports[0]["qualifier"], "../api/orders");
  EXPECT_EQ(Call("references", {{"name", "Base"}, {"kinds", {"inherit"}}})["references"][0]["enclosing"], "Shop");
  EXPECT_EQ(Call("references", {{"name", "청구서"}, {"callers", true}})["callers"][0]["symbol"], "Shop.order");
}

TEST_F(SymbolOperationsTest, OutlineListsWhatAFileDefines) {
  Json reply = Call("outline", {{"source", "shop"}, {"path", "shop/app.py"}});
  std::vector<std::string> names;
  for (const Json& entry : reply["entries"]) names.push_back(std::to_string(entry["depth"].get<int>()) + entry["symbol"].get<std::string>());
  EXPECT_EQ(names, (std::vector<std::string>{"0Shop", "1Shop.order", "0청구서", "0app"}));
  EXPECT_EQ(reply["language"], "python");
  EXPECT_EQ(reply["total"], 4);
  EXPECT_EQ(Call("outline", {{"source", "shop"}, {"path", "README.md"}})["entries"][1]["name"], "Ordering");
}

TEST_F(SymbolOperationsTest, LimitsAreHonest) {
  Json reply = Call("references", {{"name", "*"}, {"limit", 2}});
  EXPECT_EQ(reply["references"].size(), 2u);
  EXPECT_GT(reply["total"], 2);
  EXPECT_EQ(reply["truncated"], true);
  EXPECT_EQ(reply["total_is_exact"], true);
}

TEST_F(SymbolOperationsTest, BodiesAreReadStrictly) {
  Caller ann = world_.User("ann");
  for (const char* operation : {"symbols", "references", "outline"}) {
    EXPECT_EQ(world_.Outcome(ann, operation, {{"colour", "red"}}), "invalid argument: field 'colour' is not known here");
    EXPECT_TRUE(world_.Outcome(ann, operation).starts_with("invalid argument: field '")) << operation;
  }
  EXPECT_TRUE(world_.Outcome(ann, "symbols", {{"name", "x"}, {"limit", 501}}).starts_with("invalid argument"));
  EXPECT_TRUE(world_.Outcome(ann, "symbols", {{"name", "x"}, {"kinds", {"call"}}}).starts_with("invalid argument"));
  EXPECT_TRUE(world_.Outcome(ann, "references", {{"name", "x"}, {"kinds", {"class"}}}).starts_with("invalid argument"));
  EXPECT_TRUE(world_.Outcome(ann, "symbols", {{"name", ".."}}).starts_with("invalid argument"));
  EXPECT_TRUE(world_.Outcome(ann, "symbols", {{"name", std::string(501, 'x')}}).starts_with("invalid argument"));
  EXPECT_TRUE(world_.Outcome(ann, "symbols", {{"name", "x"}, {"languages", {"klingon"}}}).starts_with("invalid argument"));
}

// A secret source changes no byte of what others get; its files and none are told apart by nothing.
TEST_F(SymbolOperationsTest, StrangersGetTheSameBytesAsIfThereWereNoSecret) {
  Caller bob = world_.User("bob");
  const std::vector<std::pair<std::string, Json>> calls = {
      {"symbols", {{"name", "Shop.order"}}},
      {"symbols", {{"name", "ordr"}}},
      {"symbols", {{"name", "*"}}},
      {"references", {{"name", "order"}}},
      {"references", {{"name", "order"}, {"callers", true}}},
      {"symbols", {{"name", "order"}, {"sources", {"shop"}}}},
  };
  ScratchRepository own;
  own.Write("a.py", "def orders():\n    order()\n");
  own.Commit();
  world_.Index(own.path(), "own", {"user:bob"});
  std::vector<std::string> before;
  for (const auto& [operation, body] : calls) before.push_back(world_.Outcome(bob, operation, body));
  ScratchRepository more;
  more.Write("b.py", "class Shop:\n    def order(self):\n        order()\n\n\ndef ordr_secret():\n    order()\n");
  more.Commit();
  world_.Index(more.path(), "more", {"user:ann"});
  for (size_t i = 0; i < calls.size(); ++i) {
    EXPECT_EQ(world_.Outcome(bob, calls[i].first, calls[i].second), before[i]) << calls[i].second.dump();
    EXPECT_EQ(before[i].find("shop/app.py"), std::string::npos);
  }
  auto outline = [&](const char* source, const char* path) {
    std::string outcome = world_.Outcome(bob, "outline", {{"source", source}, {"path", path}});
    for (std::string word : {source, path}) outcome.replace(outcome.find("'" + word + "'"), word.size() + 2, "'X'");
    return outcome;
  };
  std::string missing = outline("none", "none.py");
  EXPECT_EQ(outline("shop", "shop/app.py"), missing);
  EXPECT_EQ(outline("shop", "none.py"), missing);
  EXPECT_EQ(outline("own", "none.py"), missing);
  EXPECT_TRUE(missing.starts_with("not found"));
}

}  // namespace
}  // namespace codelore::api
