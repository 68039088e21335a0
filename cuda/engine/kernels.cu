// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/argmax.h"

#include "cuda/launch.h"

namespace fastscnn::cuda {

template Result<> launch(const Argmax<__half> &, cudaStream_t);
template Result<> launch(const Argmax<float> &, cudaStream_t);

}  // namespace fastscnn::cuda
