// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string>
#include <vector>

#include "cpu/painter/painter.h"
#include "net/color.h"
#include "tests/support/frames.h"
#include "tests/support/must.h"
#include "tests/support/paintreference.h"

using namespace fastscnn;
using reference::Lcg;
using reference::TestFrame;

namespace {

size_t allocations = 0;

const char *const kModeNames[] = {"blend", "mask",     "contour",
                                  "blur",  "pixelate", "cutout"};

Frame writable(TestFrame *frame) {
  Frame out;
  for (int p = 0; p < frame->info.planes; p++) {
    out.data[p] = const_cast<uint8_t *>(frame->frame.data[p]);
    out.stride[p] = frame->frame.stride[p];
  }
  return out;
}

/// The same description and bytes elsewhere.
TestFrame copy_of(const TestFrame &in) {
  TestFrame out;
  out.info = in.info;
  out.bytes = in.bytes;
  out.frame = in.frame;
  for (int p = 0; p < in.info.planes; p++)
    out.frame.data[p] = out.bytes.data() + (in.frame.data[p] - in.bytes.data());
  return out;
}

/// Rectangles and thin lines of some classes, with unknown and hidden ones.
struct TestMask {
  PaintMask mask;
  std::vector<uint8_t> bytes;

  TestMask(int width, int height, Lcg *lcg) {
    const int stride = width + 5;
    bytes.assign(size_t(stride) * height, 3);
    const uint8_t values[] = {0, 1, 2, 3, 19, 253, 255};
    const auto below = [&](int n) { return static_cast<int>(lcg->bits() % n); };
    for (int i = 0; i < 12; i++) {
      const int x = below(width), y = below(height);
      const int w = i % 3 ? 1 + below(width) : 1;
      const int h = i % 4 ? 1 + below(height) : 1;
      const uint8_t value = values[below(7)];
      for (int yy = y; yy < std::min(height, y + h); yy++)
        for (int xx = x; xx < std::min(width, x + w); xx++)
          bytes[size_t(yy) * stride + xx] = value;
    }
    for (int i = 0; i < width * height / 50; i++)
      bytes[size_t(below(height)) * stride + below(width)] = values[below(7)];
    mask.ids = bytes.data();
    mask.stride = stride;
    mask.width = mask.covers_width = width;
    mask.height = mask.covers_height = height;
  }
};

PaintStyle make_style(PaintMode mode) {
  PaintStyle style;
  style.mode = mode;
  style.color[0] = {128, 64, 128, 128};
  style.color[1] = {244, 35, 232, 255};
  style.color[2] = {70, 70, 70, 90};
  style.color[19] = {0, 0, 142, 30};
  style.color[253] = {255, 255, 255, 200};
  style.color[255] = {250, 0, 0, 60};
  style.background = {10, 200, 40, 180};
  style.margin = 0.02f;
  return style;
}

std::string describe(const FrameInfo &info, const PaintMask &mask,
                     const PaintStyle &style) {
  return std::string(kModeNames[static_cast<int>(style.mode)]) + " " +
         std::to_string(info.width) + "x" + std::to_string(info.height) +
         " mask " + std::to_string(mask.width) + "x" +
         std::to_string(mask.height) + " at " + std::to_string(mask.x) + "," +
         std::to_string(mask.y) + " covers " +
         std::to_string(mask.covers_width) + "x" +
         std::to_string(mask.covers_height) + " contours " +
         std::to_string(style.contours) + " width " +
         std::to_string(style.contour_width) + " feather " +
         std::to_string(style.feather);
}

/// All bytes, also those between and beyond the samples, are within 1.
void compare(const TestFrame &expected, const TestFrame &found,
             const std::string &what) {
  int worst = 0;
  size_t where = 0;
  for (size_t i = 0; i < expected.bytes.size(); i++) {
    const int difference = std::abs(expected.bytes[i] - found.bytes[i]);
    if (difference > worst) {
      worst = difference;
      where = i;
    }
  }
  if (worst > 1)
    g_error("%s: byte %zu is %d, expected %d", what.c_str(), where,
            found.bytes[where], expected.bytes[where]);
}

void check(const TestFrame &frame, const PaintMask &mask,
           const PaintStyle &style, const std::string &what) {
  TestFrame expected = copy_of(frame), found = copy_of(frame);
  reference::paint(frame.info, writable(&expected), mask, style);
  auto painter = make_cpu_painter();
  must(painter->configure(frame.info));
  must(painter->paint(writable(&found), mask, style, Queue()));
  compare(expected, found, what + " " + describe(frame.info, mask, style));
}

void set_color(FrameInfo *info, bool bt709, bool full) {
  if (info->components == 1)
    info->to_rgb = gray_to_rgb(full);
  else if (info->component[1].offset || info->component[1].plane)
    info->to_rgb = bt709 ? yuv_to_rgb(0.2126, 0.0722, full)
                         : yuv_to_rgb(0.299, 0.114, full);
}

/// Every mode in one format, both matrices and ranges, odd sizes, padding,
/// rows from the bottom up.
void test_format(gconstpointer data) {
  const auto *format = static_cast<const std::string *>(data);
  Lcg lcg(17);
  const int sizes[][2] = {{64, 48}, {37, 33}, {16, 61}};
  for (int variant = 0; variant < 4; variant++) {
    for (const auto &size : sizes) {
      TestFrame frame = reference::make_frame(*format, size[0], size[1],
                                              variant * 3, variant & 1, lcg);
      if (frame.info.to_rgb.offset[0] != 0.f)
        set_color(&frame.info, variant & 1, variant & 2);
      TestMask mask(size[0], size[1], &lcg);
      for (int m = 0; m < 6; m++)
        check(frame, mask.mask, make_style(static_cast<PaintMode>(m)), *format);
    }
  }
}

void test_chroma_sites() {
  Lcg lcg(3);
  const float origins[][2] = {{0, 0.5f}, {0.5f, 0.5f}, {0, 0}, {0.5f, 0}};
  for (const char *format : {"NV12", "I420", "UYVY"})
    for (const auto &origin : origins) {
      TestFrame frame = reference::make_frame(format, 49, 35, 0, false, lcg);
      for (int c = 1; c < 3; c++) {
        frame.info.component[c].origin_x = origin[0];
        frame.info.component[c].origin_y =
            frame.info.component[c].shift_y ? origin[1] : 0;
      }
      TestMask mask(49, 35, &lcg);
      for (int m = 0; m < 6; m++)
        check(frame, mask.mask, make_style(static_cast<PaintMode>(m)), format);
    }
}

/// A frame that begins in the middle of a block of chroma.
void test_odd_crop() {
  Lcg lcg(5);
  for (const char *format : {"NV12", "I420", "YUY2", "UYVY"}) {
    for (int width : {64, 47}) {
      TestFrame frame =
          reference::make_frame(format, width + 3, 52, 0, false, lcg);
      FrameInfo &info = frame.info;
      info.width = width;
      info.height = 48;
      const bool subsampled_y = info.component[1].shift_y > 0;
      for (int c = 0; c < 3; c++) {
        Component &k = info.component[c];
        if (k.shift_x)
          k.origin_x -= 1;
        else
          k.offset += k.pixel_stride;
        if (k.shift_y) k.origin_y -= 1;
      }
      if (subsampled_y) frame.frame.data[0] += frame.frame.stride[0];
      TestMask mask(width, 48, &lcg);
      for (int m = 0; m < 6; m++)
        check(frame, mask.mask, make_style(static_cast<PaintMode>(m)),
              std::string("odd crop of ") + format);
    }
  }
}

void test_mask_sizes() {
  Lcg lcg(9);
  const int masks[][2] = {{16, 12}, {33, 29}, {128, 96}, {200, 150},
                          {64, 20}, {10, 90}, {1, 1},    {65, 49}};
  const int places[][4] = {
      {0, 0, 64, 48},   {-10, -7, 64, 48}, {20, 11, 64, 48},  {5, 6, 31, 22},
      {-9, -9, 90, 70}, {100, 0, 20, 20},  {-64, -48, 64, 48}};
  TestFrame frame = reference::make_frame("NV12", 64, 48, 0, false, lcg);
  for (const auto &size : masks)
    for (const auto &place : places)
      for (int m = 0; m < 6; m++) {
        TestMask mask(size[0], size[1], &lcg);
        mask.mask.x = place[0];
        mask.mask.y = place[1];
        mask.mask.covers_width = place[2];
        mask.mask.covers_height = place[3];
        check(frame, mask.mask, make_style(static_cast<PaintMode>(m)), "NV12");
      }
}

/// A pole one sample wide keeps its width, however much the mask is enlarged:
/// no row of it is thinner than the frame's share of a sample, less a pixel.
void test_thin_classes_stay() {
  Lcg lcg(27);
  constexpr int kMask = 24;
  for (int side : {25, 37, 48, 96, 191, 384}) {
    std::vector<uint8_t> ids(kMask * kMask, 3);  // 3 is not drawn
    for (int y = 0; y < kMask; y++) ids[y * kMask + 7] = 1;
    PaintMask mask;
    mask.ids = ids.data();
    mask.stride = mask.width = mask.height = kMask;
    mask.covers_width = mask.covers_height = side;
    TestFrame frame = reference::make_frame("GRAY8", side, side, 0, false, lcg);
    std::fill(frame.bytes.begin(), frame.bytes.end(), uint8_t{10});
    PaintStyle style;
    style.color[1] = {255, 255, 255, 255};
    auto painter = make_cpu_painter();
    must(painter->configure(frame.info));
    must(painter->paint(writable(&frame), mask, style, Queue()));
    for (int y = 0; y < side; y++) {
      const uint8_t *row = frame.frame.data[0] + y * frame.frame.stride[0];
      const auto pole =
          std::count_if(row, row + side, [](uint8_t v) { return v > 200; });
      g_assert_cmpint(pole, >=, std::max(1, side / kMask - 1));
      g_assert_cmpint(pole, <=, side / kMask + 2);
    }
  }
}

/// A mask that has another place in the next frame leaves nothing behind.
void test_moving_mask() {
  Lcg lcg(21);
  const TestFrame frame = reference::make_frame("I420", 64, 48, 0, false, lcg);
  for (int m = 0; m < 6; m++) {
    const PaintStyle style = make_style(static_cast<PaintMode>(m));
    auto painter = make_cpu_painter();
    must(painter->configure(frame.info));
    for (int step = 0; step < 4; step++) {
      TestMask mask(20 + 9 * step, 15, &lcg);
      mask.mask.x = 7 * step - 3;
      mask.mask.y = 20 - 6 * step;
      TestFrame expected = copy_of(frame), found = copy_of(frame);
      reference::paint(frame.info, writable(&expected), mask.mask, style);
      must(painter->paint(writable(&found), mask.mask, style, Queue()));
      compare(expected, found,
              "moved " + describe(frame.info, mask.mask, style));
    }
  }
}

void test_contours() {
  Lcg lcg(11);
  for (const char *format : {"NV12", "RGB"})
    for (int width : {1, 2, 3, 8, kMaxContourWidth})
      for (PaintMode mode : {PaintMode::kBlend, PaintMode::kContour}) {
        TestFrame frame = reference::make_frame(format, 63, 50, 0, false, lcg);
        TestMask mask(40, 50, &lcg);
        mask.mask.x = 9;
        PaintStyle style = make_style(mode);
        style.contours = true;
        style.contour_width = width;
        check(frame, mask.mask, style, format);
      }
}

void test_feather() {
  Lcg lcg(13);
  for (const char *format : {"NV12", "RGBA", "YUY2"})
    for (float feather : {1.f, 2.f, 1.3f, 5.f, float{kMaxFeather}})
      for (PaintMode mode :
           {PaintMode::kBlend, PaintMode::kMask, PaintMode::kCutout}) {
        TestFrame frame = reference::make_frame(format, 51, 40, 0, false, lcg);
        TestMask mask(51, 40, &lcg);
        PaintStyle style = make_style(mode);
        style.feather = feather;
        check(frame, mask.mask, style, format);
      }
}

void test_cover_all() {
  Lcg lcg(15);
  for (const char *format : {"NV12", "BGRx", "GRAY8"})
    for (int m = 0; m < 6; m++) {
      TestFrame frame = reference::make_frame(format, 77, 48, 1, false, lcg);
      PaintStyle style = make_style(static_cast<PaintMode>(m));
      style.cover_all = true;
      check(frame, PaintMask(), style, format);
    }
}

void test_picture() {
  Lcg lcg(19);
  const int places[][2] = {{0, 0},   {5, 7},   {30, 21}, {-6, -3},
                           {52, 40}, {60, 60}, {-30, 4}};
  for (const std::string &format : reference::frame_formats())
    for (const auto &place : places) {
      const TestFrame frame =
          reference::make_frame(format, 63, 49, 2, false, lcg);
      std::vector<uint8_t> rgba(23 * 17 * 4);
      for (size_t i = 0; i < rgba.size(); i += 4) {
        rgba[i + 3] = i % 12 ? static_cast<uint8_t>(lcg.bits()) : 0;
        for (int c = 0; c < 3; c++)
          rgba[i + c] = static_cast<uint8_t>(lcg.bits() % (rgba[i + 3] + 1));
      }
      PaintImage picture;
      picture.rgba = rgba.data();
      picture.stride = 23 * 4;
      picture.width = 23;
      picture.height = 17;
      picture.x = place[0];
      picture.y = place[1];
      TestFrame expected = copy_of(frame), found = copy_of(frame);
      reference::paint_image(frame.info, writable(&expected), picture);
      auto painter = make_cpu_painter();
      must(painter->configure(frame.info));
      must(painter->paint_image(writable(&found), picture, Queue()));
      compare(expected, found,
              format + " picture at " + std::to_string(place[0]) + "," +
                  std::to_string(place[1]));
    }
}

void test_no_allocations() {
  Lcg lcg(23);
  TestFrame frame = reference::make_frame("NV12", 128, 96, 0, false, lcg);
  for (int m = 0; m < 6; m++)
    for (int size : {128, 40, 200}) {
      PaintStyle style = make_style(static_cast<PaintMode>(m));
      style.contours = m == 0;
      style.feather = m == 5 ? 2.f : 0.f;
      TestMask mask(size, 96, &lcg);
      mask.mask.covers_width = 128;
      auto painter = make_cpu_painter();
      must(painter->configure(frame.info));
      must(painter->paint(writable(&frame), mask.mask, style, Queue()));
      const size_t before = allocations;
      for (int i = 0; i < 3; i++)
        must(painter->paint(writable(&frame), mask.mask, style, Queue()));
      // Fading through a controller changes colours from frame to frame.
      style.color[0].a = 77;
      must(painter->paint(writable(&frame), mask.mask, style, Queue()));
      g_assert_cmpuint(allocations, ==, before);
    }
}

}  // namespace

void *operator new(size_t size) {
  allocations++;
  if (void *p = std::malloc(size)) return p;
  std::abort();
}
void operator delete(void *p) noexcept { std::free(p); }
void operator delete(void *p, size_t) noexcept { std::free(p); }

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  for (const std::string &format : reference::frame_formats())
    g_test_add_data_func(("/painter/format/" + format).c_str(), &format,
                         test_format);
  g_test_add_func("/painter/chroma-sites", test_chroma_sites);
  g_test_add_func("/painter/odd-crop", test_odd_crop);
  g_test_add_func("/painter/mask-sizes", test_mask_sizes);
  g_test_add_func("/painter/thin-classes-stay", test_thin_classes_stay);
  g_test_add_func("/painter/moving-mask", test_moving_mask);
  g_test_add_func("/painter/contours", test_contours);
  g_test_add_func("/painter/feather", test_feather);
  g_test_add_func("/painter/cover-all", test_cover_all);
  g_test_add_func("/painter/picture", test_picture);
  g_test_add_func("/painter/no-allocations", test_no_allocations);
  return g_test_run();
}
