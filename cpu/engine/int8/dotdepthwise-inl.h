// SPDX-License-Identifier: LGPL-2.1-or-later
// Depthwise convolutions by a dot product of 4 bytes. Included after
// dotsums-inl.h, in the same namespace.

/// Computes outputs x to x + kDepthwiseTile - 1 of kCount rows, kDotChannels
/// channels from c on. The first input column may lie left of the image, the
/// last one right of it.
template <int kStride, int kCount>
HWY_INLINE void dot_channels(const Depthwise &layer, const DepthwiseRows &rows,
                             int x, int c) {
  using Half = DotSums<kStride, kCount>;
  constexpr int kSources = (kCount - 1) * kStride + 3;
  static_assert(kSources <= 4, "or a dot product has too few bytes");
  const Tag d;
  const Requantizer to_bytes(layer.to_bytes);
  const ptrdiff_t step = layer.channels;
  const bool left = x == 0;
  const bool right = x * kStride - 1 + Half::kColumns > rows.src_width;

  HWY_ALIGN uint8_t outside[kDotChannels];
  hn::Store(hn::Set(DotBytes(), static_cast<uint8_t>(layer.outside)),
            DotBytes(), outside);
  DotRow in[4];  // if three rows, the last one twice: its second weight is 0
  FASTSCNN_UNROLL
  for (int r = 0; r < 4; r++) {
    const uint8_t *row = rows.src[std::min(r, kSources - 1)];
    in[r].data = row ? row + (x * kStride - 1) * step + c : outside;
    in[r].step = row ? step : 0;
  }

  const DepthwiseDots &dots = layer.dots[c / DepthwiseDots::kChannels];
  const int lane = c % DepthwiseDots::kChannels / 4;
  Requantizer::Packed first[kCount][kDepthwiseTile];
  FASTSCNN_UNROLL
  for (int half = 0; half < 2; half++) {
    Half sums;
    sums.start(dots, half, lane);
    FASTSCNN_UNROLL
    for (int i = 0; i < Half::kColumns; i++) {
      Sums quarters[2];
      if ((i == 0 && left) || (i == Half::kColumns - 1 && right))
        quarters[0] = quarters[1] =
            hn::BitCast(Ints(), hn::Load(DotBytes(), outside));
      else
        interleave(in, i, half, quarters);
      sums.add(i, quarters);
    }
    const Vector scale[] = {hn::LoadU(d, dots.scale[half * 2] + lane),
                            hn::LoadU(d, dots.scale[half * 2 + 1] + lane)};
    FASTSCNN_UNROLL
    for (int y = 0; y < kCount; y++) {
      FASTSCNN_UNROLL
      for (int j = 0; j < kDepthwiseTile; j++) {
        const auto &sum = sums.sum[y][j];
        const auto packed =
            to_bytes.pack(hn::Mul(hn::ConvertTo(d, sum[0]), scale[0]),
                          hn::Mul(hn::ConvertTo(d, sum[1]), scale[1]));
        if (half == 0)
          first[y][j] = packed;
        else
          hn::StoreU(ByteVector{to_bytes.pack(first[y][j], packed)}, DotBytes(),
                     rows.dst + y * rows.pitch + (x + j) * step + c);
      }
    }
  }
}

template <int kStride, int kCount>
HWY_NOINLINE void dot_tile(const Depthwise &layer, const DepthwiseRows &rows,
                           int x) {
  for (int c = 0; c < layer.channels; c += kDotChannels)
    dot_channels<kStride, kCount>(layer, rows, x, c);
}

template <int kStride, int kCount>
void dot_rows(const Depthwise &layer, const DepthwiseRows &rows,
              int dst_width) {
  // The last tile may overlap the one before it.
  for (int x = 0; x < dst_width; x += kDepthwiseTile)
    dot_tile<kStride, kCount>(layer, rows,
                              std::min(x, dst_width - kDepthwiseTile));
}

/// Whether run_tiles() supports the layer. It refuses remainders of a vector,
/// which would take as long as a full one.
bool fits(const Depthwise &layer) {
  return layer.channels % kDotChannels == 0 && layer.dilation == 1;
}

/// Computes `count` rows that are at least kDepthwiseTile wide. With a stride
/// of 2 one at a time: two would read five, too many for a dot product of 4.
void run_tiles(const Depthwise &layer, DepthwiseRows rows, int dst_width,
               int count) {
  static_assert(kDepthwiseRows == 2);
  if (count == kDepthwiseRows && layer.stride == 1)
    return dot_rows<1, 2>(layer, rows, dst_width);
  for (; count > 0; count--, rows.move_down(layer.stride))
    if (layer.stride == 1)
      dot_rows<1, 1>(layer, rows, dst_width);
    else
      dot_rows<2, 1>(layer, rows, dst_width);
}
