// SPDX-License-Identifier: LGPL-2.1-or-later
// A tile of conv_gemm() around a dot product of 4 bytes. Included inside a
// namespace, once for every such instruction, after storesums-inl.h and
//
//   struct Dot {
//     static constexpr bool kSigned;  // load() subtracts 128 from the bytes
//     static Quad load(const uint8_t *);            // 4 bytes, for all lanes
//     static Weights load_weights(const int8_t *);  // 4 bytes for each lane
//     static Sums dot(Sums, Quad, Weights);
//   };

constexpr int kVectors = kChannelBlock / kLanes;

// Pixels addressed from one pointer; see cpu/engine/convgemm.cpp.
constexpr int kGroup = 3;

/// Computes the sums of kPixels pixels from `first` on, kBlocks blocks of
/// output channels from channel o on: (kPixels, kBlocks * kChannelBlock).
template <int kPixels, int kBlocks>
HWY_NOINLINE void tile(const GemmJob &job, int o, int first, int32_t *sums) {
  constexpr int kGroups = (kPixels + kGroup - 1) / kGroup;
  const Ints di;
  const ConvGemm &layer = job.layer;
  const ptrdiff_t block = block_bytes(layer);
  const int8_t *packed = layer.weights + o / kChannelBlock * block;
  const ptrdiff_t stride = job.src.stride;

  Sums sum[kPixels][kBlocks][kVectors];
  FASTSCNN_UNROLL
  for (int b = 0; b < kBlocks; b++) {
    FASTSCNN_UNROLL
    for (int v = 0; v < kVectors; v++) {
      const int c = v * kLanes;
      Sums bias = hn::LoadU(di, layer.bias + o + b * kChannelBlock + c);
      if (Dot::kSigned) {
        auto all = reinterpret_cast<const int32_t *>(packed + b * block);
        bias = hn::Add(bias, hn::ShiftLeft<7>(hn::LoadU(di, all + c)));
      }
      FASTSCNN_UNROLL
      for (int p = 0; p < kPixels; p++) sum[p][b][v] = bias;
    }
  }

  for (int r = 0; r < layer.kernel_rows; r++) {
    const int8_t *weights = packed + kSumBytes + r * row_bytes(layer.in);
    const uint8_t *in[kGroups];
    for (int g = 0; g < kGroups; g++)
      in[g] = job.src.data + job.offset[r] + (first + g * kGroup) * stride;
    for (int k = 0; k < layer.in; k += 4, weights += kGroupBytes) {
      decltype(Dot::load_weights(weights)) w[kBlocks][kVectors];
      FASTSCNN_UNROLL
      for (int b = 0; b < kBlocks; b++) {
        FASTSCNN_UNROLL
        for (int v = 0; v < kVectors; v++)
          w[b][v] = Dot::load_weights(weights + b * block + v * 4 * kLanes);
      }
      FASTSCNN_UNROLL
      for (int p = 0; p < kPixels; p++) {
        const auto x = Dot::load(in[p / kGroup] + p % kGroup * stride);
        FASTSCNN_UNROLL
        for (int b = 0; b < kBlocks; b++) {
          FASTSCNN_UNROLL
          for (int v = 0; v < kVectors; v++)
            sum[p][b][v] = Dot::dot(sum[p][b][v], x, w[b][v]);
        }
      }
      for (const uint8_t *&group : in) group += 4;
    }
  }

  FASTSCNN_UNROLL
  for (int p = 0; p < kPixels; p++) {
    FASTSCNN_UNROLL
    for (int b = 0; b < kBlocks; b++) {
      FASTSCNN_UNROLL
      for (int v = 0; v < kVectors; v++, sums += kLanes)
        hn::StoreU(sum[p][b][v], di, sums);
    }
  }
}
