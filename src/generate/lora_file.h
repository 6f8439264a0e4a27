// A LoRA adapter's file, looked at before llama.cpp does: it says of few things where they are wrong, and believes others.
#ifndef CODELORE_GENERATE_LORA_FILE_H_
#define CODELORE_GENERATE_LORA_FILE_H_

#include <string>

#include "codelore/status.h"
#include "generate/gguf_file.h"

namespace codelore::generate {

// Whether `file` is a LoRA adapter of `model`, as convert_lora_to_gguf.py writes them: general.type "adapter", adapter.type "lora",
// the model's architecture, a finite adapter.lora.alpha, and pairs of tensors NAME.lora_a [in, rank] and NAME.lora_b [rank, out]
// for matrices NAME [in, out] of the model, within the file, one behind the other, all finite. What would be read but not applied is refused.
// kInvalidArgument names file and field.
Status CheckLoraFile(const std::string& file, const GgufFile& model);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_LORA_FILE_H_
