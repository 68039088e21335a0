// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/engine/fused/firstconvolution.h"
#include "cuda/engine/fused/outputs.h"
#include "cuda/engine/fused/window.h"
#include "cuda/engine/kernels/preprocess.h"

namespace fastscnn::cuda::fused {

/// Computes the first tensor that other kernels read from the frame:
/// preprocessing, the first convolution (3x3, stride 2), depthwise 3x3 with
/// stride 2, pointwise, each convolution + bias + activation. Neither the image
/// nor the output of the first convolution, the largest of the network, leaves
/// shared memory. A block computes 8x16 outputs: its threads convert the
/// pixels, its warps share the outputs of the first convolution, then take 4x8
/// outputs each.
///
/// Budget: 168 registers and 62 KB of shared memory, so that 3 blocks fit a
/// multiprocessor of sm_90 and overlap their phases.
struct Front {
  static constexpr int kThreads = 128, kCluster = 1, kBlocksEach = 3;
  static constexpr int kTileY = 8, kTileX = 16, kOut = 48;
  using Middle = Window<kTileY, kTileX, 2, 1>;
  static_assert(kThreads == kTileY * kTileX);
  using Convolution = FirstConvolution<Middle, kThreads>;
  static constexpr int kRows = Convolution::kRows;
  static constexpr int kColumns = Convolution::kColumns;
  static constexpr int kTaps = Convolution::kTaps;

  struct alignas(128) Shared {
    __half image[kRows * kColumns * kImageChannels];
    __half middle[Middle::kLines * kPlane];
    __half first[kPlane * kTaps];
    __half depthwise[9 * kPlane];
    __half pointwise[kOut * kPlane];
  };
  static_assert(sizeof(Shared) <= 62 << 10);

  Preprocess<__half> frame;  // to an image (2 * height, 2 * width); no dst
  const __half *first;       // (kPlane, 2, 2, kImageChannels)
  const float *first_bias;
  const __half *depthwise;  // (3, 3, kPlane)
  const float *depthwise_bias;
  const __half *pointwise;  // (kOut, kPlane)
  const float *pointwise_bias;
  __half *dst;  // (height, width, dst_stride)
  int padding;  // of the first convolution, in cells, above and to the left
  int middle_height, middle_width, height, width, dst_stride;
  float first_low, first_high, depthwise_low, depthwise_high, low, high;

  static constexpr bool runs_on(int arch) { return arch >= 800; }
  FASTSCNN_HD int grid_x() const { return (width + kTileX - 1) / kTileX; }
  FASTSCNN_HD int grid_y() const { return (height + kTileY - 1) / kTileY; }

  FASTSCNN_DEVICE void operator()(Shared &s) const {
    const Lane lane;
    copy_planes<kTaps, kThreads>(s.first, first, kPlane, kTaps);
    copy_lines<8, kThreads>(s.depthwise, depthwise, 9 * kPlane / 8, 8);
    copy_planes<kPlane, kThreads>(s.pointwise, pointwise, kOut, kPlane);
    simt::commit_copies();
    const int y = simt::block_y() * kTileY, x = simt::block_x() * kTileX;
    const int middle_y = 2 * y - 1, middle_x = 2 * x - 1;
    simt::wait_for_previous();
    convert(s, middle_y - padding, middle_x - padding);
    simt::wait_copies(0);
    simt::sync_block();
    const Convolution convolution = {s.first,  first_bias,    middle_y,
                                     middle_x, middle_height, middle_width};
    convolution.run(s.image, {first_low, first_high}, lane, s.middle);
    simt::sync_block();

    const int row = lane.warp / 2 * 4, column = lane.warp % 2 * 8 + lane.r;
    uint4 rows[4];
    Middle::filter<8>(
        s.middle, s.depthwise, kPlane, depthwise_bias + lane.q * 8,
        {depthwise_low, depthwise_high}, row, column, lane.q, rows);
    Outputs<kOut / 8> outputs;
    outputs.start(pointwise_bias, lane.q);
    outputs.add(rows, s.pointwise, lane);
    simt::let_next_start();
    outputs.store(dst, height, width, dst_stride, y + row, x + column, lane.q,
                  {low, high});
  }

 private:
  /// Fills the image, whose first cell is (y, x); zeros outside.
  FASTSCNN_DEVICE void convert(Shared &s, int y, int x) const {
    FASTSCNN_UNROLL_BY(1)  // or too many pixels are in registers
    for (int i = simt::thread(); i < kRows * kColumns; i += kThreads) {
      const int cell_y = y + i / kColumns, cell_x = x + i % kColumns;
      uint4 half[2] = {};
      if (unsigned(cell_y) < unsigned(frame.height / 2) &&
          unsigned(cell_x) < unsigned(frame.width / 2)) {
        float pixels[2][kLanes];
        frame.convert(2 * cell_y, 2 * cell_x, pixels);
        FASTSCNN_UNROLL
        for (int k = 0; k < 2; k++) {
          Raw<__half> raw;
          cuda::pack(pixels[k], &raw);
          half[k] = raw.words[0];
        }
      }
      // Four lanes begin with the upper rows, four with the lower ones:
      // otherwise their stores would use the same banks.
      const bool swapped = i / 4 % 2;
      __half *cell = s.image + i * kImageChannels;
      simt::store_shared(cell + (swapped ? kLanes : 0),
                         swapped ? half[1] : half[0]);
      simt::store_shared(cell + (swapped ? 0 : kLanes),
                         swapped ? half[0] : half[1]);
    }
  }
};

}  // namespace fastscnn::cuda::fused
