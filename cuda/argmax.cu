// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/argmax.h"

#include "cuda/launch.h"

namespace fastscnn::cuda {

template cudaKernelNodeParams node_params(const Argmax<__half> &, void **);
template cudaKernelNodeParams node_params(const Argmax<float> &, void **);

}  // namespace fastscnn::cuda
