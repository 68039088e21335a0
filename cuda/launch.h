// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/handles.h"
#include "cuda/kernel.h"
#include "cuda/simt.h"

/// The device side of kernel.h. Only .cu files include it.
namespace fastscnn::cuda {

constexpr int kItemThreads = 256;

template <class Items>
__global__ void __launch_bounds__(kItemThreads)
    run_items(const __grid_constant__ Items kernel) {
  simt::wait_for_previous();
  simt::let_next_start();
  const int item = blockIdx.x * kItemThreads + threadIdx.x;
  if (item < kernel.items()) kernel(item);
}

template <class Blocks>
__global__ void __launch_bounds__(Blocks::kThreads)
    run_blocks(const __grid_constant__ Blocks kernel) {
  __shared__ typename Blocks::Shared shared;
  simt::wait_for_previous();
  simt::let_next_start();
  FASTSCNN_UNROLL
  for (int phase = 0; phase < Blocks::kPhases; phase++) {
    if (phase > 0) __syncthreads();
    kernel(phase, blockIdx.x, threadIdx.x, shared);
  }
}

/// Has no code for GPUs that never run the kernel.
template <class Clusters>
__global__ void __launch_bounds__(Clusters::kThreads, Clusters::kBlocksEach)
    run_clusters(const __grid_constant__ Clusters kernel) {
#ifdef __CUDA_ARCH__
  extern __shared__ __align__(128) char shared[];
  if constexpr (__CUDA_ARCH__ >= 800 && Clusters::runs_on(__CUDA_ARCH__))
    kernel(*reinterpret_cast<typename Clusters::Shared *>(shared));
#endif
}

/// The launch configuration of a kernel.
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

/// cluster: number of blocks, along z.
template <typename Kernel>
Result<> launch_function(void (*function)(Kernel), const Kernel &kernel,
                         dim3 grid, int threads, int cluster,
                         size_t shared_bytes, cudaStream_t stream,
                         Start start) {
  cudaLaunchAttribute attributes[2] = {};
  unsigned count = 0;
  if (cluster > 1) {
    attributes[count].id = cudaLaunchAttributeClusterDimension;
    attributes[count++].val.clusterDim = {1, 1, unsigned(cluster)};
  }
  if (start == Start::kEarly) {
    attributes[count].id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attributes[count++].val.programmaticStreamSerializationAllowed = 1;
  }
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = dim3(threads);
  config.dynamicSmemBytes = shared_bytes;
  config.stream = stream;
  config.attrs = attributes;
  config.numAttrs = count;
  void *argument = const_cast<Kernel *>(&kernel);
  TRY_CUDA(cudaLaunchKernelExC(
      &config, reinterpret_cast<const void *>(function), &argument));
  return {};
}

template <typename Kernel>
Result<> launch_grid(const Grid<Kernel> &grid, const Kernel &kernel,
                     cudaStream_t stream, Start start) {
  return launch_function(grid.function, kernel, dim3(grid.blocks), grid.threads,
                         1, 0, stream, start);
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
Result<> launch(const Items &kernel, cudaStream_t stream, Start start) {
  return launch_grid(grid_of_items(kernel), kernel, stream, start);
}
template <class Blocks>
Result<> launch_blocks(const Blocks &kernel, cudaStream_t stream, Start start) {
  return launch_grid(grid_of_blocks(kernel), kernel, stream, start);
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
dim3 grid_of_clusters(const Clusters &kernel) {
  return dim3(kernel.grid_x(), kernel.grid_y(), Clusters::kCluster);
}

template <class Clusters>
Result<> launch_clusters(const Clusters &kernel, cudaStream_t stream,
                         Start start) {
  constexpr size_t kShared = sizeof(typename Clusters::Shared);
  TRY_CUDA(cudaFuncSetAttribute(
      reinterpret_cast<const void *>(run_clusters<Clusters>),
      cudaFuncAttributeMaxDynamicSharedMemorySize, kShared));
  return launch_function(run_clusters<Clusters>, kernel,
                         grid_of_clusters(kernel), Clusters::kThreads,
                         Clusters::kCluster, kShared, stream, start);
}

template <class Clusters>
Result<> update_clusters(const Clusters &kernel, GraphNode node) {
  void *argument = const_cast<Clusters *>(&kernel);
  cudaKernelNodeParams params = {};
  params.func = reinterpret_cast<void *>(run_clusters<Clusters>);
  params.gridDim = grid_of_clusters(kernel);
  params.blockDim = dim3(Clusters::kThreads);
  params.sharedMemBytes = sizeof(typename Clusters::Shared);
  params.kernelParams = &argument;
  TRY_CUDA(cudaGraphExecKernelNodeSetParams(node.exec, node.node, &params));
  return {};
}

}  // namespace fastscnn::cuda
