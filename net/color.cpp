// SPDX-License-Identifier: LGPL-2.1-or-later
#include "net/color.h"

#include <cstring>

namespace fastscnn {
namespace {

struct Range {
  double scale;   // of a component of 0..1
  double offset;  // added before scaling
};

constexpr Range luma_range(bool full) {
  return full ? Range{1.0, 0.0} : Range{255.0 / 219.0, -16.0 / 255.0};
}

constexpr Range chroma_range(bool full) {
  return full ? Range{1.0, -128.0 / 255.0}
              : Range{255.0 / 224.0, -128.0 / 255.0};
}

ColorTransform with_ranges(const double m[3][3], Range first, Range others) {
  ColorTransform t;
  const Range ranges[3] = {first, others, others};
  for (int row = 0; row < 3; row++) {
    double offset = 0;
    for (int c = 0; c < 3; c++) {
      t.matrix[row][c] = static_cast<float>(m[row][c] * ranges[c].scale);
      offset += m[row][c] * ranges[c].scale * ranges[c].offset;
    }
    t.offset[row] = static_cast<float>(offset);
  }
  return t;
}

}  // namespace

ColorTransform yuv_to_rgb(double kr, double kb, bool full_range) {
  const double kg = 1.0 - kr - kb;
  const double m[3][3] = {
      {1, 0, 2 * (1 - kr)},
      {1, -2 * kb * (1 - kb) / kg, -2 * kr * (1 - kr) / kg},
      {1, 2 * (1 - kb), 0},
  };
  return with_ranges(m, luma_range(full_range), chroma_range(full_range));
}

ColorTransform rgb_to_rgb(bool full_range) {
  const double m[3][3] = {{1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
  return with_ranges(m, luma_range(full_range), luma_range(full_range));
}

ColorTransform gray_to_rgb(bool full_range) {
  const double m[3][3] = {{1, 0, 0}, {1, 0, 0}, {1, 0, 0}};
  return with_ranges(m, luma_range(full_range), luma_range(full_range));
}

ColorTransform invert(const ColorTransform &to_rgb, int components) {
  const auto &m = to_rgb.matrix;
  const auto &o = to_rgb.offset;
  ColorTransform t;
  if (components == 1) {
    const float luma[3] = {0.299f, 0.587f, 0.114f};
    std::memset(t.matrix, 0, sizeof t.matrix);
    for (int c = 0; c < 3; c++) t.matrix[0][c] = luma[c] / m[0][0];
    t.offset[0] = -o[0] / m[0][0];
    return t;
  }
  auto minor = [&m](int r0, int c0, int r1, int c1) {
    return double(m[r0][c0]) * m[r1][c1] - double(m[r0][c1]) * m[r1][c0];
  };
  const double inverse[3][3] = {
      {minor(1, 1, 2, 2), -minor(0, 1, 2, 2), minor(0, 1, 1, 2)},
      {-minor(1, 0, 2, 2), minor(0, 0, 2, 2), -minor(0, 0, 1, 2)},
      {minor(1, 0, 2, 1), -minor(0, 0, 2, 1), minor(0, 0, 1, 1)},
  };
  const double det = m[0][0] * inverse[0][0] + m[0][1] * inverse[1][0] +
                     m[0][2] * inverse[2][0];
  for (int r = 0; r < 3; r++) {
    double offset = 0;
    for (int c = 0; c < 3; c++) {
      t.matrix[r][c] = static_cast<float>(inverse[r][c] / det);
      offset -= inverse[r][c] / det * o[c];
    }
    t.offset[r] = static_cast<float>(offset);
  }
  return t;
}

}  // namespace fastscnn
