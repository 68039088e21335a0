// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/bilinear.h"

#include "cuda/launch.h"

namespace fastscnn::cuda {

template Result<> launch(const Bilinear<__half> &, cudaStream_t);
template Result<> launch(const Bilinear<float> &, cudaStream_t);

}  // namespace fastscnn::cuda
