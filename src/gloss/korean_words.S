/* korean_words.txt as read-only data of the binary. KOREAN_WORDS, its path, comes from CMakeLists.txt. */

    .section .rodata.codelore_korean_words, "a", %progbits
    .global codelore_korean_words
    .type codelore_korean_words, %object
codelore_korean_words:
    .incbin KOREAN_WORDS
    .size codelore_korean_words, . - codelore_korean_words
    .global codelore_korean_words_end
codelore_korean_words_end:

    .section .note.GNU-stack, "", %progbits
