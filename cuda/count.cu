// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/count.h"

#include "cuda/launch.h"

namespace fastscnn::cuda {

template cudaKernelNodeParams node_params_blocks(const Count &, void **);

}  // namespace fastscnn::cuda
