// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/bilinear.h"

#include "cuda/launch.h"

namespace fastscnn::cuda {

template void launch(const Bilinear<__half> &, cudaStream_t);
template void launch(const Bilinear<float> &, cudaStream_t);

}  // namespace fastscnn::cuda
