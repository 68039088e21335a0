// SPDX-License-Identifier: LGPL-2.1-or-later
// The Dot of dottile-inl.h, made of instructions that every processor has.
// Included inside a namespace after storesums-inl.h.

#if HWY_TARGET == HWY_SCALAR

struct Dot {
  static constexpr bool kSigned = false;

  static const uint8_t *load(const uint8_t *p) { return p; }
  static const int8_t *load_weights(const int8_t *p) { return p; }
  static Sums dot(Sums sum, const uint8_t *x, const int8_t *w) {
    for (int i = 0; i < 4; i++)
      sum = hn::Add(sum, hn::Set(Ints(), x[i] * w[i]));
    return sum;
  }
};

#else

/// Widens bytes to 16 bits: x86 can multiply bytes directly, but saturates the
/// sums.
struct Dot {
  using Words = hn::Repartition<int16_t, Ints>;
  struct Quad {
    hn::Vec<Words> even, odd;  // of 4 bytes

    // Implicit constructors would not be compiled for the target.
    HWY_INLINE Quad() {}
    HWY_INLINE Quad(hn::Vec<Words> e, hn::Vec<Words> o) : even(e), odd(o) {}
  };

  static constexpr bool kSigned = false;

  HWY_INLINE static Quad load(const uint8_t *p) {
    const hn::RebindToUnsigned<Words> unsigned_words;
    int32_t four;
    std::memcpy(&four, p, sizeof four);
    const Sums x = hn::Set(Ints(), four);
    const Sums even = hn::And(x, hn::Set(Ints(), 0x00ff00ff));
    const auto odd = hn::ShiftRight<8>(hn::BitCast(unsigned_words, x));
    return {hn::BitCast(Words(), even), hn::BitCast(Words(), odd)};
  }

  HWY_INLINE static Quad load_weights(const int8_t *p) {
    const Words d;
    const auto w =
        hn::BitCast(d, hn::LoadU(Ints(), reinterpret_cast<const int32_t *>(p)));
    return {hn::ShiftRight<8>(hn::ShiftLeft<8>(w)), hn::ShiftRight<8>(w)};
  }

  HWY_INLINE static Sums dot(Sums sum, const Quad &x, const Quad &w) {
    const Ints di;
    Sums more = hn::Zero(di);
    Sums four =
        hn::ReorderWidenMulAccumulate(di, x.even, w.even, hn::Zero(di), more);
    four = hn::ReorderWidenMulAccumulate(di, x.odd, w.odd, four, more);
    return hn::Add(sum, hn::RearrangeToOddPlusEven(four, more));
  }
};

#endif
