// SPDX-License-Identifier: LGPL-2.1-or-later
// conv_gemm() around a product of tiles of 16 rows by 64 bytes. Included inside
// a namespace, once for every such instruction, after storesums-inl.h and
//
//   struct Tiles {  // eight, of 16 rows by 64 bytes each
//     Tiles();   // takes those of the calling thread
//     ~Tiles();  // releases them
//     template <int kTile> void load(const void *, ptrdiff_t stride);
//     template <int kTile> void store(void *, ptrdiff_t stride);
//     // sum (16, 16) += x (16, 64) * w (16, 16, 4)
//     template <int kSum, int kX, int kW> void dot();
//   };

constexpr int kTileRows = 16;

/// Computes kRows tiles of pixels from `first` on, kBlocks blocks of output
/// channels from channel o on; stores only the pixels from `begin` on.
template <int kRows, int kBlocks>
HWY_NOINLINE void tile(Tiles &tiles, const GemmJob &job, int o, int first,
                       int begin) {
  const ConvGemm &layer = job.layer;
  const ptrdiff_t block = block_bytes(layer);
  const int8_t *packed = layer.weights + o / kChannelBlock * block;
  const ptrdiff_t stride = job.src.stride;

  // Every row of a sum begins with the bias.
  tiles.template load<0>(layer.bias + o, 0);
  if (kBlocks > 1) tiles.template load<1>(layer.bias + o + kChannelBlock, 0);
  if (kRows > 1) tiles.template load<2>(layer.bias + o, 0);
  if (kRows > 1 && kBlocks > 1)
    tiles.template load<3>(layer.bias + o + kChannelBlock, 0);

  for (int r = 0; r < layer.kernel_rows; r++) {
    const int8_t *weights = packed + kSumBytes + r * row_bytes(layer.in);
    const uint8_t *in = job.src.data + job.offset[r] + first * stride;
    for (int k = 0; k < layer.in; k += kDepth) {
      tiles.template load<4>(in + k, stride);
      tiles.template load<6>(weights + k * kChannelBlock, kGroupBytes);
      tiles.template dot<0, 4, 6>();
      if (kBlocks > 1) {
        tiles.template load<7>(weights + block + k * kChannelBlock,
                               kGroupBytes);
        tiles.template dot<1, 4, 7>();
      }
      if (kRows > 1) {
        tiles.template load<5>(in + kTileRows * stride + k, stride);
        tiles.template dot<2, 5, 6>();
        if (kBlocks > 1) tiles.template dot<3, 5, 7>();
      }
    }
  }

  constexpr int kChannels = kBlocks * kChannelBlock;
  constexpr ptrdiff_t kPitch = kChannels * sizeof(int32_t);
  alignas(64) int32_t sums[kRows * kTileRows][kChannels];
  tiles.template store<0>(sums[0], kPitch);
  if (kBlocks > 1) tiles.template store<1>(sums[0] + kChannelBlock, kPitch);
  if (kRows > 1) tiles.template store<2>(sums[kTileRows], kPitch);
  if (kRows > 1 && kBlocks > 1)
    tiles.template store<3>(sums[kTileRows] + kChannelBlock, kPitch);
  store_sums<kBlocks>(job, sums[begin - first], o, begin,
                      first + kRows * kTileRows);
}

/// Computes kBlocks blocks of output channels from channel o on, of all pixels.
/// The last tile may overlap the one before it, as in tileloops-inl.h.
template <int kBlocks>
void blocks(Tiles &tiles, const GemmJob &job, int o) {
  for (int p = 0; p < job.count;) {
    const bool two = job.count - p > kTileRows && job.count >= 2 * kTileRows;
    const int pixels = (two ? 2 : 1) * kTileRows;
    const int first = std::min(p, job.count - pixels);
    if (two)
      tile<2, kBlocks>(tiles, job, o, first, p);
    else
      tile<1, kBlocks>(tiles, job, o, first, p);
    p = first + pixels;
  }
}

/// job.count: at least kTileRows.
void run(const GemmJob &job) {
  Tiles tiles;
  int o = 0;
  for (; o + 2 * kChannelBlock <= job.layer.out; o += 2 * kChannelBlock)
    blocks<2>(tiles, job, o);
  if (o < job.layer.out) blocks<1>(tiles, job, o);
}
