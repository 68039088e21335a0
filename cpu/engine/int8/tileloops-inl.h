// SPDX-License-Identifier: LGPL-2.1-or-later
// The loops of conv_gemm() over tiles. Included inside a namespace after the
// template tile<kPixels, kBlocks>(); kTilePixels and kTileBlocks are the size
// of the largest tile whose sums stay in registers.

/// Computes kBlocks blocks of output channels of all pixels, from channel o on,
/// as many tiles at a time as stay in the cache. The last tile may overlap the
/// one before it.
template <int kBlocks>
void blocks(const GemmJob &job, int o) {
  constexpr int kAll = kTilePixels;
  constexpr int kMost = kAll > 2 ? kAll * 2 / 3 : 1;
  constexpr int kFew = kAll > 2 ? kAll / 3 : 1;
  constexpr int kBatch = 4 * kAll;
  constexpr int kChannels = kBlocks * kChannelBlock;
  HWY_ALIGN int32_t buffer[(kAll + kBatch) * kChannels];
  int32_t *sums = buffer + kAll * kChannels;  // of pixel `begin`
  for (int begin = 0; begin < job.count; begin += kBatch) {
    const int end = std::min(job.count, begin + kBatch);
    for (int p = begin; p < end;) {
      const int left = end - p;
      auto move_back = [&](int pixels) { p = std::min(p, end - pixels); };
      if (left > kMost && job.count >= kAll) {
        move_back(kAll);
        tile<kAll, kBlocks>(job, o, p, sums + (p - begin) * kChannels);
        p += kAll;
      } else if (left > kFew && job.count >= kMost) {
        move_back(kMost);
        tile<kMost, kBlocks>(job, o, p, sums + (p - begin) * kChannels);
        p += kMost;
      } else if (job.count >= kFew) {
        move_back(kFew);
        tile<kFew, kBlocks>(job, o, p, sums + (p - begin) * kChannels);
        p += kFew;
      } else {
        tile<1, kBlocks>(job, o, p, sums + (p - begin) * kChannels);
        p++;
      }
    }
    store_sums<kBlocks>(job, sums, o, begin, end);
  }
}

void run(const GemmJob &job) {
  constexpr int kStep = kTileBlocks * kChannelBlock;
  int o = 0;
  for (; o + kStep <= job.layer.out; o += kStep) blocks<kTileBlocks>(job, o);
  for (; o < job.layer.out; o += kChannelBlock) blocks<1>(job, o);
}
