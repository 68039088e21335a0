// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/fused/front.h"
#include "tests/cuda/simt-inl.h"

namespace fastscnn::cuda::emulator {

template Counts clusters(const fused::Front &, const Options &);

}  // namespace fastscnn::cuda::emulator
