// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/fused/front.h"

#include "cuda/launch.h"

namespace fastscnn::cuda {

template Result<> launch_clusters(const fused::Front &, cudaStream_t, Start);
template Result<> update_clusters(const fused::Front &, GraphNode);

}  // namespace fastscnn::cuda
