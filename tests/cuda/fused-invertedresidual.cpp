// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/fused/invertedresidual.h"
#include "tests/cuda/simt-inl.h"

namespace fastscnn::cuda::emulator {

#define CLUSTERS(...)                                                    \
  template Counts clusters(const fused::InvertedResidual<__VA_ARGS__> &, \
                           const Options &)

CLUSTERS(64, 384, 64, 2, 1, false);
CLUSTERS(64, 384, 64, 1, 1, true);
CLUSTERS(64, 384, 96, 2, 4, false);
CLUSTERS(96, 576, 96, 1, 3, true);
CLUSTERS(96, 576, 128, 1, 3, false);
CLUSTERS(128, 768, 128, 1, 4, true);
// Without clusters.
CLUSTERS(64, 384, 96, 2, 1, false);
CLUSTERS(96, 576, 96, 1, 1, true);
CLUSTERS(96, 576, 128, 1, 1, false);
CLUSTERS(128, 768, 128, 1, 1, true);

}  // namespace fastscnn::cuda::emulator
