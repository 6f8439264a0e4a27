// What all fuzz targets share. Each is one function, run by libFuzzer on whatever bytes it finds to
// lead somewhere new; sanitizers and CHECK say when something is wrong. How to build and run them:
// README.md.
#ifndef CODELORE_TESTS_FUZZ_FUZZ_TARGET_H_
#define CODELORE_TESTS_FUZZ_FUZZ_TARGET_H_

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#define CHECK(condition)                                                           \
  do {                                                                             \
    if (!(condition)) {                                                            \
      std::fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                \
    }                                                                              \
  } while (false)

inline std::string_view View(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

#endif  // CODELORE_TESTS_FUZZ_FUZZ_TARGET_H_
