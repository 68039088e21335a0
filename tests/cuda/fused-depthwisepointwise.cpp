// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/fused/depthwisepointwise.h"
#include "tests/cuda/simt-inl.h"

namespace fastscnn::cuda::emulator {

template Counts clusters(const fused::DepthwisePointwise<32, 48, 2> &,
                         const Options &);
template Counts clusters(const fused::DepthwisePointwise<48, 64, 2> &,
                         const Options &);
template Counts clusters(const fused::DepthwisePointwise<128, 128, 1> &,
                         const Options &);
template Counts clusters(const fused::DepthwisePointwise<128, 128, 1, true> &,
                         const Options &);

}  // namespace fastscnn::cuda::emulator
