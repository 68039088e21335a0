// SPDX-License-Identifier: LGPL-2.1-or-later
// A tile of conv_gemm() around a product of 2x8 by 8x2 bytes. Included inside a
// namespace, once for every such instruction, after storesums-inl.h and
//
//   struct Matrix {
//     // sum (2, 2) + x (2, 8) * transposed w (2, 8)
//     static Quad multiply(Quad sum, hn::Vec<Bytes16> x, hn::Vec<Bytes16> w);
//   };

/// As in dottile-inl.h, with sums of 2 pixels by 2 channels in a vector. If
/// kPixels is odd, the last pixel is multiplied, and its sums are stored,
/// twice.
template <int kPixels, int kBlocks>
HWY_NOINLINE void tile(const GemmJob &job, int o, int first, int32_t *sums) {
  static_assert(kBlocks == 1, "more would not stay in registers");
  constexpr int kRows = (kPixels + 1) / 2;
  constexpr int kColumns = kChannelBlock / 2;
  const Bytes16 d8;
  const Quads d32;
  const hn::Repartition<uint64_t, Bytes16> d64;
  const ConvGemm &layer = job.layer;
  const int8_t *packed = layer.weights + o / kChannelBlock * block_bytes(layer);

  Quad sum[kRows][kColumns];
  FASTSCNN_UNROLL
  for (int j = 0; j < kColumns; j += 2) {
    const Quad bias = hn::LoadU(d32, layer.bias + o + 2 * j);
    const auto pairs = hn::BitCast(d64, bias);
    FASTSCNN_UNROLL
    for (int i = 0; i < kRows; i++) {
      sum[i][j] = hn::BitCast(d32, hn::InterleaveLower(d64, pairs, pairs));
      sum[i][j + 1] = hn::BitCast(d32, hn::InterleaveUpper(d64, pairs, pairs));
    }
  }

  for (int r = 0; r < layer.kernel_rows; r++) {
    const int8_t *weights = packed + kSumBytes + r * row_bytes(layer.in);
    const uint8_t *in[kPixels];
    for (int p = 0; p < kPixels; p++)
      in[p] = job.src.data + job.offset[r] + (first + p) * job.src.stride;
    for (int k = 0; k < layer.in; k += 8, weights += 2 * kGroupBytes) {
      hn::Vec<Bytes16> x[kRows];
      FASTSCNN_UNROLL
      for (int i = 0; i < kRows; i++) {
        const hn::Half<Bytes16> half;
        const auto low = hn::LoadU(half, in[2 * i] + k);
        const auto high =
            hn::LoadU(half, in[std::min(2 * i + 1, kPixels - 1)] + k);
        x[i] = hn::Combine(d8, high, low);
      }
      FASTSCNN_UNROLL
      for (int j = 0; j < kColumns; j += 2) {
        // Channels 2 * j to 2 * j + 3.
        auto load = [&](const int8_t *p) HWY_ATTR {
          return hn::LoadU(d32, reinterpret_cast<const int32_t *>(p));
        };
        const Quad near = load(weights + 8 * j);
        const Quad far = load(weights + kGroupBytes + 8 * j);
        const auto w0 = hn::BitCast(d8, hn::InterleaveLower(d32, near, far));
        const auto w1 = hn::BitCast(d8, hn::InterleaveUpper(d32, near, far));
        FASTSCNN_UNROLL
        for (int i = 0; i < kRows; i++) {
          sum[i][j] = Matrix::multiply(sum[i][j], x[i], w0);
          sum[i][j + 1] = Matrix::multiply(sum[i][j + 1], x[i], w1);
        }
      }
    }
  }

  FASTSCNN_UNROLL
  for (int i = 0; i < kRows; i++) {
    FASTSCNN_UNROLL
    for (int j = 0; j < kColumns; j += 2) {
      const auto a = hn::BitCast(d64, sum[i][j]);
      const auto b = hn::BitCast(d64, sum[i][j + 1]);
      int32_t *to = sums + 2 * i * kChannelBlock + 2 * j;
      hn::StoreU(hn::BitCast(d32, hn::InterleaveLower(d64, a, b)), d32, to);
      hn::StoreU(hn::BitCast(d32, hn::InterleaveUpper(d64, a, b)), d32,
                 to + kChannelBlock);
    }
  }
}
