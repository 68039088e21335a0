// SPDX-License-Identifier: LGPL-2.1-or-later
// Colour conversion against values computed by hand from BT.601 and BT.709.
#include <glib.h>

#include <cmath>
#include <initializer_list>

#include "net/color.h"

using namespace fastscnn;

namespace {

void expect_rgb(const ColorTransform &t, int a, int b, int c, double r,
                double g, double blue) {
  const double in[3] = {a / 255., b / 255., c / 255.};
  const double expected[3] = {r, g, blue};
  for (int row = 0; row < 3; row++) {
    double v = t.offset[row];
    for (int k = 0; k < 3; k++) v += t.matrix[row][k] * in[k];
    g_assert_cmpfloat_with_epsilon(v, expected[row], 0.006);
  }
}

void test_known_colors() {
  ColorTransform bt601 = yuv_to_rgb(0.299, 0.114, false);
  expect_rgb(bt601, 16, 128, 128, 0, 0, 0);
  expect_rgb(bt601, 235, 128, 128, 1, 1, 1);
  expect_rgb(bt601, 81, 90, 240, 1, 0, 0);  // the red of the colour bars
  expect_rgb(bt601, 145, 54, 34, 0, 1, 0);
  expect_rgb(bt601, 41, 240, 110, 0, 0, 1);
  ColorTransform bt709 = yuv_to_rgb(0.2126, 0.0722, false);
  expect_rgb(bt709, 63, 102, 240, 1, 0, 0);
  expect_rgb(bt709, 173, 42, 26, 0, 1, 0);
  expect_rgb(bt709, 32, 240, 118, 0, 0, 1);
  ColorTransform full = yuv_to_rgb(0.299, 0.114, true);
  expect_rgb(full, 0, 128, 128, 0, 0, 0);
  expect_rgb(full, 255, 128, 128, 1, 1, 1);
  expect_rgb(full, 76, 85, 255, 1, 0, 0);
  expect_rgb(rgb_to_rgb(true), 255, 0, 51, 1, 0, 0.2);
  expect_rgb(rgb_to_rgb(false), 235, 16, 16, 1, 0, 0);
  expect_rgb(gray_to_rgb(true), 51, 0, 0, 0.2, 0.2, 0.2);
}

void test_inverse() {
  for (const ColorTransform &t :
       {yuv_to_rgb(0.2126, 0.0722, false), yuv_to_rgb(0.299, 0.114, true),
        rgb_to_rgb(false)}) {
    ColorTransform inverse = invert(t, 3);
    for (int r = 0; r < 3; r++) {
      double offset = inverse.offset[r];
      for (int k = 0; k < 3; k++) {
        offset += inverse.matrix[r][k] * t.offset[k];
        double product = 0;
        for (int j = 0; j < 3; j++)
          product += inverse.matrix[r][j] * t.matrix[j][k];
        g_assert_cmpfloat_with_epsilon(product, r == k ? 1 : 0, 1e-5);
      }
      g_assert_cmpfloat_with_epsilon(offset, 0, 1e-5);
    }
  }
  ColorTransform gray = invert(gray_to_rgb(false), 1);
  double white = gray.offset[0];
  for (float m : gray.matrix[0]) white += m;
  g_assert_cmpfloat_with_epsilon(white, 235. / 255, 1e-5);
  g_assert_cmpfloat_with_epsilon(gray.offset[0], 16. / 255, 1e-5);
}

void test_frame_info_equality() {
  FrameInfo a;
  a.width = a.height = 16;
  FrameInfo b = a;
  g_assert_true(a == b);
  b.component[2].origin_x = 0.5f;
  g_assert_true(a != b);
  b = a;
  b.to_rgb = yuv_to_rgb(0.299, 0.114, true);
  g_assert_true(a != b);
  b = a;
  b.memory = Memory::kDevice;
  g_assert_true(a != b);
  b = a;
  b.row_bytes[1] = 5;  // of an unused plane
  g_assert_true(a == b);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/color/known-colors", test_known_colors);
  g_test_add_func("/color/inverse", test_inverse);
  g_test_add_func("/color/frame-info-equality", test_frame_info_equality);
  return g_test_run();
}
