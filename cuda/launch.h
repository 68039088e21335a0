// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/handles.h"
#include "cuda/kernel.h"

/// The device side of kernel.h. Only .cu files include it.
namespace fastscnn::cuda {

constexpr int kItemThreads = 256;

template <class Items>
__global__ void __launch_bounds__(kItemThreads)
    run_items(const __grid_constant__ Items kernel) {
  const int item = blockIdx.x * kItemThreads + threadIdx.x;
  if (item < kernel.items()) kernel(item);
}

template <class Blocks>
__global__ void __launch_bounds__(Blocks::kThreads)
    run_blocks(const __grid_constant__ Blocks kernel) {
  __shared__ typename Blocks::Shared shared;
  FASTSCNN_UNROLL
  for (int phase = 0; phase < Blocks::kPhases; phase++) {
    if (phase > 0) __syncthreads();
    kernel(phase, blockIdx.x, threadIdx.x, shared);
  }
}

template <typename Kernel>
Result<> launch_grid(void (*function)(Kernel), const Kernel &kernel, int blocks,
                     int threads, cudaStream_t stream) {
  void *argument = const_cast<Kernel *>(&kernel);
  TRY_CUDA(cudaLaunchKernel(reinterpret_cast<void *>(function), dim3(blocks),
                            dim3(threads), &argument, 0, stream));
  return {};
}

template <class Items>
Result<> launch(const Items &kernel, cudaStream_t stream) {
  const int blocks = (kernel.items() + kItemThreads - 1) / kItemThreads;
  return launch_grid(run_items<Items>, kernel, blocks, kItemThreads, stream);
}

template <class Blocks>
Result<> launch_blocks(const Blocks &kernel, cudaStream_t stream) {
  return launch_grid(run_blocks<Blocks>, kernel, kernel.blocks(),
                     Blocks::kThreads, stream);
}

}  // namespace fastscnn::cuda
