// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/count.h"

#include "cuda/launch.h"

namespace fastscnn::cuda {

template Result<> launch_blocks(const Count &, cudaStream_t);

}  // namespace fastscnn::cuda
