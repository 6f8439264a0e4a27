// The generator that lets a model write: prompt, model, check (prompt.h, answer_checker.h).
#ifndef CODELORE_GENERATE_MODEL_GENERATOR_H_
#define CODELORE_GENERATE_MODEL_GENERATOR_H_

#include <memory>
#include <string>

#include "codelore/generator.h"
#include "generate/answer_checker.h"
#include "generate/prompt.h"

namespace codelore::generate {

struct ModelGeneratorOptions {
  std::string name;  // as requests choose it
  PromptLimits limits = {};
  Unsupported unsupported = Unsupported::kMark;
};

std::unique_ptr<Generator> MakeModelGenerator(std::shared_ptr<const ChatModel> model, ModelGeneratorOptions options);

}  // namespace codelore::generate

#endif  // CODELORE_GENERATE_MODEL_GENERATOR_H_
