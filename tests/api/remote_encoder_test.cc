// An encoder behind a scripted OpenAI-compatible server.
#include "embed/remote_encoder.h"

#include <atomic>
#include <cmath>
#include <fstream>
#include <sys/stat.h>

#include "api/encoders.h"
#include "api/http/http_fixture.h"
#include "api/http/remote_server.h"
#include "api/service_fixture.h"

namespace codelore::api {
namespace {

constexpr size_t kDimension = 8;

// A vector of length 1 that depends on the text.
std::vector<double> VectorOf(const std::string& text) {
  std::vector<double> vector(kDimension, 0.01);
  for (size_t i = 0; i < text.size(); ++i) vector[static_cast<uint8_t>(text[i]) % kDimension] += 1;
  double squares = 0;
  for (double x : vector) squares += x * x;
  for (double& x : vector) x /= std::sqrt(squares);
  return vector;
}

Json AnswerTo(const HttpRequest& request) {
  Json body = Json::parse(request.body), data = Json::array();
  for (const Json& text : body["input"]) data.push_back({{"index", data.size()}, {"embedding", VectorOf(text.get<std::string>())}});
  return {{"data", data}, {"usage", {{"prompt_tokens", 7 * data.size()}}}};
}

class RemoteEncoderTest : public HttpFixture {
 protected:
  using Script = std::function<void(const HttpRequest&, HttpResponse&, int call)>;

  void SetUp() override {
    HttpServer::Options options = QuickOptions();
    server_ = std::make_unique<HttpServer>(options);
    server_->Handle("POST", "/v1/embeddings", [this](const HttpRequest& request, HttpResponse& response) {
      int call = ++calls_;
      texts_ += Json::parse(request.body)["input"].size();
      key_ = request.Header("Authorization").value_or("");
      if (script_) return script_(request, response, call);
      response.SetBody(AnswerTo(request).dump(), kJsonType);
    }, {.max_body_bytes = 4 << 20});
    ASSERT_TRUE(server_->Start().ok());
  }

  std::string Url() { return "http://127.0.0.1:" + std::to_string(port()) + "/v1"; }
  std::unique_ptr<TextEncoder> Open(embed::RemoteEncoderOptions options = {}, const std::string& key = "") {
    options.name = options.model = "toy";
    if (options.dimension == 0) options.dimension = kDimension;
    options.first_wait = std::chrono::milliseconds(2);
    return embed::MakeRemoteEncoder(OpenRemoteServer({.address = Url(), .key = key}).value(), options);
  }
  static Result<std::vector<Encoding>> Encode(const TextEncoder& encoder, const std::vector<std::string>& texts, bool background = true) {
    std::vector<std::string_view> views(texts.begin(), texts.end());
    return encoder.Encode(views, {.background = background});
  }

  Script script_;
  std::atomic<int> calls_{0};
  std::atomic<size_t> texts_{0};
  std::string key_;
};

TEST_F(RemoteEncoderTest, GivesEveryTextItsVectorInBatches) {
  std::vector<std::string> texts;
  for (int i = 0; i < 70; ++i) texts.push_back("text " + std::to_string(i * i));
  auto encoder = Open({.batch_texts = 32}, "sesame");
  auto encodings = Encode(*encoder, texts);
  ASSERT_TRUE(encodings.ok()) << encodings.status().ToString();
  ASSERT_EQ(encodings->size(), 70u);
  for (size_t i = 0; i < texts.size(); ++i) {
    for (size_t j = 0; j < kDimension; ++j) EXPECT_NEAR((*encodings)[i].dense[j], VectorOf(texts[i])[j], 1e-6);
  }
  EXPECT_EQ((*encodings)[0].tokens, 7u);
  EXPECT_EQ(calls_, 3);
  EXPECT_EQ(key_, "Bearer sesame");
  EXPECT_EQ(encoder->info().dimension, kDimension);
}

TEST_F(RemoteEncoderTest, TakesVectorsByTheirIndexes) {
  script_ = [](const HttpRequest& request, HttpResponse& response, int) {
    Json answer = AnswerTo(request);
    std::reverse(answer["data"].begin(), answer["data"].end());
    response.SetBody(answer.dump(), kJsonType);
  };
  auto encodings = Encode(*Open(), {"a", "bb", "ccc"});
  ASSERT_TRUE(encodings.ok()) << encodings.status().ToString();
  EXPECT_NEAR((*encodings)[2].dense['c' % kDimension], VectorOf("ccc")['c' % kDimension], 1e-6);
}

TEST_F(RemoteEncoderTest, TriesAgainWhatMayPass) {
  for (int http_status : {429, 500, 502, 503, 408}) {
    calls_ = 0;
    script_ = [&](const HttpRequest& request, HttpResponse& response, int call) {
      if (call <= 2) return response.SetProblem({.http_status = http_status, .detail = "later"});
      response.SetBody(AnswerTo(request).dump(), kJsonType);
    };
    auto encodings = Encode(*Open(), {"a"});
    EXPECT_TRUE(encodings.ok()) << http_status << encodings.status().ToString();
    EXPECT_EQ(calls_, 3) << http_status;
  }
  calls_ = 0;
  script_ = [](const HttpRequest&, HttpResponse& response, int) { response.SetProblem({.http_status = 503, .detail = "never"}); };
  EXPECT_EQ(Encode(*Open({.attempts = 4}), {"a"}).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(calls_, 4);
}

TEST_F(RemoteEncoderTest, LeavesAServerAloneForAsLongAsItAsks) {
  script_ = [](const HttpRequest& request, HttpResponse& response, int call) {
    if (call > 1) return response.SetBody(AnswerTo(request).dump(), kJsonType);
    response.SetHeader("Retry-After", "1");
    response.SetProblem({.http_status = 429, .detail = "slow down"});
  };
  auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(Encode(*Open(), {"a"}).ok());
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(1000));
  // What is longer than a call may last ends it, and whoever comes next is told without a request.
  calls_ = 0;
  script_ = [](const HttpRequest&, HttpResponse& response, int) {
    response.SetHeader("Retry-After", "3600");
    response.SetProblem({.http_status = 429, .detail = "slow down"});
  };
  auto encoder = Open();
  EXPECT_EQ(Encode(*encoder, {"a"}).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(Encode(*encoder, {"a"}).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(Encode(*encoder, {"a"}, /*background=*/false).status().code(), StatusCode::kUnavailable);
  EXPECT_EQ(calls_, 1);
}

TEST_F(RemoteEncoderTest, RefusesAnswersThatAreNotWhatWasAskedFor) {
  auto change = [&](const std::function<void(Json&)>& alter) {
    script_ = [alter](const HttpRequest& request, HttpResponse& response, int) {
      Json answer = AnswerTo(request);
      alter(answer);
      response.SetBody(answer.dump(), kJsonType);
    };
    auto encodings = Encode(*Open(), {"a", "b"});
    EXPECT_FALSE(encodings.ok());
    return encodings.ok() ? std::string() : encodings.status().message();
  };
  EXPECT_NE(change([](Json& a) { a["data"].erase(1); }).find("expected 2 vectors, found 1"), std::string::npos);
  EXPECT_NE(change([](Json& a) { a["data"][1]["index"] = 0; }).find("twice"), std::string::npos);
  EXPECT_NE(change([](Json& a) { a["data"][1]["index"] = 9; }).find("belongs to no text"), std::string::npos);
  EXPECT_NE(change([](Json& a) { a["data"][1]["index"] = -1; }).find("belongs to no text"), std::string::npos);
  EXPECT_NE(change([](Json& a) { a["data"][0]["embedding"].push_back(0.0); }).find("expected vectors of 8 numbers, found 9"), std::string::npos);
  EXPECT_NE(change([](Json& a) { a["data"][0]["embedding"][3] = nullptr; }).find("no number"), std::string::npos);
  EXPECT_NE(change([](Json& a) { a["data"][0]["embedding"][3] = 1e300; }).find("not finite"), std::string::npos);
  EXPECT_NE(change([](Json& a) { for (Json& x : a["data"][0]["embedding"]) x = 3.0; }).find("normalise"), std::string::npos);
  EXPECT_NE(change([](Json& a) { for (Json& x : a["data"][0]["embedding"]) x = 0.0; }).find("normalise"), std::string::npos);
  EXPECT_NE(change([](Json& a) { a["data"][0] = 3; }).find("no object"), std::string::npos);
  EXPECT_NE(change([](Json& a) { a["data"] = "x"; }).find("list"), std::string::npos);
  EXPECT_NE(change([](Json& a) { a = Json::array(); }).find("no JSON object"), std::string::npos);
}

TEST_F(RemoteEncoderTest, OneTextThatIsRefusedDoesNotKeepTheOthersFromTheirVectors) {
  script_ = [](const HttpRequest& request, HttpResponse& response, int) {
    const Json body = Json::parse(request.body);
    for (const Json& text : body["input"]) {
      if (text.get<std::string>().size() > 2000) return response.SetProblem({.http_status = 400, .detail = "too long"});
    }
    response.SetBody(AnswerTo(request).dump(), kJsonType);
  };
  auto encodings = Encode(*Open(), {"a", std::string(5000, 'x'), "c", "d"});
  ASSERT_TRUE(encodings.ok()) << encodings.status().ToString();
  EXPECT_EQ(encodings->size(), 4u);
  EXPECT_NEAR((*encodings)[1].dense['x' % kDimension], 1, 1e-3);
  // A refusal of everything is one of the configuration, and found out by two requests.
  calls_ = 0;
  script_ = [](const HttpRequest&, HttpResponse& response, int) { response.SetProblem({.http_status = 404, .detail = "no such model"}); };
  auto refused = Encode(*Open(), {"a", "b", "c"});
  EXPECT_NE(refused.status().message().find("no such model"), std::string::npos);
  EXPECT_LE(calls_, 2);
}

TEST_F(RemoteEncoderTest, FollowsNoRedirectAndTellsNobodyItsKey) {
  script_ = [](const HttpRequest&, HttpResponse& response, int) {
    response.SetStatus(307);
    response.SetHeader("Location", "http://127.0.0.1:1/v1/embeddings");
  };
  auto redirected = Encode(*Open({.attempts = 1}, "sesame-key"), {"a"});
  EXPECT_NE(redirected.status().message().find("redirects are not followed"), std::string::npos) << redirected.status().message();
  script_ = [](const HttpRequest&, HttpResponse& response, int) {
    response.SetProblem({.http_status = 403, .detail = "the key sesame-key is not known"});
  };
  auto refused = Encode(*Open({}, "sesame-key"), {"a"});
  EXPECT_FALSE(refused.ok());
  EXPECT_EQ(refused.status().message().find("sesame-key"), std::string::npos) << refused.status().message();
}

TEST_F(RemoteEncoderTest, SettingsSayWhatIsWrongWithThem) {
  auto gate = std::make_shared<embed::EncodeGate>();
  for (const char* text : {"url=http://h/v1", "url=http://h/v1 model=x", "url=http://h/v1 dimensions=3", "url=http://h/v1 model=x dimensions=0",
                           "url=http://h/v1 model=x dimensions=8 batch=a", "url=http://h/v1 model=x dimensions=8 other=1",
                           "url=ftp://h/v1 model=x dimensions=8", "url=http://h/v1 model=x dimensions=8 key-file=/nowhere"}) {
    EXPECT_EQ(OpenModel({.model = text}, {.gate = gate}).status().code(), StatusCode::kInvalidArgument) << text;
  }
  TempFolder folder;
  std::ofstream(folder.path() + "/key") << "sesame\n";
  ::chmod((folder.path() + "/key").c_str(), 0644);
  const std::string with_key = "url=http://h/v1 model=x dimensions=8 key-file=" + folder.path() + "/key";
  EXPECT_NE(OpenModel({.model = with_key}, {.gate = gate}).status().message().find("chmod 600"), std::string::npos);
  ::chmod((folder.path() + "/key").c_str(), 0600);
  auto opened = OpenModel({.model = with_key}, {.gate = gate});  // nothing listens there: opening does not ask
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  EXPECT_EQ(opened->identity.name, "x");
  auto fingerprint = [&](const char* text) { return OpenModel({.model = text}, {.gate = gate}).value().identity.fingerprint; };
  const Hash256 one = fingerprint("url=http://h/v1 model=x dimensions=8");
  EXPECT_EQ(one, fingerprint("model=x dimensions=8 url=http://h/v1/ batch=7 name=other"));
  EXPECT_NE(one, fingerprint("url=http://h/v1 model=y dimensions=8"));
  EXPECT_NE(one, fingerprint("url=http://g/v1 model=x dimensions=8"));
  EXPECT_NE(one, fingerprint("url=http://h/v1 model=x dimensions=9"));
}

// Indexes and searches by such a server, which goes away in between.
TEST_F(RemoteEncoderTest, SearchGoesOnByWordsWhileTheServerIsDown) {
  ScratchRepository repository;
  FillBilling(repository);
  TempFolder data;
  const std::string model = "url=" + Url() + " model=toy dimensions=8";
  auto service = Service::Open({.data_folder = data.path(), .threads = 1, .model = model}).value();
  auto source = service->FindOrAddSource(service->directory().FindTenant(acl::kDefaultTenant).value(), repository.path(), "billing").value().source;
  bool down = true;
  script_ = [&](const HttpRequest& request, HttpResponse& response, int) {
    if (down) return response.SetProblem({.http_status = 500, .detail = "down"});
    response.SetBody(AnswerTo(request).dump(), kJsonType);
  };
  Caller caller = MakeLocalCaller(*service, "", {}).value();
  auto search = [&](SearchMode mode) { return service->Search(caller.viewer, {.text = "round total of an invoice", .mode = mode}); };
  auto index = [&] { return service->IndexSource(source, {}, [](const ingest::IndexProgress&) {}).status(); };
  EXPECT_EQ(index().code(), StatusCode::kUnavailable);  // the text is committed
  caller = MakeLocalCaller(*service, "", {}).value();
  auto words = search(SearchMode::kHybrid);
  ASSERT_TRUE(words.ok()) << words.status().ToString();
  ASSERT_FALSE(words->hits.empty());
  EXPECT_EQ(words->hits[0].hit.path, "src/invoice.py");
  EXPECT_EQ(words->chunks_with_vectors, 0u);  // none that is made up
  ASSERT_EQ(words->notes.size(), 1u);
  EXPECT_NE(words->notes[0].find("by words"), std::string::npos);
  EXPECT_EQ(words->notes[0].find("127.0.0.1"), std::string::npos);
  EXPECT_EQ(search(SearchMode::kVector).status().code(), StatusCode::kUnavailable);
  EXPECT_TRUE(search(SearchMode::kLexical)->notes.empty());

  down = false;
  std::this_thread::sleep_for(std::chrono::milliseconds(3100));  // it is asked again after a rest
  ASSERT_TRUE(index().ok());
  auto both = search(SearchMode::kHybrid);
  ASSERT_TRUE(both.ok()) << both.status().ToString();
  EXPECT_EQ(both->chunks_with_vectors, both->chunks);
  EXPECT_TRUE(both->notes.empty());
  EXPECT_NE(both->hits[0].hit.similarity, 0);
}

}  // namespace
}  // namespace codelore::api
