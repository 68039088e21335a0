// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/kernels/bilinear.h"
#include "cuda/engine/kernels/depthwise.h"
#include "cuda/engine/kernels/pool.h"
#include "cuda/engine/kernels/poolconcat.h"
#include "cuda/launch.h"

namespace fastscnn::cuda {

template Result<> launch(const Bilinear<__half> &, cudaStream_t, Start);
template Result<> launch(const Bilinear<float> &, cudaStream_t, Start);
template Result<> launch(const Depthwise<__half, 1, 1> &, cudaStream_t, Start);
template Result<> launch(const Depthwise<__half, 2, 1> &, cudaStream_t, Start);
template Result<> launch(const Depthwise<__half, 1, 4> &, cudaStream_t, Start);
template Result<> launch(const Depthwise<float, 1, 1> &, cudaStream_t, Start);
template Result<> launch(const Depthwise<float, 2, 1> &, cudaStream_t, Start);
template Result<> launch(const Depthwise<float, 1, 4> &, cudaStream_t, Start);
template Result<> launch_blocks(const PoolRows<__half> &, cudaStream_t, Start);
template Result<> launch_blocks(const PoolRows<float> &, cudaStream_t, Start);
template Result<> launch_blocks(const PoolCells &, cudaStream_t, Start);
template Result<> launch(const PoolConcat<__half> &, cudaStream_t, Start);
template Result<> launch(const PoolConcat<float> &, cudaStream_t, Start);

}  // namespace fastscnn::cuda
