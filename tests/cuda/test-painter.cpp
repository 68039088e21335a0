// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernels of the painter, run on the CPU, paint what net/painter.h says:
// within 1 of 255 of the reference.
#include <glib.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string>

#include "cuda/painter/program.h"
#include "net/color.h"
#include "tests/cuda/emulator.h"
#include "tests/support/frames.h"
#include "tests/support/paintreference.h"

using namespace fastscnn;
using namespace fastscnn::cuda;
using reference::Lcg;
using reference::TestFrame;

namespace {

struct Runner {
  template <typename Kernel>
  void items(const Kernel &kernel) {
    emulator::items(kernel);
  }
};

TestFrame copy_of(const TestFrame &in) {
  TestFrame out;
  out.info = in.info;
  out.bytes = in.bytes;
  for (int p = 0; p < in.info.planes; p++) {
    out.frame.data[p] = out.bytes.data() + (in.frame.data[p] - in.bytes.data());
    out.frame.stride[p] = in.frame.stride[p];
  }
  return out;
}

Frame writable(TestFrame *frame) {
  Frame out;
  for (int p = 0; p < frame->info.planes; p++) {
    out.data[p] = const_cast<uint8_t *>(frame->frame.data[p]);
    out.stride[p] = frame->frame.stride[p];
  }
  return out;
}

void compare(const TestFrame &expected, const TestFrame &found,
             const std::string &what) {
  for (size_t i = 0; i < expected.bytes.size(); i++)
    if (std::abs(expected.bytes[i] - found.bytes[i]) > 1)
      g_error("%s: byte %zu is %d, expected %d", what.c_str(), i,
              found.bytes[i], expected.bytes[i]);
}

/// Areas with straight edges and single pixels of some values.
std::vector<uint8_t> make_mask(int width, int height, Lcg *lcg) {
  const uint8_t values[] = {0, 1, 2, 19, 255};
  std::vector<uint8_t> ids(size_t(width) * height, 3);
  for (int i = 0; i < 6; i++) {
    const int x0 = lcg->between(0, width - 1), y0 = lcg->between(0, height - 1);
    const int x1 = lcg->between(x0, width - 1);
    const int y1 = lcg->between(y0, height - 1);
    const uint8_t value = values[lcg->between(0, 4)];
    for (int y = y0; y <= y1; y++)
      for (int x = x0; x <= x1; x++) ids[size_t(y) * width + x] = value;
  }
  for (int i = 0; i < width * height / 40; i++)
    ids[lcg->between(0, width * height - 1)] = values[lcg->between(0, 4)];
  return ids;
}

PaintStyle make_style(PaintMode mode) {
  PaintStyle style;
  style.mode = mode;
  style.color[0] = {128, 64, 128, 128};
  style.color[1] = {244, 35, 232, 255};
  style.color[2] = {70, 70, 70, 90};
  style.color[255] = {250, 0, 0, 60};
  style.background = {10, 200, 40, 180};
  style.margin = 0.02f;
  return style;
}

void check(const TestFrame &frame, const PaintMask &mask,
           const PaintStyle &style, const std::string &what) {
  TestFrame expected = copy_of(frame), found = copy_of(frame);
  reference::paint(frame.info, writable(&expected), mask, style);

  const PaintPlan plan(frame.info);
  const PaintTables tables = make_tables(frame.info, style);
  const emulator::Array<uint8_t> values(plan.pixels());
  const emulator::Array<uint8_t> outlines(plan.pixels());
  const emulator::Array<PaintPixel> feathered(plan.pixels());
  const emulator::Array<uint8_t> covered(plan.cells());
  const emulator::Array<float> reached(plan.cells()), mean(plan.cells()),
      scratch(plan.cells());
  plan.paint(writable(&found), mask, style,
             {&tables, values.get(), outlines.get(), feathered.get(),
              covered.get(), reached.get(), mean.get(), scratch.get()},
             Runner());
  compare(expected, found, what);
}

PaintMask place(const std::vector<uint8_t> &ids, int width, int height, int x,
                int y, int covers_width, int covers_height) {
  PaintMask mask;
  mask.ids = ids.data();
  mask.stride = mask.width = width;
  mask.height = height;
  mask.x = x;
  mask.y = y;
  mask.covers_width = covers_width;
  mask.covers_height = covers_height;
  return mask;
}

constexpr PaintMode kModes[] = {PaintMode::kBlend,    PaintMode::kMask,
                                PaintMode::kContour,  PaintMode::kBlur,
                                PaintMode::kPixelate, PaintMode::kCutout};

void test_formats() {
  Lcg lcg(31);
  for (const std::string &format : reference::frame_formats())
    for (bool flipped : {false, true}) {
      const int width = 53, height = 37;
      const TestFrame frame =
          reference::make_frame(format, width, height, 3, flipped, lcg);
      const auto ids = make_mask(width, height, &lcg);
      for (PaintMode mode : kModes) {
        PaintStyle style = make_style(mode);
        check(frame, place(ids, width, height, 0, 0, width, height), style,
              format + " mode " + std::to_string(static_cast<int>(mode)));
        style.cover_all = true;
        check(frame, {}, style, format + " cover all");
      }
    }
}

void test_geometry() {
  Lcg lcg(32);
  const int width = 66, height = 50;
  const TestFrame frame =
      reference::make_frame("NV12", width, height, 0, false, lcg);
  const struct {
    int width, height, x, y, covers_width, covers_height;
  } cases[] = {{9, 7, 0, 0, 66, 50},     {8, 8, -5, 10, 40, 60},
               {200, 151, 0, 0, 66, 50}, {90, 20, 3, -4, 50, 60},
               {5, 120, 20, 20, 90, 31}, {1, 1, 4, 4, 7, 7}};
  for (const auto &c : cases) {
    const auto ids = make_mask(c.width, c.height, &lcg);
    for (PaintMode mode : kModes)
      check(frame,
            place(ids, c.width, c.height, c.x, c.y, c.covers_width,
                  c.covers_height),
            make_style(mode),
            std::to_string(c.width) + "x" + std::to_string(c.height) +
                " mode " + std::to_string(static_cast<int>(mode)));
  }
}

void test_edges() {
  Lcg lcg(33);
  const int width = 41, height = 35;
  const TestFrame frame =
      reference::make_frame("I420", width, height, 1, false, lcg);
  const auto ids = make_mask(width, height, &lcg);
  const PaintMask mask = place(ids, width, height, 0, 0, width, height);
  for (int contour : {1, 2, 7})
    for (PaintMode mode : {PaintMode::kBlend, PaintMode::kContour}) {
      PaintStyle style = make_style(mode);
      style.contours = true;
      style.contour_width = contour;
      check(frame, mask, style, "contour " + std::to_string(contour));
    }
  for (float feather : {0.5f, 1.f, 3.7f, 16.f})
    for (PaintMode mode :
         {PaintMode::kBlend, PaintMode::kMask, PaintMode::kCutout}) {
      PaintStyle style = make_style(mode);
      style.feather = feather;
      check(frame, mask, style, "feather " + std::to_string(feather));
    }
}

void test_picture() {
  Lcg lcg(34);
  for (const std::string &format : reference::frame_formats())
    for (int x : {-7, 3, 30}) {
      const TestFrame frame =
          reference::make_frame(format, 43, 31, 2, false, lcg);
      std::vector<uint8_t> rgba(20 * 11 * 4);
      for (size_t i = 0; i < rgba.size(); i += 4) {
        rgba[i + 3] = static_cast<uint8_t>(lcg.between(0, 255));
        for (int c = 0; c < 3; c++)
          rgba[i + c] = static_cast<uint8_t>(lcg.between(0, rgba[i + 3]));
      }
      PaintImage picture;
      picture.rgba = rgba.data();
      picture.stride = 80;
      picture.width = 20;
      picture.height = 11;
      picture.x = x;
      picture.y = x / 2;
      TestFrame expected = copy_of(frame), found = copy_of(frame);
      reference::paint_image(frame.info, writable(&expected), picture);
      const ColorTransform from_rgb =
          invert(frame.info.to_rgb, frame.info.components);
      std::vector<PaintPixel> pixels;
      for (size_t i = 0; i < rgba.size(); i += 4)
        pixels.push_back(convert_pixel(frame.info, from_rgb, &rgba[i]));
      PaintPlan(frame.info)
          .paint_image(writable(&found), picture, pixels.data(), Runner());
      compare(expected, found, format + " picture");
    }
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cuda/painter/formats", test_formats);
  g_test_add_func("/cuda/painter/geometry", test_geometry);
  g_test_add_func("/cuda/painter/edges", test_edges);
  g_test_add_func("/cuda/painter/picture", test_picture);
  return g_test_run();
}
