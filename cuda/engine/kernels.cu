// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/argmax.h"
#include "cuda/engine/bilinear.h"
#include "cuda/engine/countareas.h"
#include "cuda/engine/depthwise.h"
#include "cuda/engine/pool.h"
#include "cuda/engine/poolconcat.h"
#include "cuda/engine/preprocess.h"
#include "cuda/engine/temporalfilter.h"
#include "cuda/launch.h"

namespace fastscnn::cuda {

template Result<> launch_blocks(const Argmax<__half, false> &, cudaStream_t);
template Result<> launch_blocks(const Argmax<__half, true> &, cudaStream_t);
template Result<> launch_blocks(const Argmax<float, false> &, cudaStream_t);
template Result<> launch_blocks(const Argmax<float, true> &, cudaStream_t);
template Result<> launch(const Bilinear<__half> &, cudaStream_t);
template Result<> launch(const Bilinear<float> &, cudaStream_t);
template Result<> launch(const CountAreas &, cudaStream_t);
template Result<> launch(const Depthwise<__half, 1, 1> &, cudaStream_t);
template Result<> launch(const Depthwise<__half, 2, 1> &, cudaStream_t);
template Result<> launch(const Depthwise<__half, 1, 4> &, cudaStream_t);
template Result<> launch(const Depthwise<float, 1, 1> &, cudaStream_t);
template Result<> launch(const Depthwise<float, 2, 1> &, cudaStream_t);
template Result<> launch(const Depthwise<float, 1, 4> &, cudaStream_t);
template Result<> launch_blocks(const PoolRows<__half> &, cudaStream_t);
template Result<> launch_blocks(const PoolRows<float> &, cudaStream_t);
template Result<> launch_blocks(const PoolCells &, cudaStream_t);
template Result<> launch(const PoolConcat<__half> &, cudaStream_t);
template Result<> launch(const PoolConcat<float> &, cudaStream_t);
template Result<> launch(const Preprocess<__half> &, cudaStream_t);
template Result<> launch(const Preprocess<float> &, cudaStream_t);
template Result<> launch_blocks(const SceneChange<__half> &, cudaStream_t);
template Result<> launch_blocks(const SceneChange<float> &, cudaStream_t);
template Result<> launch(const TemporalFilter<__half> &, cudaStream_t);
template Result<> launch(const TemporalFilter<float> &, cudaStream_t);

template Result<> update(const Preprocess<__half> &, GraphNode);
template Result<> update(const Preprocess<float> &, GraphNode);
template Result<> update(const TemporalFilter<__half> &, GraphNode);
template Result<> update(const TemporalFilter<float> &, GraphNode);
template Result<> update_blocks(const Argmax<__half, false> &, GraphNode);
template Result<> update_blocks(const Argmax<__half, true> &, GraphNode);
template Result<> update_blocks(const Argmax<float, false> &, GraphNode);
template Result<> update_blocks(const Argmax<float, true> &, GraphNode);

}  // namespace fastscnn::cuda
