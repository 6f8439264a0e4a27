// The small files that say what a model is, one after another with a byte 0 between them: a file that is not there is
// as good as one that is empty.
#include <map>
#include <string>

#include "embed/model_config.h"
#include "embed/model_folder.h"
#include "fuzz/fuzz_target.h"

using namespace codelore::embed;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::map<std::string, std::string> files;
  std::string_view rest = View(data, size);
  for (const char* name : {"config.json", "modules.json", "1_Pooling/config.json", "tokenizer_config.json",
                           "sentence_bert_config.json", "config_sentence_transformers.json"}) {
    const size_t end = std::min(rest.find('\0'), rest.size());
    if (end > 0) files[name] = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  const auto config = ModelConfig::Read(ModelFolder::FromMemory("m", std::move(files)));
  if (!config.ok()) {
    CHECK(!config.status().message().empty());
    return 0;
  }
  // What the network divides by and reserves.
  const BertShape& shape = config->shape;
  CHECK(shape.heads > 0 && shape.hidden % shape.heads == 0);
  CHECK(shape.positions > 0 && config->max_tokens <= shape.positions);
  return 0;
}
