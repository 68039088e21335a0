// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/fused/featurefusion.h"
#include "cuda/launch.h"

namespace fastscnn::cuda {

template Result<> launch_clusters(const fused::FeatureFusion<1> &, cudaStream_t,
                                  Start);
template Result<> launch_clusters(const fused::FeatureFusion<4> &, cudaStream_t,
                                  Start);

}  // namespace fastscnn::cuda
