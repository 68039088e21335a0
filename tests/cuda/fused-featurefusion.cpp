// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/fused/featurefusion.h"
#include "tests/cuda/simt-inl.h"

namespace fastscnn::cuda::emulator {

template Counts clusters(const fused::FeatureFusion<1> &, const Options &);
template Counts clusters(const fused::FeatureFusion<4> &, const Options &);

}  // namespace fastscnn::cuda::emulator
