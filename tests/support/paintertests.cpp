// SPDX-License-Identifier: LGPL-2.1-or-later
#include <glib.h>

#include <algorithm>
#include <cstdlib>
#include <functional>
#include <string>
#include <vector>

#include "net/color.h"
#include "tests/support/contracttests.h"
#include "tests/support/frames.h"
#include "tests/support/must.h"
#include "tests/support/paintreference.h"

namespace fastscnn::testing {
namespace {

using reference::Lcg;
using reference::make_frame;
using reference::planes_in;
using reference::TestFrame;

PainterDriver driver;

constexpr PaintMode kModes[] = {PaintMode::kBlend,    PaintMode::kMask,
                                PaintMode::kContour,  PaintMode::kBlur,
                                PaintMode::kPixelate, PaintMode::kCutout};

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

std::unique_ptr<Painter> create_painter(const FrameInfo &info) {
  auto painter = driver.create();
  must(painter->configure(info));
  return painter;
}

using Paint = std::function<Result<>(Painter &, const Frame &)>;

/// The bytes of a frame after painting it in this kind of memory.
std::vector<uint8_t> painted(Painter &painter, const TestMemory &memory,
                             const TestFrame &frame, const Paint &paint) {
  const auto bytes = memory.copy(frame.bytes);
  must(paint(painter, planes_in(bytes.get(), frame)));
  return memory.read(bytes.get(), frame.bytes.size());
}

std::vector<uint8_t> painted_by_reference(const TestFrame &frame,
                                          const Paint &paint) {
  reference::ReferencePainter painter;
  must(painter.configure(frame.info));
  return painted(painter, kHostMemory, frame, paint);
}

/// All bytes, including the padding, are equal within 1.
void compare(const std::vector<uint8_t> &found,
             const std::vector<uint8_t> &expected, const gchar *what) {
  for (size_t i = 0; i < expected.size(); i++)
    if (std::abs(expected[i] - found[i]) > 1)
      g_error("%s: byte %zu is %d, expected %d", what, i, found[i],
              expected[i]);
}

void check(Painter &painter, const TestFrame &frame, const TestMask &mask,
           const PaintStyle &style, const char *what) {
  const PaintMask &m = mask.mask;
  g_autofree gchar *name = g_strdup_printf(
      "%s, %dx%d, mask %dx%d covers %dx%d at %d,%d, mode %d, cover all %d, "
      "contours %d of %d, feather %g",
      what, frame.info.width, frame.info.height, m.width, m.height,
      m.covers_width, m.covers_height, m.x, m.y, static_cast<int>(style.mode),
      style.cover_all, style.contours, style.contour_width, style.feather);
  const auto draw = [&style](const PaintMask &drawn) {
    return [&style, drawn](Painter &p, const Frame &dst) {
      return p.paint(dst, drawn, style, driver.queue);
    };
  };
  const auto expected = painted_by_reference(frame, draw(m));
  const TestMemory &memory = *driver.memory;
  compare(painted(painter, memory, frame, draw(m)), expected, name);
  if (memory.kind == Memory::kHost) return;
  const auto ids = memory.copy(mask.bytes);
  PaintMask moved = m;
  moved.ids = ids.get();
  moved.memory = memory.kind;
  compare(painted(painter, memory, frame, draw(moved)), expected, name);
}

void check(const TestFrame &frame, const TestMask &mask,
           const PaintStyle &style, const char *what) {
  check(*create_painter(frame.info), frame, mask, style, what);
}

void check_modes(const TestFrame &frame, const TestMask &mask,
                 const char *what) {
  for (PaintMode mode : kModes) check(frame, mask, make_style(mode), what);
}

void set_color(FrameInfo *info, bool bt709, bool full) {
  if (info->components == 1)
    info->to_rgb = gray_to_rgb(full);
  else if (info->component[1].offset || info->component[1].plane)
    info->to_rgb = bt709 ? yuv_to_rgb(0.2126, 0.0722, full)
                         : yuv_to_rgb(0.299, 0.114, full);
}

/// Every mode in one format, both matrices and ranges, odd sizes, padding, rows
/// stored bottom up.
void test_format(gconstpointer data) {
  const auto &format = *static_cast<const std::string *>(data);
  Lcg lcg(17);
  const int sizes[][2] = {{64, 48}, {37, 33}, {16, 61}};
  for (int variant = 0; variant < 4; variant++)
    for (const auto &[width, height] : sizes) {
      TestFrame frame =
          make_frame(format, width, height, variant * 3, variant & 1, lcg);
      if (frame.info.to_rgb.offset[0] != 0.f)
        set_color(&frame.info, variant & 1, variant & 2);
      check_modes(frame, TestMask(width, height, &lcg), format.c_str());
      for (PaintMode mode : kModes) {
        PaintStyle style = make_style(mode);
        style.cover_all = true;
        check(frame, TestMask(1, 1, &lcg), style, format.c_str());
      }
    }
}

void test_chroma_sites() {
  Lcg lcg(3);
  const float origins[][2] = {{0, 0.5f}, {0.5f, 0.5f}, {0, 0}, {0.5f, 0}};
  for (const char *format : {"NV12", "I420", "UYVY"})
    for (const auto &[x, y] : origins) {
      TestFrame frame = make_frame(format, 49, 35, 0, false, lcg);
      for (int c = 1; c < 3; c++) {
        frame.info.component[c].origin_x = x;
        frame.info.component[c].origin_y =
            frame.info.component[c].shift_y ? y : 0;
      }
      check_modes(frame, TestMask(49, 35, &lcg), format);
    }
}

/// A frame that begins in the middle of a block of chroma.
void test_odd_crop() {
  Lcg lcg(5);
  for (const char *format : {"NV12", "I420", "YUY2", "UYVY"})
    for (int width : {64, 47}) {
      TestFrame frame = make_frame(format, width + 3, 52, 0, false, lcg);
      FrameInfo &info = frame.info;
      info.width = width;
      info.height = 48;
      if (info.component[1].shift_y)
        frame.frame.data[0] += frame.frame.stride[0];
      for (Component &k : info.component) {
        if (k.shift_x)
          k.origin_x -= 1;
        else
          k.offset += k.pixel_stride;
        if (k.shift_y) k.origin_y -= 1;
      }
      check_modes(frame, TestMask(width, 48, &lcg), format);
    }
}

/// Masks that are enlarged, reduced and both, anywhere in and around the frame.
void test_mask_sizes() {
  Lcg lcg(9);
  const int masks[][2] = {{16, 12}, {33, 29}, {128, 96}, {200, 150},
                          {64, 20}, {10, 90}, {1, 1},    {65, 49}};
  const int places[][4] = {
      {0, 0, 64, 48},   {-10, -7, 64, 48}, {20, 11, 64, 48},  {5, 6, 31, 22},
      {-9, -9, 90, 70}, {100, 0, 20, 20},  {-64, -48, 64, 48}};
  const TestFrame frame = make_frame("NV12", 64, 48, 0, false, lcg);
  for (const auto &[width, height] : masks)
    for (const auto &[x, y, covers_width, covers_height] : places) {
      TestMask mask(width, height, &lcg);
      mask.mask.x = x;
      mask.mask.y = y;
      mask.mask.covers_width = covers_width;
      mask.mask.covers_height = covers_height;
      check_modes(frame, mask, "mask size");
    }
}

/// A pole one sample wide keeps its width, however much the mask is enlarged:
/// in every row it is at least as wide as an enlarged sample, less a pixel.
void test_thin_classes_stay() {
  constexpr int kMask = 24;
  Lcg lcg(27);
  for (int side : {25, 37, 48, 96, 191, 384}) {
    std::vector<uint8_t> ids(kMask * kMask, 3);  // 3 is not drawn
    for (int y = 0; y < kMask; y++) ids[y * kMask + 7] = 1;
    PaintMask mask;
    mask.ids = ids.data();
    mask.stride = mask.width = mask.height = kMask;
    mask.covers_width = mask.covers_height = side;
    TestFrame frame = make_frame("GRAY8", side, side, 0, false, lcg);
    std::fill(frame.bytes.begin(), frame.bytes.end(), uint8_t{10});
    PaintStyle style;
    style.color[1] = {255, 255, 255, 255};
    const auto painter = create_painter(frame.info);
    const auto draw = [&](Painter &p, const Frame &dst) {
      return p.paint(dst, mask, style, driver.queue);
    };
    const auto bytes = painted(*painter, *driver.memory, frame, draw);
    for (int y = 0; y < side; y++) {
      const uint8_t *row = bytes.data() + y * frame.frame.stride[0];
      const auto pole =
          std::count_if(row, row + side, [](uint8_t v) { return v > 200; });
      g_assert_cmpint(pole, >=, std::max(1, side / kMask - 1));
      g_assert_cmpint(pole, <=, side / kMask + 2);
    }
  }
}

/// A mask that moves between frames leaves nothing behind.
void test_moving_mask() {
  Lcg lcg(21);
  const TestFrame frame = make_frame("I420", 64, 48, 0, false, lcg);
  for (PaintMode mode : kModes) {
    const auto painter = create_painter(frame.info);
    for (int step = 0; step < 4; step++) {
      TestMask mask(20 + 9 * step, 15, &lcg);
      mask.mask.x = 7 * step - 3;
      mask.mask.y = 20 - 6 * step;
      check(*painter, frame, mask, make_style(mode), "moved");
    }
  }
}

void test_contours() {
  Lcg lcg(11);
  for (const char *format : {"NV12", "RGB"})
    for (int width : {1, 2, 3, 8, kMaxContourWidth})
      for (PaintMode mode : {PaintMode::kBlend, PaintMode::kContour}) {
        TestMask mask(40, 50, &lcg);
        mask.mask.x = 9;
        PaintStyle style = make_style(mode);
        style.contours = true;
        style.contour_width = width;
        check(make_frame(format, 63, 50, 0, false, lcg), mask, style, format);
      }
}

void test_feather() {
  Lcg lcg(13);
  for (const char *format : {"NV12", "RGBA", "YUY2"})
    for (float feather : {0.5f, 1.f, 1.3f, 2.f, 3.7f, 5.f, float{kMaxFeather}})
      for (PaintMode mode :
           {PaintMode::kBlend, PaintMode::kMask, PaintMode::kCutout}) {
        PaintStyle style = make_style(mode);
        style.feather = feather;
        check(make_frame(format, 51, 40, 0, false, lcg), TestMask(51, 40, &lcg),
              style, format);
      }
}

void test_image() {
  Lcg lcg(19);
  const int places[][2] = {{0, 0},   {5, 7},   {30, 21}, {-6, -3},
                           {52, 40}, {60, 60}, {-30, 4}};
  for (const std::string &format : reference::frame_formats())
    for (const auto &[x, y] : places) {
      const TestFrame frame = make_frame(format, 63, 49, 2, false, lcg);
      std::vector<uint8_t> rgba(23 * 17 * 4);
      for (size_t i = 0; i < rgba.size(); i += 4) {
        rgba[i + 3] = i % 12 ? static_cast<uint8_t>(lcg.bits()) : 0;
        for (int c = 0; c < 3; c++)
          rgba[i + c] = static_cast<uint8_t>(lcg.bits() % (rgba[i + 3] + 1));
      }
      const PaintImage image = {rgba.data(), 23 * 4, 23, 17, x, y};
      const auto draw = [&image](Painter &painter, const Frame &dst) {
        return painter.paint_image(dst, image, driver.queue);
      };
      g_autofree gchar *name =
          g_strdup_printf("%s, image at %d,%d", format.c_str(), x, y);
      compare(painted(*create_painter(frame.info), *driver.memory, frame, draw),
              painted_by_reference(frame, draw), name);
    }
}

void test_no_allocations() {
  Lcg lcg(23);
  TestFrame frame = make_frame("NV12", 128, 96, 0, false, lcg);
  const Frame dst = planes_in(frame.bytes.data(), frame);
  for (PaintMode mode : kModes)
    for (int size : {128, 40, 200}) {
      PaintStyle style = make_style(mode);
      style.contours = mode == PaintMode::kBlend;
      style.feather = mode == PaintMode::kCutout ? 2.f : 0.f;
      TestMask mask(size, 96, &lcg);
      mask.mask.covers_width = 128;
      const auto painter = create_painter(frame.info);
      must(painter->paint(dst, mask.mask, style, driver.queue));
      const size_t before = *driver.allocations;
      for (int i = 0; i < 3; i++)
        must(painter->paint(dst, mask.mask, style, driver.queue));
      // Fading through a controller changes colours from frame to frame.
      style.color[0].a = 77;
      must(painter->paint(dst, mask.mask, style, driver.queue));
      g_assert_cmpuint(*driver.allocations, ==, before);
    }
}

}  // namespace

const TestMemory kHostMemory = {
    Memory::kHost,
    [](const std::vector<uint8_t> &bytes) {
      const auto copy = std::make_shared<std::vector<uint8_t>>(bytes);
      return std::shared_ptr<uint8_t>(copy, copy->data());
    },
    [](const uint8_t *memory, size_t size) {
      return std::vector<uint8_t>(memory, memory + size);
    }};

void add_painter_tests(const PainterDriver &painter) {
  driver = painter;
  const std::string prefix = std::string("/") + driver.name + "/painter/";
  for (const std::string &format : reference::frame_formats())
    g_test_add_data_func((prefix + "format/" + format).c_str(), &format,
                         test_format);
  const auto add = [&](const char *name, GTestFunc test) {
    g_test_add_func((prefix + name).c_str(), test);
  };
  add("chroma-sites", test_chroma_sites);
  add("odd-crop", test_odd_crop);
  add("mask-sizes", test_mask_sizes);
  add("thin-classes-stay", test_thin_classes_stay);
  add("moving-mask", test_moving_mask);
  add("contours", test_contours);
  add("feather", test_feather);
  add("image", test_image);
  if (driver.allocations) add("no-allocations", test_no_allocations);
}

}  // namespace fastscnn::testing
