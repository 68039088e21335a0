// SPDX-License-Identifier: LGPL-2.1-or-later
// The cost of one kernel following another in a graph, measured on a chain of
// empty kernels. A kernel of the network cannot take less.
#include <cstdio>

#include "cuda/simt.h"
#include "tests/gpu/graphtime.h"

using namespace fastscnn;
using namespace fastscnn::cuda;
using fastscnn::testing::time_in_graph;

namespace {

constexpr int kKernels = 200;

__global__ void do_nothing() {
  simt::wait_for_previous();
  simt::let_next_start();
}

/// early: programmatic dependent launch.
Result<> queue(cudaStream_t stream, int blocks, bool early) {
  cudaLaunchAttribute attribute = {};
  attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
  attribute.val.programmaticStreamSerializationAllowed = 1;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(blocks);
  config.blockDim = dim3(128);
  config.stream = stream;
  config.attrs = &attribute;
  config.numAttrs = early;
  TRY_CUDA(cudaLaunchKernelEx(&config, do_nothing));
  return {};
}

Result<float> time(cudaStream_t stream, int blocks, bool early) {
  FASTSCNN_TRY(queue(stream, blocks, false));
  TRY_CUDA(cudaStreamSynchronize(stream));
  return time_in_graph(stream, kKernels,
                       [&](cudaStream_t s) { return queue(s, blocks, early); });
}

Result<> print_times() {
  int capability = 0;
  TRY_CUDA(cudaDeviceGetAttribute(&capability,
                                  cudaDevAttrComputeCapabilityMajor, 0));
  const Stream stream = FASTSCNN_TRY(make_stream());
  for (int blocks : {1, 128, 1024}) {
    const float plain = FASTSCNN_TRY(time(stream.get(), blocks, false));
    std::printf("hand-over, %4d blocks: %5.2f us", blocks, plain);
    if (capability >= 9) {
      const float early = FASTSCNN_TRY(time(stream.get(), blocks, true));
      std::printf(", %5.2f us with programmatic dependent launch", early);
    }
    std::printf("\n");
  }
  return {};
}

}  // namespace

int main() {
  const Result<> printed = print_times();
  if (printed) return 0;
  std::fprintf(stderr, "bench-handover: %s\n",
               printed.error().sentence.c_str());
  return 1;
}
