// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/fused/depthwisepointwise.h"
#include "cuda/engine/fused/featurefusion.h"
#include "cuda/engine/fused/invertedresidual.h"
#include "cuda/launch.h"

namespace fastscnn::cuda {

#define LAUNCH(...) \
  template Result<> launch_clusters(const fused::__VA_ARGS__ &, cudaStream_t)

LAUNCH(DepthwisePointwise<32, 48, 2>);
LAUNCH(DepthwisePointwise<48, 64, 2>);
LAUNCH(DepthwisePointwise<128, 128, 1>);
LAUNCH(DepthwisePointwise<128, 128, 1, true>);
LAUNCH(FeatureFusion<1>);
LAUNCH(FeatureFusion<4>);
LAUNCH(InvertedResidual<64, 384, 64, 2, 1, false>);
LAUNCH(InvertedResidual<64, 384, 64, 1, 1, true>);
LAUNCH(InvertedResidual<64, 384, 96, 2, 4, false>);
LAUNCH(InvertedResidual<96, 576, 96, 1, 3, true>);
LAUNCH(InvertedResidual<96, 576, 128, 1, 3, false>);
LAUNCH(InvertedResidual<128, 768, 128, 1, 4, true>);
// Without clusters.
LAUNCH(InvertedResidual<64, 384, 96, 2, 1, false>);
LAUNCH(InvertedResidual<96, 576, 96, 1, 1, true>);
LAUNCH(InvertedResidual<96, 576, 128, 1, 1, false>);
LAUNCH(InvertedResidual<128, 768, 128, 1, 1, true>);

}  // namespace fastscnn::cuda
