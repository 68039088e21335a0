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

/// Empty for GPUs that never run it.
template <class Clusters>
__global__ void __launch_bounds__(Clusters::kThreads, Clusters::kBlocksEach)
    run_clusters(const __grid_constant__ Clusters kernel) {
#ifdef __CUDA_ARCH__
  extern __shared__ __align__(128) char shared[];
  if constexpr (__CUDA_ARCH__ >= 800 && Clusters::runs_on(__CUDA_ARCH__))
    kernel(*reinterpret_cast<typename Clusters::Shared *>(shared));
#endif
}

/// How a kernel is launched.
template <typename Kernel>
struct Grid {
  void (*function)(Kernel);
  int blocks, threads;
};

template <class Items>
Grid<Items> grid_of_items(const Items &kernel) {
  const int blocks = (kernel.items() + kItemThreads - 1) / kItemThreads;
  return {run_items<Items>, blocks, kItemThreads};
}

template <class Blocks>
Grid<Blocks> grid_of_blocks(const Blocks &kernel) {
  return {run_blocks<Blocks>, kernel.blocks(), Blocks::kThreads};
}

template <typename Kernel>
Result<> launch_grid(const Grid<Kernel> &grid, const Kernel &kernel,
                     cudaStream_t stream) {
  void *argument = const_cast<Kernel *>(&kernel);
  TRY_CUDA(cudaLaunchKernel(reinterpret_cast<void *>(grid.function),
                            dim3(grid.blocks), dim3(grid.threads), &argument, 0,
                            stream));
  return {};
}

template <typename Kernel>
Result<> update_grid(const Grid<Kernel> &grid, const Kernel &kernel,
                     const GraphNode &node) {
  void *argument = const_cast<Kernel *>(&kernel);
  cudaKernelNodeParams params = {};
  params.func = reinterpret_cast<void *>(grid.function);
  params.gridDim = dim3(grid.blocks);
  params.blockDim = dim3(grid.threads);
  params.kernelParams = &argument;
  TRY_CUDA(cudaGraphExecKernelNodeSetParams(node.exec, node.node, &params));
  return {};
}

template <class Items>
Result<> launch(const Items &kernel, cudaStream_t stream) {
  return launch_grid(grid_of_items(kernel), kernel, stream);
}
template <class Blocks>
Result<> launch_blocks(const Blocks &kernel, cudaStream_t stream) {
  return launch_grid(grid_of_blocks(kernel), kernel, stream);
}
template <class Items>
Result<> update(const Items &kernel, GraphNode node) {
  return update_grid(grid_of_items(kernel), kernel, node);
}
template <class Blocks>
Result<> update_blocks(const Blocks &kernel, GraphNode node) {
  return update_grid(grid_of_blocks(kernel), kernel, node);
}

template <class Clusters>
Result<> launch_clusters(const Clusters &kernel, cudaStream_t stream) {
  constexpr size_t kShared = sizeof(typename Clusters::Shared);
  const auto function = reinterpret_cast<const void *>(run_clusters<Clusters>);
  TRY_CUDA(cudaFuncSetAttribute(
      function, cudaFuncAttributeMaxDynamicSharedMemorySize, kShared));
  cudaLaunchAttribute cluster = {};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim.x = cluster.val.clusterDim.y = 1;
  cluster.val.clusterDim.z = Clusters::kCluster;
  cudaLaunchConfig_t config = {};
  config.gridDim = dim3(kernel.grid_x(), kernel.grid_y(), Clusters::kCluster);
  config.blockDim = dim3(Clusters::kThreads);
  config.dynamicSmemBytes = kShared;
  config.stream = stream;
  config.attrs = &cluster;
  config.numAttrs = Clusters::kCluster > 1 ? 1 : 0;
  void *argument = const_cast<Clusters *>(&kernel);
  TRY_CUDA(cudaLaunchKernelExC(&config, function, &argument));
  return {};
}

}  // namespace fastscnn::cuda
