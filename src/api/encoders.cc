#include "api/encoders.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "codelore/coding.h"
#include "codelore/crash_point.h"
#include "embed/packed_file.h"

namespace codelore::api {
namespace {

constexpr char kKey[] = "encoders";  // in kMeta
constexpr uint8_t kVersion = 1;
constexpr auto kLookAgain = std::chrono::milliseconds(500);  // whether a retired encoder is still held
constexpr auto kRetryAfter = std::chrono::seconds(30);

void Put(const ModelIdentity& model, ByteWriter& out) {
  out.String(model.choice.model).String(PrecisionName(model.choice)).String(model.name);
  out.Raw(model.fingerprint.view()).Varint(model.dimension).Varint(model.files.size());
  for (const auto& [file, hash] : model.files) out.String(file).Raw(hash.view());
}

Hash256 TakeHash(ByteReader& in) {
  Hash256 hash;
  std::string_view bytes = in.Raw(hash.bytes.size());
  std::ranges::copy(bytes, hash.bytes.begin());
  return hash;
}

Status Take(ByteReader& in, ModelIdentity& model) {
  model.choice.model = in.String();
  ASSIGN_OR_RETURN(model.choice.precision, PrecisionNamed(in.String()));
  model.name = in.String();
  model.fingerprint = TakeHash(in);
  model.dimension = static_cast<uint32_t>(in.Varint());
  for (uint64_t left = in.Count(33); left > 0; --left) {
    std::string file(in.String());
    model.files[file] = TakeHash(in);
  }
  return OkStatus();
}

}  // namespace

// ---- the record ------------------------------------------------------------------------------------------

std::string Encoders::Encode(const Record& record) {
  ByteWriter out;
  out.Fixed(kVersion);
  Put(record.serving, out);
  out.Fixed(static_cast<uint8_t>(record.building.has_value()));
  if (record.building) Put(*record.building, out);
  out.Varint(record.retired.size());
  for (const Hash256& fingerprint : record.retired) out.Raw(fingerprint.view());
  return out.Take();
}

Result<Encoders::Record> Encoders::Decode(std::string_view bytes) {
  ByteReader in(bytes);
  Record record;
  Status malformed = Corruption("the record of the encoder's model is malformed");
  if (in.Fixed<uint8_t>() != kVersion || !Take(in, record.serving).ok()) return malformed;
  if (in.Fixed<uint8_t>() == 1 && !Take(in, record.building.emplace()).ok()) return malformed;
  record.retired.resize(in.Count(32));
  for (Hash256& fingerprint : record.retired) fingerprint = TakeHash(in);
  return in.done() ? Result<Record>(std::move(record)) : malformed;
}

Status Encoders::Write(Record record) {
  if (!fixed_) {
    WriteBatch batch;
    batch.Put(Table::kMeta, kKey, Encode(record));
    CrashPoint("model-before-record");
    RETURN_IF_ERROR(store_.Write(batch));
    CrashPoint("model-recorded");
  }
  record_ = std::move(record);
  changed_.notify_all();
  return OkStatus();
}

void Encoders::Retire(const Hash256& fingerprint, Record& record) const {
  bool used = fingerprint == record.serving.fingerprint || (record.building && record.building->fingerprint == fingerprint);
  if (!used && std::ranges::find(record.retired, fingerprint) == record.retired.end()) record.retired.push_back(fingerprint);
}

// ---- opening ---------------------------------------------------------------------------------------------

Result<std::unique_ptr<Encoders>> Encoders::Open(KeyValueStore& store, Index& index, acl::Directory& directory, const Options& options) {
  std::unique_ptr<Encoders> encoders(new Encoders(store, index, directory));
  encoders->fixed_ = options.fixed;
  encoders->around_.trust = options.trust;
  encoders->around_.packed_folder = options.packed_folder;
  RETURN_IF_ERROR(encoders->Start(options));
  return encoders;
}

Status Encoders::Start(const Options& options) {
  ASSIGN_OR_RETURN(auto stored, store_.Get(Table::kMeta, kKey));
  if (stored && !fixed_) {
    ASSIGN_OR_RETURN(Record record, Decode(*stored));
    return StartFromRecord(std::move(record), options);
  }
  ASSIGN_OR_RETURN(OpenedModel opened, OpenModel(Normalised({options.model, options.precision}), around_));
  VectorSpaces spaces = index_.ListVectorSpaces();
  if (fixed_ || spaces.spaces.empty() || spaces.CountOf(opened.identity.fingerprint) > 0) return Serve(std::move(opened));
  // A folder from before there was a record: its vectors may be of the built-in model.
  for (auto precision : {embed::Precision::kInt8, embed::Precision::kFloat32}) {
    ASSIGN_OR_RETURN(OpenedModel before, OpenModel({kBuiltInModel, precision}, around_));
    if (spaces.CountOf(before.identity.fingerprint) == 0) continue;
    RETURN_IF_ERROR(Serve(std::move(before)));
    return UseOpened(std::move(opened));
  }
  return Serve(std::move(opened));
}

Status Encoders::StartFromRecord(Record record, const Options& options) {
  const ModelIdentity& latest = record.building ? *record.building : record.serving;
  EncoderChoice wanted = options.model.empty() ? latest.choice : Normalised({options.model, options.precision});
  if (options.precision && !IsRemote(wanted)) wanted.precision = options.precision;
  auto same = [&](const ModelIdentity& model) {
    return wanted.model == model.choice.model && (!wanted.precision || wanted.precision == model.choice.precision);
  };
  auto serving = OpenModel(record.serving.choice, around_);
  bool intact = serving.ok() && serving->identity.fingerprint == record.serving.fingerprint;
  if (!intact) {
    problem_ = serving.ok() ? "the files of " + record.serving.choice.model + " have changed since its vectors were made, or how this version computes with them has" : serving.status().message();
    if (same(record.serving) && !serving.ok()) {
      return Status(serving.status().code(), problem_ + "; --model built-in, or --model with another folder, takes its place");
    }
    if (!same(record.serving)) serving = OpenModel(wanted, around_);
    if (!serving.ok()) return serving.status();
    record_ = std::move(record);
    RETURN_IF_ERROR(Serve(std::move(*serving)));
    // It has no vectors yet: whoever builds makes them, whether or not the sources change.
    Record next = record_;
    next.building = next.serving;
    building_ = serving_;
    return Write(std::move(next));
  }
  serving_ = std::move(serving->encoder);
  record_ = std::move(record);
  if (record_.building ? same(*record_.building) : same(record_.serving)) return OkStatus();
  return Use(wanted);
}

// At once, whatever vectors there are.
Status Encoders::Serve(OpenedModel opened) {
  Record next{.serving = opened.identity, .building = std::nullopt, .retired = record_.retired};
  if (record_.building) Retire(record_.building->fingerprint, next);
  if (!record_.serving.name.empty()) Retire(record_.serving.fingerprint, next);
  std::erase(next.retired, next.serving.fingerprint);
  RETURN_IF_ERROR(Write(std::move(next)));
  serving_ = std::move(opened.encoder);
  return OkStatus();
}

std::shared_ptr<const TextEncoder> Encoders::serving() const {
  std::lock_guard lock(mutex_);
  return serving_;
}

// ---- changing the model ----------------------------------------------------------------------------------

Status Encoders::Use(const EncoderChoice& choice) {
  if (fixed_) return Unavailable("the model was fixed when the data folder was opened");
  ASSIGN_OR_RETURN(OpenedModel opened, OpenModel(Normalised(choice), around_));
  return UseOpened(std::move(opened));
}

Status Encoders::UseOpened(OpenedModel opened) {
  bool none = index_.ListVectorSpaces().CountOf(serving()->info().fingerprint) == 0;
  std::lock_guard lock(mutex_);
  if (none) {  // nothing to go on serving
    retired_.push_back({record_.serving.fingerprint, serving_});
    if (building_) retired_.push_back({building_->info().fingerprint, std::exchange(building_, nullptr)});
    restart_.request_stop();
    restart_ = std::stop_source();
    return Serve(std::move(opened));
  }
  Record next = record_;
  next.building.reset();
  if (opened.identity.fingerprint != record_.serving.fingerprint) next.building = opened.identity;
  if (record_.building) Retire(record_.building->fingerprint, next);
  if (next.building) std::erase(next.retired, next.building->fingerprint);
  bool restarts = !record_.building || !next.building || record_.building->fingerprint != next.building->fingerprint;
  RETURN_IF_ERROR(Write(std::move(next)));
  problem_.clear();
  if (!restarts) return OkStatus();
  if (building_) retired_.push_back({building_->info().fingerprint, building_});
  building_ = record_.building ? std::move(opened.encoder) : nullptr;
  restart_.request_stop();
  restart_ = std::stop_source();
  return OkStatus();
}

Result<std::shared_ptr<const TextEncoder>> Encoders::OpenBuilding() {
  ModelIdentity wanted;
  {
    std::lock_guard lock(mutex_);
    if (!record_.building || building_) return building_;
    wanted = *record_.building;
  }
  ASSIGN_OR_RETURN(OpenedModel opened, OpenModel(wanted.choice, around_));
  if (opened.identity.fingerprint != wanted.fingerprint) {
    return InvalidArgument("the files of " + wanted.choice.model + " have changed since it was chosen; choose it again");
  }
  std::lock_guard lock(mutex_);
  bool still = record_.building && record_.building->fingerprint == wanted.fingerprint;
  if (still && !building_) building_ = std::move(opened.encoder);
  return building_;
}

Status Encoders::Build(int threads, std::stop_token stop, const std::function<void(const EmbedProgress&)>& progress) {
  std::lock_guard building(build_mutex_);
  for (bool complete = false; !complete;) {
    auto encoder = OpenBuilding();
    auto built = encoder.ok() ? BuildOnce(*encoder, threads, stop, progress) : Result<bool>(encoder.status());
    if (!built.ok()) {
      std::lock_guard lock(mutex_);
      problem_ = stop.stop_requested() ? problem_ : built.status().message();
      return built.status();
    }
    complete = *built;
  }
  return FreeRetired();
}

// True when there is nothing to build any more. False: what is to be built has changed, or chunks were added meanwhile.
Result<bool> Encoders::BuildOnce(const std::shared_ptr<const TextEncoder>& encoder, int threads, std::stop_token stop,
                                 const std::function<void(const EmbedProgress&)>& progress) {
  if (encoder == nullptr) return true;
  std::stop_source either;
  std::stop_callback by_caller(stop, [&] { either.request_stop(); });
  std::stop_token restart;
  {
    std::lock_guard lock(mutex_);
    if (building_ != encoder) return false;
    restart = restart_.get_token();
  }
  std::stop_callback by_restart(restart, [&] { either.request_stop(); });
  EmbedProgress before, last;
  VectorSpaces spaces = index_.ListVectorSpaces();
  before.chunks_total = spaces.chunks;
  const uint64_t built_before = spaces.CountOf(encoder->info().fingerprint);
  ASSIGN_OR_RETURN(auto tenants, Tenants());
  for (TenantId tenant : tenants) {
    std::vector<PartitionId> partitions;
    ASSIGN_OR_RETURN(auto sources, directory_.ListSources(tenant));
    for (const acl::Source& source : sources) {
      ASSIGN_OR_RETURN(auto of_source, directory_.PartitionsOf(source.id));
      partitions.insert(partitions.end(), of_source.begin(), of_source.end());
    }
    Status status = index_.Embed(tenant, partitions, *encoder, threads, either.get_token(), [&](const EmbedProgress& now) {
      last = {before.chunks_total, before.chunks_done + now.chunks_done, before.chunks_encoded + now.chunks_encoded,
              before.tokens_encoded + now.tokens_encoded};
      progress(last);
    });
    if (!status.ok()) return restart.stop_requested() && !stop.stop_requested() ? Result<bool>(false) : status;
    before = last;
  }
  spaces = index_.ListVectorSpaces();
  const uint64_t built = spaces.CountOf(encoder->info().fingerprint);
  if (built < spaces.chunks) {
    if (stop.stop_requested()) return Unavailable("interrupted");
    // Text that was added meanwhile is for the next pass; of a source that is just being removed none will help.
    if (built > built_before) return false;
    return Unavailable(std::to_string(spaces.chunks - built) + " chunks have no vectors of the new model yet");
  }
  RETURN_IF_ERROR(Switch(encoder));
  return true;
}

Status Encoders::Switch(const std::shared_ptr<const TextEncoder>& encoder) {
  std::lock_guard lock(mutex_);
  if (building_ != encoder) return OkStatus();
  Record next = record_;
  next.serving = *record_.building;
  next.building.reset();
  Retire(record_.serving.fingerprint, next);
  for (const VectorSpace& space : index_.ListVectorSpaces().spaces) Retire(space.encoder, next);  // of models long forgotten
  CrashPoint("model-before-switch");
  RETURN_IF_ERROR(Write(std::move(next)));
  CrashPoint("model-switched");
  retired_.push_back({serving_->info().fingerprint, serving_});
  serving_ = std::move(building_);
  problem_.clear();
  return OkStatus();
}

Status Encoders::FreeRetired() {
  std::vector<Hash256> free;
  {
    std::lock_guard lock(mutex_);
    std::erase_if(retired_, [](const Retired& one) { return one.encoder.expired(); });
    for (const Hash256& fingerprint : record_.retired) {
      bool held = std::ranges::find(retired_, fingerprint, &Retired::fingerprint) != retired_.end();
      if (!held) free.push_back(fingerprint);
    }
  }
  if (free.empty() || fixed_) return OkStatus();
  ASSIGN_OR_RETURN(auto tenants, Tenants());
  RETURN_IF_ERROR(index_.DropVectors(tenants, free));
  CrashPoint("model-freed");
  std::lock_guard lock(mutex_);
  Record next = record_;
  std::erase_if(next.retired, [&](const Hash256& one) { return std::ranges::find(free, one) != free.end(); });
  return Write(std::move(next));
}

// A model that is to be built may not be open yet: its weights are nobody's until then. Only a server does this: it has opened
// all that its data folder's commands open, the reranker too.
void Encoders::RemoveUnusedWeights(const std::function<void(const std::string&)>& log) {
  {
    std::lock_guard lock(mutex_);
    if (HasWork() || fixed_ || !around_.packed_folder) return;
  }
  const uint64_t bytes = embed::RemoveUnusedPacked(*around_.packed_folder);
  if (bytes > 0 && log) log("removed " + std::to_string(bytes) + " bytes of packed weights of models that are not used any more");
}

void Encoders::KeepBuilding(int threads, std::stop_token stop, const std::function<void(const std::string&)>& log) {
  while (!stop.stop_requested()) {
    RemoveUnusedWeights(log);
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return HasWork(); })) return;
    }
    Status status = Build(threads, stop, [](const EmbedProgress&) {});
    std::unique_lock lock(mutex_);
    auto pause = status.ok() ? std::chrono::milliseconds(kLookAgain) : std::chrono::milliseconds(kRetryAfter);
    std::stop_token restart = restart_.get_token();
    if (HasWork()) changed_.wait_for(lock, stop, pause, [&] { return restart.stop_requested(); });
  }
}

Result<std::vector<TenantId>> Encoders::Tenants() const {
  std::vector<TenantId> ids;
  ASSIGN_OR_RETURN(auto tenants, directory_.ListTenants());
  for (const acl::Tenant& tenant : tenants) ids.push_back(tenant.id);
  return ids;
}

// ---- what there is ---------------------------------------------------------------------------------------

ModelReport Encoders::Report() const {
  VectorSpaces spaces = index_.ListVectorSpaces();
  std::lock_guard lock(mutex_);
  ModelReport report{.serving = {.identity = record_.serving}, .building = {}, .chunks = spaces.chunks, .problem = problem_};
  if (record_.building) report.building = ModelState{.identity = *record_.building};
  for (const VectorSpace& space : spaces.spaces) {
    bool used = false;
    for (ModelState* of : {&report.serving, report.building ? &*report.building : nullptr}) {  // both may be one model
      if (of == nullptr || space.encoder != of->identity.fingerprint) continue;
      of->chunks_with_vectors = space.chunks_with_vectors;
      of->bytes = space.bytes;
      used = true;
    }
    if (!used) report.bytes_unused += space.bytes;
  }
  return report;
}

Result<std::vector<FileVerdict>> Encoders::Verify(bool building) const {
  ModelIdentity model;
  {
    std::lock_guard lock(mutex_);
    if (building && !record_.building) return NotFound("no model is being built");
    model = building ? *record_.building : record_.serving;
  }
  std::vector<FileVerdict> verdicts;
  if (IsRemote(model.choice)) {  // it has no files to look at
    ASSIGN_OR_RETURN(OpenedModel opened, OpenModel(model.choice, around_));
    const std::string_view text = "codelore";
    auto answer = opened.encoder->Encode({&text, 1}, {});
    return std::vector<FileVerdict>{{model.choice.model, answer.ok() ? "answers" : answer.status().message()}};
  }
  ASSIGN_OR_RETURN(auto now, HashModel(model.choice));
  for (const auto& [file, hash] : model.files) {
    auto at = now.find(file);
    verdicts.push_back({file, at == now.end() ? "missing" : at->second == hash ? "unchanged" : "changed"});
    if (at != now.end()) now.erase(at);
  }
  for (const auto& [file, hash] : now) verdicts.push_back({file, "new"});
  return verdicts;
}

}  // namespace codelore::api
