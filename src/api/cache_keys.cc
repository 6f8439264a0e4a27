#include "api/cache_keys.h"

#include "codelore/coding.h"

namespace codelore::api {
namespace {

void WriteTexts(const std::vector<std::string>& texts, ByteWriter& out) {
  out.Varint(texts.size());
  for (const std::string& text : texts) out.String(text);
}

}  // namespace

std::string WorldKey(const Viewer& viewer, uint64_t generation) {
  ByteWriter key;
  key.Fixed(viewer.tenant().value).Fixed(generation).Varint(viewer.partitions().size());
  for (const ReadablePartition& each : viewer.partitions()) key.Fixed(each.partition.value).Fixed(each.source.value);
  return key.Take();
}

std::string KeyOfText(const Viewer& viewer, const std::string& text) {
  return ByteWriter().Fixed(viewer.tenant().value).Raw(text).Take();
}

std::string KeyOfRequest(const SearchRequest& request) {
  ByteWriter key;
  key.String(request.text).Varint(static_cast<uint64_t>(request.syntax)).Varint(static_cast<uint64_t>(request.mode));
  key.Varint(request.limit).Varint(request.offset).Varint(request.per_file).Varint(request.source_names.size());
  for (const auto& [source, name] : request.source_names) key.Fixed(source.value).String(name);
  key.Varint(request.filter.sources.size());
  for (SourceId source : request.filter.sources) key.Fixed(source.value);
  WriteTexts(request.filter.paths, key);
  WriteTexts(request.filter.languages, key);
  WriteTexts(request.filter.branches, key);
  return key.Take();
}

std::string KeyOfPrompt(const AnswerChoice& choice, const AnswerRequest& request, const std::vector<ChatMessage>& prompt) {
  const Sampling& sampling = request.sampling;
  ByteWriter key;
  // What chooses generator and adapter.
  key.String(choice.name).String(choice.asker).String(choice.adapter).Varint(choice.all_adapters).Varint(choice.teams.size());
  for (const std::string& team : choice.teams) key.String(team);
  key.Fixed(sampling.temperature.value_or(-1)).Fixed(sampling.top_p.value_or(-1)).Varint(sampling.seed ? 1 + uint64_t{*sampling.seed} : 0);
  key.Varint(sampling.max_tokens).Varint(static_cast<uint64_t>(sampling.form)).String(sampling.schema);
  WriteTexts(sampling.stop, key);
  key.String(request.question);
  for (const ChatMessage& message : prompt) key.Varint(static_cast<uint64_t>(message.role)).String(message.text);
  for (const Passage& passage : request.passages) key.String(passage.citation);
  return key.Take();
}

}  // namespace codelore::api
