// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/smooth.h"

#include "cuda/launch.h"

namespace fastscnn::cuda {

template Result<> launch_blocks(const Change<__half> &, cudaStream_t);
template Result<> launch_blocks(const Change<float> &, cudaStream_t);
template Result<> launch(const Smooth<__half> &, cudaStream_t);
template Result<> launch(const Smooth<float> &, cudaStream_t);

}  // namespace fastscnn::cuda
