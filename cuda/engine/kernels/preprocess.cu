// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/engine/kernels/preprocess.h"
#include "cuda/launch.h"

namespace fastscnn::cuda {

template Result<> launch(const Preprocess<__half> &, cudaStream_t, Start);
template Result<> launch(const Preprocess<float> &, cudaStream_t, Start);

template Result<> update(const Preprocess<__half> &, GraphNode);
template Result<> update(const Preprocess<float> &, GraphNode);

}  // namespace fastscnn::cuda
