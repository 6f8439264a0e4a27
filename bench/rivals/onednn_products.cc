// The matrix products of a BERT by oneDNN, nothing else: the ceiling that encoder_bench's shares refer to.
//
//   g++ -std=c++20 -O2 onednn_products.cc -I$ONEDNN/include -L$ONEDNN/lib -ldnnl -o onednn_products
//   onednn_products [tokens...]     OMP_NUM_THREADS=1; in processor time
//
// Weights of every layer are different and in the layout that oneDNN asks for, as in a real model.
#include <dnnl.hpp>
#include <time.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace {

using dnnl::memory;

struct Network {
  const char* name;
  int layers, hidden, intermediate;
};

double ThreadSeconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

memory Filled(const memory::desc& desc, const dnnl::engine& engine) {
  memory result(desc, engine);
  std::memset(result.get_data_handle(), 1, desc.get_size());
  return result;
}

struct Matmul {
  dnnl::matmul primitive;
  memory a, b, c;
};

Matmul Make(const dnnl::engine& engine, memory::data_type a, memory::data_type b, long m, long k,
            long n) {
  const memory::desc a_desc({m, k}, a, memory::format_tag::ab), b_desc({k, n}, b, memory::format_tag::any),
      c_desc({m, n}, memory::data_type::f32, memory::format_tag::ab);
  const dnnl::matmul::primitive_desc desc(engine, a_desc, b_desc, c_desc);
  return {dnnl::matmul(desc), Filled(desc.src_desc(), engine), Filled(desc.weights_desc(), engine),
          Filled(desc.dst_desc(), engine)};
}

double TokensPerSecond(const Network& net, memory::data_type a, memory::data_type b, long tokens) {
  dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  std::vector<Matmul> products;
  for (int layer = 0; layer < net.layers; ++layer) {
    const long h = net.hidden, i = net.intermediate;
    const long shapes[][2] = {{h, 3 * h}, {h, h}, {h, i}, {i, h}};
    for (const auto& [k, n] : shapes) products.push_back(Make(engine, a, b, tokens, k, n));
  }
  double best = 1e9;
  for (int round = 0; round < 8; ++round) {
    const double start = ThreadSeconds();
    for (Matmul& p : products) {
      p.primitive.execute(stream, {{DNNL_ARG_SRC, p.a}, {DNNL_ARG_WEIGHTS, p.b}, {DNNL_ARG_DST, p.c}});
    }
    stream.wait();
    best = std::min(best, ThreadSeconds() - start);
  }
  return static_cast<double>(tokens) / best;
}

}  // namespace

int main(int argc, char** argv) {
  const Network networks[] = {{"6L-384", 6, 384, 1536}, {"24L-1024", 24, 1024, 4096}};
  for (const Network& net : networks) {
    const double flops = 2.0 * net.layers * net.hidden * (4.0 * net.hidden + 2.0 * net.intermediate);
    for (int at = 1; at < std::max(argc, 2); ++at) {
      const long tokens = argc > 1 ? std::atol(argv[at]) : 512;
      using T = memory::data_type;
      const struct {
        const char* name;
        T a, b;
      } kinds[] = {{"int8", T::u8, T::s8}, {"bf16", T::bf16, T::bf16}, {"f32", T::f32, T::f32}};
      for (const auto& kind : kinds) {
        const double speed = TokensPerSecond(net, kind.a, kind.b, tokens);
        std::printf("%-9s %-5s %4ld tokens: %8.0f tokens/s, %6.0f GOPS\n", net.name, kind.name, tokens, speed,
                    speed * flops / 1e9);
        std::fflush(stdout);
      }
    }
  }
}
