// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/smooth.h"

#include "cuda/launch.h"

namespace fastscnn::cuda {

template cudaKernelNodeParams node_params_blocks(const Change<__half> &,
                                                 void **);
template cudaKernelNodeParams node_params_blocks(const Change<float> &,
                                                 void **);
template cudaKernelNodeParams node_params(const Smooth<__half> &, void **);
template cudaKernelNodeParams node_params(const Smooth<float> &, void **);

}  // namespace fastscnn::cuda
