// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/handles.h"
#include "cuda/kernel.h"

/// The device side of kernel.h; for .cu files.
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

template <class Items>
cudaKernelNodeParams node_params(const Items &kernel, void **argument) {
  *argument = const_cast<Items *>(&kernel);
  cudaKernelNodeParams params = {};
  params.func = reinterpret_cast<void *>(run_items<Items>);
  params.gridDim = dim3((kernel.items() + kItemThreads - 1) / kItemThreads);
  params.blockDim = dim3(kItemThreads);
  params.kernelParams = argument;
  return params;
}

template <class Blocks>
cudaKernelNodeParams node_params_blocks(const Blocks &kernel, void **argument) {
  *argument = const_cast<Blocks *>(&kernel);
  cudaKernelNodeParams params = {};
  params.func = reinterpret_cast<void *>(run_blocks<Blocks>);
  params.gridDim = dim3(kernel.blocks());
  params.blockDim = dim3(Blocks::kThreads);
  params.kernelParams = argument;
  return params;
}

inline Result<> launch_node(const cudaKernelNodeParams &p,
                            cudaStream_t stream) {
  TRY_CUDA(cudaLaunchKernel(p.func, p.gridDim, p.blockDim, p.kernelParams,
                            p.sharedMemBytes, stream));
  return {};
}

template <class Items>
Result<> launch(const Items &kernel, cudaStream_t stream) {
  void *argument;
  return launch_node(node_params(kernel, &argument), stream);
}

template <class Blocks>
Result<> launch_blocks(const Blocks &kernel, cudaStream_t stream) {
  void *argument;
  return launch_node(node_params_blocks(kernel, &argument), stream);
}

}  // namespace fastscnn::cuda
