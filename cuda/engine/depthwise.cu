// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/depthwise.h"

#include "cuda/launch.h"

namespace fastscnn::cuda {

template Result<> launch(const Depthwise<__half, 1, 1> &, cudaStream_t);
template Result<> launch(const Depthwise<__half, 2, 1> &, cudaStream_t);
template Result<> launch(const Depthwise<__half, 1, 4> &, cudaStream_t);
template Result<> launch(const Depthwise<float, 1, 1> &, cudaStream_t);
template Result<> launch(const Depthwise<float, 2, 1> &, cudaStream_t);
template Result<> launch(const Depthwise<float, 1, 4> &, cudaStream_t);

}  // namespace fastscnn::cuda
