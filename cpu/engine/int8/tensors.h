// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstddef>
#include <cstdint>

/// Kernels of the network in 8 bits. All results are the same bytes on every
/// instruction set.
namespace fastscnn::int8 {

/// Neighbouring pixels, `stride` bytes apart.
struct ConstPixels {
  const uint8_t *data;
  ptrdiff_t stride;
};
struct Pixels {
  uint8_t *data;
  ptrdiff_t stride;

  operator ConstPixels() const { return {data, stride}; }
};

/// Neighbouring pixels of logits, `stride` floats apart.
struct FloatPixels {
  float *data;
  ptrdiff_t stride;
};

/// How the sum of output channel o becomes a byte: clamp (round (float (sum) *
/// scale[o]) + zero, low, high), where round is to nearest, ties to even. The
/// product is one multiplication in fp32.
struct Requantization {
  const float *scale = nullptr;  ///< (channels)
  int zero = 0;                  ///< 0..255
  int low = 0;                   ///< 0..high
  int high = 255;                ///< low..255
};

}  // namespace fastscnn::int8
