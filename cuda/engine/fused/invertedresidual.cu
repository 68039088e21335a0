// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/fused/invertedresidual.h"
#include "cuda/launch.h"

namespace fastscnn::cuda {

#define LAUNCH(...)                  \
  template Result<> launch_clusters( \
      const fused::InvertedResidual<__VA_ARGS__> &, cudaStream_t, Start)

LAUNCH(64, 384, 64, 2, 1, false);
LAUNCH(64, 384, 64, 1, 1, true);
LAUNCH(64, 384, 96, 2, 4, false);
LAUNCH(96, 576, 96, 1, 3, true);
LAUNCH(96, 576, 128, 1, 3, false);
LAUNCH(128, 768, 128, 1, 4, true);
// Without clusters.
LAUNCH(64, 384, 96, 2, 1, false);
LAUNCH(96, 576, 96, 1, 1, true);
LAUNCH(96, 576, 128, 1, 1, false);
LAUNCH(128, 768, 128, 1, 1, true);

}  // namespace fastscnn::cuda
