// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/launch.h"
#include "cuda/paintcells.h"
#include "cuda/paintmask.h"

namespace fastscnn::cuda {

template void launch(const PaintBlend &, cudaStream_t);
template void launch(const PaintFeather &, cudaStream_t);
template void launch(const PaintScale &, cudaStream_t);
template void launch(const PaintOutline &, cudaStream_t);
template void launch(const CellCover &, cudaStream_t);
template void launch(const CellReach &, cudaStream_t);
template void launch(const CellMean &, cudaStream_t);
template void launch(const CellBox &, cudaStream_t);
template void launch(const PaintPixelate &, cudaStream_t);
template void launch(const PaintBlur &, cudaStream_t);

}  // namespace fastscnn::cuda
