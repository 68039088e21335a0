// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

namespace fastscnn {

/// Where the samples of one colour component lie. Planar, semi-planar and
/// packed formats, 4:2:0 to 4:4:4, differ only in these numbers, so the core
/// knows no pixel formats.
struct Component {
  int plane = 0;
  int offset = 0;        ///< bytes from the start of a row of the plane
  int pixel_stride = 1;  ///< bytes from a sample to the next in its row
  int shift_x = 0;       ///< log2 of the horizontal subsampling
  int shift_y = 0;       ///< log2 of the vertical subsampling
  float origin_x = 0.f;  ///< centre of the first sample, in pixels right
  float origin_y = 0.f;  ///< of and below the centre of the first pixel
};

/// rgb = matrix * (component / 255) + offset; RGB in 0..1 after clamping.
/// Carries the matrix and the range of the caps.
struct ColorTransform {
  float matrix[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  float offset[3] = {0, 0, 0};
};

enum class Memory { kHost, kDevice };

constexpr int kMaxPlanes = 3;

/// What all frames of a stream have in common.
struct FrameInfo {
  int width = 0;  ///< pixels that are looked at (after cropping)
  int height = 0;
  int planes = 1;
  int row_bytes[kMaxPlanes] = {};  ///< bytes of a row that hold samples
  int rows[kMaxPlanes] = {};
  int components = 3;      ///< 3, or 1 for grey
  Component component[3];  ///< (R, G, B), (Y, U, V) or (Y)
  ColorTransform to_rgb;
  Memory memory = Memory::kHost;
};

bool operator==(const FrameInfo &a, const FrameInfo &b);
inline bool operator!=(const FrameInfo &a, const FrameInfo &b) {
  return !(a == b);
}

/// A frame that is read. Pointers and strides differ from buffer to buffer;
/// a stride may be larger than row_bytes, and negative.
struct ConstFrame {
  const uint8_t *data[kMaxPlanes] = {};
  int stride[kMaxPlanes] = {};
};

/// A frame that is painted.
struct Frame {
  uint8_t *data[kMaxPlanes] = {};
  int stride[kMaxPlanes] = {};
};

inline ConstFrame as_const(const Frame &frame) {
  ConstFrame out;
  for (int p = 0; p < kMaxPlanes; p++) {
    out.data[p] = frame.data[p];
    out.stride[p] = frame.stride[p];
  }
  return out;
}

/// Pixels of a component's first block that lie left of (above) the frame: 1
/// where a crop starts inside a block of 2.
inline int pixels_before(float origin) {
  return origin < 0 ? static_cast<int>(0.5f - origin) : 0;
}

/// Number of samples of a component in a row, and of its rows.
inline int component_width(const FrameInfo &info, int c) {
  const Component &component = info.component[c];
  int shift = component.shift_x;
  int pixels = info.width + pixels_before(component.origin_x);
  return (pixels + (1 << shift) - 1) >> shift;
}
inline int component_height(const FrameInfo &info, int c) {
  const Component &component = info.component[c];
  int shift = component.shift_y;
  int pixels = info.height + pixels_before(component.origin_y);
  return (pixels + (1 << shift) - 1) >> shift;
}

}  // namespace fastscnn
