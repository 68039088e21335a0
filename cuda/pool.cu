// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/pool.h"

#include "cuda/launch.h"

namespace fastscnn::cuda {

template void launch(const PoolRows<__half> &, cudaStream_t);
template void launch(const PoolRows<float> &, cudaStream_t);
template void launch_blocks(const PoolCells &, cudaStream_t);
template void launch(const PoolConcat<__half> &, cudaStream_t);
template void launch(const PoolConcat<float> &, cudaStream_t);

}  // namespace fastscnn::cuda
