// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cuda/launch.h"
#include "cuda/painter/cells.h"
#include "cuda/painter/mask.h"

namespace fastscnn::cuda {

template Result<> launch(const PaintBlend &, cudaStream_t, Start);
template Result<> launch(const PaintCut &, cudaStream_t, Start);
template Result<> launch(const PaintFeather &, cudaStream_t, Start);
template Result<> launch(const PaintScale &, cudaStream_t, Start);
template Result<> launch(const PaintOutline &, cudaStream_t, Start);
template Result<> launch(const CellCover &, cudaStream_t, Start);
template Result<> launch(const CellDilate &, cudaStream_t, Start);
template Result<> launch(const CellMean &, cudaStream_t, Start);
template Result<> launch(const CellBox &, cudaStream_t, Start);
template Result<> launch(const PaintPixelate &, cudaStream_t, Start);
template Result<> launch(const PaintBlur &, cudaStream_t, Start);

}  // namespace fastscnn::cuda
