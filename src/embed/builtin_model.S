/* The built-in encoder, all-MiniLM-L6-v2, as read-only data of the binary. MODEL_FOLDER, its folder, comes from
   CMakeLists.txt. File NAME is the bytes from codelore_model_NAME to codelore_model_NAME_end. */

    .section .rodata.codelore_model, "a", %progbits

    .macro file name, folder, path
    .balign 64
    .global codelore_model_\name
    .type codelore_model_\name, %object
codelore_model_\name:
    .incbin "\folder/\path"
    .size codelore_model_\name, . - codelore_model_\name
    .global codelore_model_\name\()_end
codelore_model_\name\()_end:
    .endm

    file weights, MODEL_FOLDER, model.safetensors
    file vocabulary, MODEL_FOLDER, vocab.txt
    file config, MODEL_FOLDER, config.json
    file tokenizer_config, MODEL_FOLDER, tokenizer_config.json
    file sentence_config, MODEL_FOLDER, sentence_bert_config.json
    file pooling_config, MODEL_FOLDER, 1_Pooling/config.json

    .section .note.GNU-stack, "", %progbits
