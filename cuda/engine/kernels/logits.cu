// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/kernels/argmax.h"
#include "cuda/engine/kernels/countareas.h"
#include "cuda/engine/kernels/temporalfilter.h"
#include "cuda/launch.h"

namespace fastscnn::cuda {

template Result<> launch_blocks(const Argmax<__half, false> &, cudaStream_t,
                                Start);
template Result<> launch_blocks(const Argmax<__half, true> &, cudaStream_t,
                                Start);
template Result<> launch_blocks(const Argmax<float, false> &, cudaStream_t,
                                Start);
template Result<> launch_blocks(const Argmax<float, true> &, cudaStream_t,
                                Start);
template Result<> launch(const CountAreas &, cudaStream_t, Start);
template Result<> launch_blocks(const SceneChange<__half> &, cudaStream_t,
                                Start);
template Result<> launch_blocks(const SceneChange<float> &, cudaStream_t,
                                Start);
template Result<> launch(const TemporalFilter<__half> &, cudaStream_t, Start);
template Result<> launch(const TemporalFilter<float> &, cudaStream_t, Start);

template Result<> update(const TemporalFilter<__half> &, GraphNode);
template Result<> update(const TemporalFilter<float> &, GraphNode);
template Result<> update_blocks(const SceneChange<__half> &, GraphNode);
template Result<> update_blocks(const SceneChange<float> &, GraphNode);
template Result<> update_blocks(const Argmax<__half, false> &, GraphNode);
template Result<> update_blocks(const Argmax<__half, true> &, GraphNode);
template Result<> update_blocks(const Argmax<float, false> &, GraphNode);
template Result<> update_blocks(const Argmax<float, true> &, GraphNode);

}  // namespace fastscnn::cuda
