// SPDX-License-Identifier: LGPL-2.1-or-later
// Frame to RGB bytes: against plain loops, byte for byte, on every instruction
// set, and near the reference in double precision.

#include <glib.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "cpu/engine/componenttaps.h"
#include "cpu/engine/int8/preprocess.h"
#include "tests/support/frames.h"
#include "tests/support/targets.h"

namespace fastscnn::int8 {
namespace {

using reference::Lcg;
using reference::TestFrame;

/// Implements the header literally, pixel by pixel.
std::vector<uint8_t> expect(const TestFrame &frame, int width, int height) {
  const FrameInfo &info = frame.info;
  std::vector<FixedTap> rows[3], columns[3];
  for (int c = 0; c < info.components; c++) {
    rows[c] = to_fixed(component_rows(info, c, height));
    columns[c] = to_fixed(component_columns(info, c, width));
  }
  std::vector<uint8_t> rgb;
  for (int y = 0; y < height; y++)
    for (int x = 0; x < width; x++) {
      int sample[3] = {};
      for (int c = 0; c < info.components; c++) {
        const Component &k = info.component[c];
        const FixedTap &ty = rows[c][y], &tx = columns[c][x];
        auto at = [&](int row, int column) {
          return int(
              frame.frame.data[k.plane][row * frame.frame.stride[k.plane] +
                                        k.offset + column * k.pixel_stride]);
        };
        auto between = [&](int column) {
          const int top = at(ty.first, column), bottom = at(ty.second, column);
          return 128 * top + (((bottom - top) * ty.weight + 8) >> 4);
        };
        const int a = between(tx.first), b = between(tx.second);
        sample[c] = a + (((b - a) * tx.weight + 1024) >> 11);
      }
      for (int i = 0; i < 3; i++) {
        auto saturate = [](int v) { return std::clamp(v, -32768, 32767); };
        const double offset = double(info.to_rgb.offset[i]) * 255 * 32;
        int sum = static_cast<int>(std::nearbyint(offset));
        for (int c = 0; c < info.components; c++) {
          const double m = double(info.to_rgb.matrix[i][c]) * 8192;
          const int step = static_cast<int>(std::nearbyint(m));
          sum = saturate(sum + ((step * sample[c] + (1 << 14)) >> 15));
        }
        rgb.push_back(
            static_cast<uint8_t>(std::clamp(saturate(sum + 16) >> 5, 0, 255)));
      }
    }
  return rgb;
}

void check_frame(const TestFrame &frame, int width, int height,
                 const std::string &what) {
  const float zero[3] = {0, 0, 0}, one[3] = {1, 1, 1};
  const reference::Tensor exact =
      reference::preprocess(frame.info, frame.frame, width, height, zero, one);
  const std::vector<uint8_t> expected = expect(frame, width, height);
  const Preprocess preprocess(frame.info, width, height);
  std::vector<int16_t> scratch(preprocess.scratch_size());
  std::vector<uint8_t> row(3 * width);
  for (int y = 0; y < height; y++) {
    preprocess.row(frame.frame, y, scratch.data(), row.data());
    for (int x = 0; x < width; x++)
      for (int c = 0; c < 3; c++) {
        const int got = row[3 * x + c];
        const int want = expected[(size_t(y) * width + x) * 3 + c];
        if (got != want)
          g_error("%s: %c at %d, %d is %d instead of %d", what.c_str(),
                  "RGB"[c], x, y, got, want);
        const double ideal = exact.at(c, y, x) * 255.0;
        if (std::abs(got - std::nearbyint(ideal)) > 1)
          g_error("%s: %c at %d, %d is %d, exactly %g", what.c_str(), "RGB"[c],
                  x, y, got, ideal);
      }
  }
}

void test_format(gconstpointer data) {
  const std::string format = static_cast<const char *>(data);
  testing::on_every_target([&] {
    Lcg lcg(41);
    for (int i = 0; i < 12; i++) {
      // Every fourth frame has the size of the network input, others any size;
      // much larger ones take the path without windows.
      const int width = 32 * lcg.between(1, 5);
      const int height = 32 * lcg.between(1, 3);
      const bool same = i % 4 == 0;
      const int frame_width = same ? width : lcg.between(16, 400);
      const int frame_height = same ? height : lcg.between(16, 200);
      const TestFrame frame =
          reference::make_frame(format, frame_width, frame_height,
                                lcg.between(0, 20), lcg.between(0, 1), lcg);
      check_frame(frame, width, height,
                  format + " " + std::to_string(frame_width) + "x" +
                      std::to_string(frame_height) + " to " +
                      std::to_string(width) + "x" + std::to_string(height));
    }
  });
}

/// Frames that begin inside a block of subsampled pixels.
void test_crop() {
  Lcg lcg(42);
  TestFrame frame = reference::make_frame("I420", 101, 67, 0, false, lcg);
  frame.info.width = 60;
  frame.info.height = 40;
  for (int c = 1; c < 3; c++) {
    frame.info.component[c].origin_x = -1;
    frame.info.component[c].origin_y = -0.5f;
  }
  frame.frame.data[0] += 1 + frame.frame.stride[0];
  testing::on_every_target([&] { check_frame(frame, 64, 32, "I420, 1, 1"); });
}

/// RGB at the size of the network passes unchanged.
void test_identity() {
  Lcg lcg(43);
  TestFrame frame = reference::make_frame("RGB", 64, 32, 0, false, lcg);
  frame.info.to_rgb = ColorTransform();
  const Preprocess preprocess(frame.info, 64, 32);
  std::vector<int16_t> scratch(preprocess.scratch_size());
  std::vector<uint8_t> row(3 * 64);
  for (int y = 0; y < 32; y++) {
    preprocess.row(frame.frame, y, scratch.data(), row.data());
    for (size_t i = 0; i < row.size(); i++)
      g_assert_cmpint(
          row[i], ==,
          frame.frame.data[0][y * frame.frame.stride[0] + ptrdiff_t(i)]);
  }
}

}  // namespace
}  // namespace fastscnn::int8

int main(int argc, char **argv) {
  using namespace fastscnn;
  g_test_init(&argc, &argv, nullptr);
  for (const std::string &format : reference::frame_formats()) {
    const std::string path = "/cpu/int8/preprocess/" + format;
    g_test_add_data_func(path.c_str(), format.c_str(), int8::test_format);
  }
  g_test_add_func("/cpu/int8/preprocess/crop", int8::test_crop);
  g_test_add_func("/cpu/int8/preprocess/identity", int8::test_identity);
  return g_test_run();
}
