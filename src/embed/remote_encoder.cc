#include "embed/remote_encoder.h"

#include <algorithm>
#include <cmath>
#include <mutex>
#include <nlohmann/json.hpp>
#include <random>
#include <thread>
#include <utility>

#include "codelore/coding.h"
#include "codelore/utf8.h"
#include "embed/model_folder.h"

namespace codelore::embed {

namespace {

using Json = nlohmann::json;
using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr double kLengthTolerance = 0.02;  // servers that answer in half precision
constexpr size_t kLeastCut = 512;          // bytes below which a refused text is not cut further

class RemoteEncoder final : public TextEncoder {
 public:
  RemoteEncoder(std::unique_ptr<RemoteServer> server, RemoteEncoderOptions options)
      : server_(std::move(server)), options_(std::move(options)) {
    ByteWriter identity;
    identity.String("codelore remote encoder 1").String(server_->address()).String(options_.model);
    identity.Varint(options_.dimension);
    info_ = {.name = options_.name,
             .fingerprint = Sha256(identity.view()),
             .dimension = options_.dimension,
             .max_tokens = 8192};
  }

  const EncoderInfo& info() const override { return info_; }

  Result<std::vector<Encoding>> Encode(std::span<const std::string_view> texts,
                                       const EncodeOptions& options) const override {
    if (options.sparse || options.multi)
      return InvalidArgument("model " + info_.name + " gives dense vectors only");
    std::vector<Encoding> encodings;
    for (size_t begin = 0, end; begin < texts.size(); begin = end) {
      size_t bytes = texts[begin].size();
      for (end = begin + 1; end < texts.size() && end - begin < options_.batch_texts; ++end) {
        if ((bytes += texts[end].size()) > options_.batch_bytes) break;
      }
      ASSIGN_OR_RETURN(auto batch,
                       EncodeBatch(texts.subspan(begin, end - begin), options.background));
      std::ranges::move(batch, std::back_inserter(encodings));
    }
    return encodings;
  }

 private:
  using Batch = std::vector<Encoding>;

  // One text that a server refuses (it is too long for it, say) must not keep the others from their
  // vectors.
  Result<Batch> EncodeBatch(std::span<const std::string_view> texts, bool background) const {
    auto batch = Ask(texts, background);
    if (batch.ok() || batch.status().code() != StatusCode::kInvalidArgument) return batch;
    const std::string_view probe = "a";
    if (!Ask({&probe, 1}, background).ok()) return batch;  // it is not the texts
    if (texts.size() > 1) {
      ASSIGN_OR_RETURN(batch, EncodeBatch(texts.first(texts.size() / 2), background));
      ASSIGN_OR_RETURN(Batch rest, EncodeBatch(texts.subspan(texts.size() / 2), background));
      std::ranges::move(rest, std::back_inserter(*batch));
      return batch;
    }
    if (texts[0].size() < 2 * kLeastCut) return batch;
    const std::string_view shorter = Utf8Prefix(texts[0], texts[0].size() / 2);
    return EncodeBatch({&shorter, 1}, background);
  }

  Result<Batch> Ask(std::span<const std::string_view> texts, bool background) const {
    Json body = {{"model", options_.model}, {"encoding_format", "float"}};
    body["input"] = Json::array();
    // Some servers refuse an empty text.
    for (std::string_view text : texts) body["input"].push_back(text.empty() ? " " : text);
    const std::string sent = body.dump(-1, ' ', false, Json::error_handler_t::replace);
    const int attempts = background ? options_.attempts : 2;
    for (int attempt = 1;; ++attempt) {
      RETURN_IF_ERROR(WaitForTurn(background));
      std::chrono::seconds asked{0};
      auto answer = server_->Post("/embeddings", sent, {}, &asked);
      if (answer.ok()) {
        const std::lock_guard lock(mutex_);
        rests_until_ = {};
        return Read(*answer, texts.size());
      }
      if (answer.status().code() != StatusCode::kUnavailable) return answer.status();
      milliseconds wait = std::max(Jittered(attempt), milliseconds(asked));
      const bool last = attempt >= attempts || wait > options_.longest_wait;
      const std::lock_guard lock(mutex_);
      if (last) wait = std::max(options_.rest_after_failure, milliseconds(asked));
      (last ? rests_until_ : not_before_) = Clock::now() + wait;
      if (asked.count() > 0) not_before_ = std::max(not_before_, Clock::now() + asked);
      if (last) return answer.status();
    }
  }

  // From one to two times first_wait, doubled with each attempt.
  milliseconds Jittered(int attempt) const {
    const std::lock_guard lock(mutex_);
    const double factor = std::uniform_real_distribution<double>(1, 2)(random_);
    const double wait = factor * static_cast<double>(options_.first_wait.count() << std::min(attempt - 1, 10));
    return std::min(milliseconds(static_cast<int64_t>(wait)), options_.longest_wait);
  }

  // Until the server may be asked again. What somebody waits for fails rather than waiting long.
  Status WaitForTurn(bool background) const {
    Clock::time_point until, rests_until;
    {
      const std::lock_guard lock(mutex_);
      until = not_before_, rests_until = rests_until_;
    }
    const auto now = Clock::now();
    const auto longest = background ? options_.longest_wait : 2 * options_.first_wait + milliseconds(1);
    if ((!background && now < rests_until) || until - now > longest) {
      return Unavailable(server_->address() + ": it failed or asked to be left alone just now, and is asked again in a moment");
    }
    if (until > now) std::this_thread::sleep_until(until);
    return OkStatus();
  }

  Status Wrong(const std::string& what) const {
    return Unavailable(server_->address() + ": model " + options_.model + ": " + what);
  }

  Result<Batch> Read(const std::string& answer, size_t texts) const {
    const Json json = Json::parse(answer, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object() || !json.contains("data") || !json["data"].is_array())
      return Wrong("the answer is no JSON object with a list \"data\"");
    const Json& data = json["data"];
    if (data.size() != texts)
      return Wrong("expected " + std::to_string(texts) + " vectors, found " + std::to_string(data.size()));
    Batch batch(texts);
    for (size_t i = 0; i < texts; ++i) {
      if (!data[i].is_object()) return Wrong("data " + std::to_string(i) + " is no object");
      const Json index = data[i].value("index", Json(i));
      if (!index.is_number_unsigned() || index.get<uint64_t>() >= texts || batch[index.get<uint64_t>()].tokens != 0)
        return Wrong("data " + std::to_string(i) + " has an index that is twice there or belongs to no text");
      Encoding& encoding = batch[index.get<uint64_t>()];
      encoding.tokens = TokensOf(json, texts);
      RETURN_IF_ERROR(ReadVector(data[i].value("embedding", Json()), &encoding.dense));
    }
    return batch;
  }

  // Per text; the server counts them all together, if it does.
  static uint32_t TokensOf(const Json& json, size_t texts) {
    const Json usage = json.value("usage", Json());
    if (!usage.is_object() || !usage.contains("prompt_tokens") || !usage["prompt_tokens"].is_number_unsigned()) return 1;
    return static_cast<uint32_t>(std::clamp<uint64_t>(usage["prompt_tokens"].get<uint64_t>() / texts, 1, 8192));
  }

  Status ReadVector(const Json& numbers, std::vector<float>* vector) const {
    if (!numbers.is_array()) return Wrong("an embedding is no list of numbers");
    if (numbers.size() != options_.dimension) {
      return Wrong("expected vectors of " + std::to_string(options_.dimension) + " numbers, found " +
                   std::to_string(numbers.size()) + "; set dimensions to what the model gives");
    }
    double squares = 0;
    for (const Json& number : numbers) {
      if (!number.is_number()) return Wrong("an embedding holds something that is no number");  // NaN is null in JSON
      vector->push_back(number.get<float>());
      squares += static_cast<double>(vector->back()) * vector->back();
    }
    if (!std::isfinite(squares)) return Wrong("an embedding holds a number that is not finite");
    if (!(std::abs(std::sqrt(squares) - 1) <= kLengthTolerance))
      return Wrong("an embedding has length " + std::to_string(std::sqrt(squares)) + " instead of 1: let the server normalise them");
    for (float& x : *vector) x = static_cast<float>(x / std::sqrt(squares));
    return OkStatus();
  }

  const std::unique_ptr<RemoteServer> server_;
  const RemoteEncoderOptions options_;
  EncoderInfo info_;
  mutable std::mutex mutex_;
  // Guarded by mutex_:
  mutable std::mt19937 random_{std::random_device()()};
  mutable Clock::time_point not_before_{};   // as the server asked, or as back-off has it
  mutable Clock::time_point rests_until_{};  // for those whom somebody waits for
};

}  // namespace

std::unique_ptr<TextEncoder> MakeRemoteEncoder(std::unique_ptr<RemoteServer> server, RemoteEncoderOptions options) {
  return std::make_unique<RemoteEncoder>(std::move(server), std::move(options));
}

}  // namespace codelore::embed
