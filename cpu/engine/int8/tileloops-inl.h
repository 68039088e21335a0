// SPDX-License-Identifier: LGPL-2.1-or-later
// The loops of conv_gemm() over tiles. Included inside a namespace after the
// template tile<kPixels, kBlocks>(); kTilePixels and kTileBlocks say how large
// its sums may be to stay in registers.

/// kBlocks blocks of output channels of all pixels, from channel o on. The last
/// tile may overlap the one before it: it reads pixels of src again, but stores
/// none.
template <int kBlocks>
void blocks(const GemmJob &job, int o) {
  constexpr int kAll = kTilePixels;
  constexpr int kMost = kAll > 2 ? kAll * 2 / 3 : 1;
  constexpr int kFew = kAll > 2 ? kAll / 3 : 1;
  const int count = job.count;
  for (int p = 0; p < count;) {
    const int left = count - p;
    auto at = [&](int pixels) { return std::min(p, count - pixels); };
    if (left > kMost && count >= kAll) {
      tile<kAll, kBlocks>(job, o, at(kAll), p);
      p = at(kAll) + kAll;
    } else if (left > kFew && count >= kMost) {
      tile<kMost, kBlocks>(job, o, at(kMost), p);
      p = at(kMost) + kMost;
    } else if (count >= kFew) {
      tile<kFew, kBlocks>(job, o, at(kFew), p);
      p = at(kFew) + kFew;
    } else {
      tile<1, kBlocks>(job, o, p, p);
      p++;
    }
  }
}

void run(const GemmJob &job) {
  constexpr int kStep = kTileBlocks * kChannelBlock;
  int o = 0;
  for (; o + kStep <= job.layer.out; o += kStep) blocks<kTileBlocks>(job, o);
  for (; o < job.layer.out; o += kChannelBlock) blocks<1>(job, o);
}
