// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

namespace fastscnn {

/// The memory layout of the samples of one colour component. Planar,
/// semi-planar and packed formats, 4:2:0 to 4:4:4, differ only in these
/// numbers: engines and painters need no list of pixel formats.
struct Component {
  int plane = 0;
  int offset = 0;        ///< of the first sample in a row of the plane, bytes
  int pixel_stride = 1;  ///< bytes from a sample to the next
  int shift_x = 0;       ///< log2 of the subsampling, 0 or 1
  int shift_y = 0;
  float origin_x = 0.f;  ///< centre of the first sample relative to the centre
  float origin_y = 0.f;  ///< of the first pixel, in pixels right and down
};

/// rgb = matrix * (components / 255) + offset, clamped to 0..1. Made by
/// net/color.h from the colour matrix and range of the caps.
struct ColorTransform {
  float matrix[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  float offset[3] = {0, 0, 0};
};

enum class Memory { kHost, kDevice };

constexpr int kMaxPlanes = 3;

/// The description that all frames of a stream share.
struct FrameInfo {
  int width = 0;  ///< pixels, after cropping
  int height = 0;
  int planes = 1;
  int row_bytes[kMaxPlanes] = {};  ///< bytes in a row, without padding
  int rows[kMaxPlanes] = {};
  int components = 3;      ///< 3, or 1 for grey
  Component component[3];  ///< R, G, B; Y, U, V; or Y
  int alpha = -1;  ///< offset of the alpha in a pixel of plane 0, bytes, for
                   ///< packed formats without subsampling; -1: no alpha
  ColorTransform to_rgb;
  Memory memory = Memory::kHost;
};

bool operator==(const FrameInfo &a, const FrameInfo &b);
inline bool operator!=(const FrameInfo &a, const FrameInfo &b) {
  return !(a == b);
}

/// A frame to read; belongs to the caller. Pointers and strides may differ from
/// frame to frame; a stride, in bytes, may exceed row_bytes or be negative.
struct ConstFrame {
  const uint8_t *data[kMaxPlanes] = {};
  int stride[kMaxPlanes] = {};
};

/// A frame to paint on.
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

/// Pixels of a component's first block that lie left of (or above) the frame: 1
/// if a crop begins inside a block of 2.
inline int pixels_before(float origin) {
  return origin < 0 ? static_cast<int>(0.5f - origin) : 0;
}

/// Samples in a row of a component, and its rows.
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
