// SPDX-License-Identifier: LGPL-2.1-or-later
// The sums of a depthwise convolution by dot products of 4 bytes: 3 of them are
// the rows of a column that an output reads. Included inside a namespace, once
// for every such instruction, after depthwiserows.h, requantize-inl.h and
//
//   struct Dot {
//     static Sums load_weights(const int8_t *);  // 4 bytes for each lane
//     static Sums dot(Sums, Sums x, Sums w);     // x: 4 bytes for each lane
//   };
//
// Interleaving the bytes of 4 rows in pairs, and then the pairs, turns a column
// into four vectors with a quarter of the channels each. Two of them are
// computed at a time. Requantizer::pack() brings the channels back into order;
// see DepthwiseDots.

using DotBytes = hn::CappedTag<uint8_t, 4 * kLanes>;
using DotWords = hn::Repartition<uint16_t, DotBytes>;
using ByteVector = hn::Vec<DotBytes>;
constexpr int kDotChannels = 4 * kLanes;

/// The first of kDotChannels bytes of a row, and the bytes from a pixel to the
/// next.
struct DotRow {
  const uint8_t *data;
  ptrdiff_t step;
};

/// Interleaves half of the channels of four rows of a column.
HWY_INLINE void interleave(const DotRow (&rows)[4], int column, int half,
                           Sums (&quarters)[2]) {
  const DotBytes d;
  const DotWords dw;
  ByteVector row[4];
  FASTSCNN_UNROLL
  for (int r = 0; r < 4; r++)
    row[r] = hn::LoadU(d, rows[r].data + column * rows[r].step);
  const auto first =
      hn::BitCast(dw, half ? hn::InterleaveUpper(d, row[0], row[1])
                           : hn::InterleaveLower(d, row[0], row[1]));
  const auto second =
      hn::BitCast(dw, half ? hn::InterleaveUpper(d, row[2], row[3])
                           : hn::InterleaveLower(d, row[2], row[3]));
  quarters[0] = hn::BitCast(Ints(), hn::InterleaveLower(dw, first, second));
  quarters[1] = hn::BitCast(Ints(), hn::InterleaveUpper(dw, first, second));
}

/// The sums of kDepthwiseTile outputs of kCount rows, for half of the channels.
template <int kStride, int kCount>
struct DotSums {
  static constexpr int kColumns = (kDepthwiseTile - 1) * kStride + 3;

  Sums sum[kCount][kDepthwiseTile][2], weight[kCount][3][2];

  HWY_INLINE void start(const DepthwiseDots &dots, int half, int lane) {
    FASTSCNN_UNROLL
    for (int h = 0; h < 2; h++) {
      const int q = half * 2 + h;
      FASTSCNN_UNROLL
      for (int kx = 0; kx < 3; kx++) {
        weight[0][kx][h] = Dot::load_weights(dots.weights[q][kx][lane]);
        if constexpr (kCount > 1)  // shifted down a row
          weight[1][kx][h] = hn::ShiftLeft<8>(weight[0][kx][h]);
      }
      const Sums bias = hn::LoadU(Ints(), dots.bias[q] + lane);
      FASTSCNN_UNROLL
      for (auto &row : sum) {
        FASTSCNN_UNROLL
        for (int j = 0; j < kDepthwiseTile; j++) row[j][h] = bias;
      }
    }
  }

  HWY_INLINE void add(int column, const Sums (&quarters)[2]) {
    FASTSCNN_UNROLL
    for (int kx = 0; kx < 3; kx++) {
      const int j = (column - kx) / kStride;
      if (column < kx || (column - kx) % kStride || j >= kDepthwiseTile)
        continue;
      FASTSCNN_UNROLL
      for (int y = 0; y < kCount; y++) {
        FASTSCNN_UNROLL
        for (int h = 0; h < 2; h++)
          sum[y][j][h] = Dot::dot(sum[y][j][h], quarters[h], weight[y][kx][h]);
      }
    }
  }
};
