// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/fused/depthwisepointwise.h"
#include "cuda/launch.h"

namespace fastscnn::cuda {

template Result<> launch_clusters(const fused::DepthwisePointwise<32, 48, 2> &,
                                  cudaStream_t, Start);
template Result<> launch_clusters(const fused::DepthwisePointwise<48, 64, 2> &,
                                  cudaStream_t, Start);
template Result<> launch_clusters(
    const fused::DepthwisePointwise<128, 128, 1> &, cudaStream_t, Start);
template Result<> launch_clusters(
    const fused::DepthwisePointwise<128, 128, 1, true> &, cudaStream_t, Start);

}  // namespace fastscnn::cuda
