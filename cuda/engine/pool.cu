// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/pool.h"

#include "cuda/launch.h"

namespace fastscnn::cuda {

template Result<> launch(const PoolRows<__half> &, cudaStream_t);
template Result<> launch(const PoolRows<float> &, cudaStream_t);
template Result<> launch_blocks(const PoolCells &, cudaStream_t);
template Result<> launch(const PoolConcat<__half> &, cudaStream_t);
template Result<> launch(const PoolConcat<float> &, cudaStream_t);

}  // namespace fastscnn::cuda
