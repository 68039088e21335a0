// SPDX-License-Identifier: LGPL-2.1-or-later
/// What classmaskoverlay paints, and what it leaves unchanged.
#include <glib/gstdio.h>
#include <gmodule.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>

#include "gst/base/frameview.h"
#include "tests/support/frames.h"
#include "tests/support/harness.h"
#include "tests/support/paintreference.h"

using namespace fastscnn;
using namespace fastscnn::testing;

namespace {

constexpr int kWidth = 49, kHeight = 35;

/// Pushes a frame through a new overlay.
OwnedBuffer overlaid(const std::string &properties, const std::string &caps,
                     GstBuffer *frame) {
  return Harness("classmaskoverlay " + properties, caps).push(frame);
}

PaintStyle default_style() {
  PaintStyle style;
  for (size_t id = 0; id < std::size(kColors); id++)
    style.color[id] = {static_cast<uint8_t>(kColors[id] >> 16),
                       static_cast<uint8_t>(kColors[id] >> 8),
                       static_cast<uint8_t>(kColors[id]), 128};
  style.background = {0, 0, 0, 255};
  return style;
}

PaintMask mask_of(const std::vector<uint8_t> &ids, int width, int height) {
  PaintMask mask;
  mask.ids = ids.data();
  mask.stride = mask.width = mask.covers_width = width;
  mask.height = mask.covers_height = height;
  return mask;
}

/// Checks that the overlay paints the mask into the frame like the reference,
/// within 1 of 255.
void check_painted(const Harness &overlay, GstBuffer *frame, const Rect &part,
                   const PaintMask &mask,
                   const PaintStyle &style = default_style()) {
  const OwnedBuffer expected(gst_buffer_copy_deep(frame));
  GstVideoFrame mapped;
  g_assert_true(gst_video_frame_map(
      &mapped, &overlay.info, expected,
      GstMapFlags(GST_MAP_READWRITE | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)));
  reference::paint(describe_frame(overlay.info, part), view_frame(mapped, part),
                   mask, style);
  gst_video_frame_unmap(&mapped);
  const std::vector<uint8_t> a = bytes_of(expected);
  const std::vector<uint8_t> b = bytes_of(overlay.push(frame));
  g_assert_cmpuint(a.size(), ==, b.size());
  for (size_t i = 0; i < a.size(); i++)
    if (std::abs(a[i] - b[i]) > 1)
      g_error("%s, %d,%d: byte %zu is %d, expected %d",
              GST_VIDEO_INFO_NAME(&overlay.info), part.x, part.y, i, b[i],
              a[i]);
}

void test_formats() {
  for (const std::string &format : reference::frame_formats())
    for (const char *colorimetry : {"bt601", "bt709", "1:4:0:1", "1:3:0:1"}) {
      const bool rgb_or_gray = format.find("RGB") != std::string::npos ||
                               format.find("BGR") != std::string::npos ||
                               format == "GRAY8";
      const std::string caps =
          caps_of(format, kWidth, kHeight,
                  rgb_or_gray ? "" : std::string("colorimetry=") + colorimetry);
      const auto ids = make_ids(kWidth, kHeight, 2, 9, 30);
      GstBuffer *frame = make_frame(caps, -1);
      attach(frame, ids, kWidth, kHeight, 0, 0, kWidth, kHeight);
      check_painted(Harness("classmaskoverlay", caps), frame,
                    {0, 0, kWidth, kHeight}, mask_of(ids, kWidth, kHeight));
      if (rgb_or_gray) break;
    }
}

/// Painted pixels are half red, half a grey of 100.
void test_numbers() {
  const struct {
    const char *format;
    uint8_t first[3];  // R, G, B or Y, U, V of a painted pixel
  } cases[] = {{"RGB", {178, 50, 50}}, {"NV12", {91, 95, 170}}};
  for (const auto &c : cases) {
    const bool rgb = std::string(c.format) == "RGB";
    const std::string caps =
        caps_of(c.format, 32, 32, rgb ? "" : "colorimetry=bt601");
    GstBuffer *frame = make_frame(caps, 100);
    attach(frame, make_ids(32, 32, 2, 0, 16), 32, 32, 0, 0, 32, 32);
    const OwnedBuffer found = overlaid("", caps, frame);
    const std::vector<uint8_t> bytes = bytes_of(found);
    const size_t at[3] = {0, rgb ? 1u : 32u * 32u, rgb ? 2u : 32u * 32u + 1u};
    for (int i = 0; i < 3; i++) {
      g_assert_cmpint(std::abs(bytes[at[i]] - c.first[i]), <=, 1);
      // Right of column 16 nothing is painted.
      g_assert_cmpint(bytes[at[i] + (rgb ? 20 * 3 : 20)], ==, 100);
    }
  }
}

/// R, G and B of a pixel away from edges, by the colorimetry of the caps.
std::array<double, 3> rgb_at(GstBuffer *buffer, const std::string &caps, int x,
                             int y) {
  const GstVideoInfo info = info_of(caps);
  GstVideoFrame frame;
  g_assert_true(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ));
  double sample[3];
  for (int c = 0; c < 3; c++) {
    const GstVideoFormatInfo *f = info.finfo;
    sample[c] = GST_VIDEO_FRAME_COMP_DATA(
        &frame,
        c)[(y >> f->h_sub[c]) * GST_VIDEO_FRAME_COMP_STRIDE(&frame, c) +
           (x >> f->w_sub[c]) * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, c)];
  }
  gst_video_frame_unmap(&frame);
  if (GST_VIDEO_INFO_IS_RGB(&info)) return {sample[0], sample[1], sample[2]};
  double kr = 0, kb = 0;
  g_assert_true(
      gst_video_color_matrix_get_Kr_Kb(info.colorimetry.matrix, &kr, &kb));
  const bool full = info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255;
  const double luma = full ? sample[0] : (sample[0] - 16) * 255 / 219;
  const double u = (sample[1] - 128) * (full ? 1 : 255. / 224);
  const double v = (sample[2] - 128) * (full ? 1 : 255. / 224);
  const double r = luma + 2 * (1 - kr) * v, b = luma + 2 * (1 - kb) * u;
  return {r, (luma - kr * r - kb * b) / (1 - kr - kb), b};
}

/// Painting gives the same image in every format, matrix, range and size.
void test_formats_agree() {
  const int sizes[][2] = {{48, 32}, {49, 33}};
  for (const auto &size : sizes)
    for (const std::string &format : reference::frame_formats())
      for (const char *colorimetry :
           {"1:4:0:1", "2:4:0:1", "1:3:0:1", "2:3:0:1"}) {
        const int w = size[0], h = size[1];
        const bool rgb = format.find("GB") != std::string::npos ||
                         format.find("BG") != std::string::npos;
        if (format == "GRAY8") continue;  // has no colours
        const bool full = rgb || colorimetry[0] == '1';
        const std::string caps = caps_of(
            format, w, h, rgb ? "" : std::string("colorimetry=") + colorimetry);
        const auto ids = make_ids(w, h, 1, 12, 36);
        // Components of 128 are grey (R = G = B) in every format.
        GstBuffer *frame = make_frame(caps, 128);
        attach(frame, ids, w, h, 0, 0, w, h);
        const OwnedBuffer found = overlaid("", caps, frame);
        const double grey = full ? 128 : (128 - 16) * 255 / 219.;
        for (int y : {0, h / 2, h - 1})
          for (int x : {3, 20, 28, w - 1}) {
            const auto pixel = rgb_at(found, caps, x, y);
            for (int c = 0; c < 3; c++) {
              const int color = kColors[1] >> (16 - 8 * c) & 255;
              const bool drawn = x >= 12 && x < 36;
              const double expected =
                  drawn ? grey + (color - grey) * 128 / 255 : grey;
              if (std::abs(pixel[c] - expected) > 2)
                g_error("%s: %d,%d,%d is %.1f, expected %.1f", caps.c_str(), x,
                        y, c, pixel[c], expected);
            }
          }
        if (rgb) break;
      }
}

/// Padded rows, and crops that begin inside a chroma block.
void test_strides_and_crop() {
  for (const char *format : {"NV12", "I420", "YUY2", "RGB", "GRAY8"})
    for (const Rect &part : {Rect{0, 0, kWidth, kHeight}, Rect{4, 6, 33, 21},
                             Rect{7, 5, 30, 22}}) {
      const std::string caps = caps_of(format, kWidth, kHeight);
      const std::string padded = caps_of(format, kWidth + 40, kHeight + 6);
      GstVideoInfo info = info_of(padded);
      const auto ids = make_ids(kWidth, kHeight, 3, 3, 22);
      GstBuffer *frame = make_frame(padded, -1);
      gst_buffer_add_video_meta_full(frame, GST_VIDEO_FRAME_FLAG_NONE,
                                     GST_VIDEO_INFO_FORMAT(&info), kWidth,
                                     kHeight, GST_VIDEO_INFO_N_PLANES(&info),
                                     info.offset, info.stride);
      attach(frame, ids, kWidth, kHeight, 0, 0, kWidth, kHeight);
      if (part.width != kWidth) {
        GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta(frame);
        crop->x = part.x;
        crop->y = part.y;
        crop->width = part.width;
        crop->height = part.height;
      }
      PaintMask mask = mask_of(ids, kWidth, kHeight);
      mask.x = -part.x;
      mask.y = -part.y;
      check_painted(Harness("classmaskoverlay", caps), frame, part, mask);
    }
}

/// A mask of another size that covers an area partly outside the frame.
void test_placed_mask() {
  const std::string caps = caps_of("NV12", kWidth, kHeight);
  const auto ids = make_ids(20, 10, 0, 5, 15);
  GstBuffer *frame = make_frame(caps, -1);
  attach(frame, ids, 20, 10, -7, 12, 60, 40);
  PaintMask mask = mask_of(ids, 20, 10);
  mask.x = -7;
  mask.y = 12;
  mask.covers_width = 60;
  mask.covers_height = 40;
  check_painted(Harness("classmaskoverlay", caps), frame,
                {0, 0, kWidth, kHeight}, mask);
}

void test_interlaced() {
  const std::string caps =
      caps_of("NV12", 48, 32, "interlace-mode=interleaved");
  GstBuffer *frame = make_frame(caps, 90);
  GST_BUFFER_FLAG_SET(
      frame, GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_TFF);
  attach(frame, make_ids(48, 32, 0, 0, 48), 48, 32, 0, 0, 48, 32);
  const Harness overlay("classmaskoverlay", caps);
  const OwnedBuffer found = overlay.push(frame);
  g_assert_true(GST_BUFFER_FLAG_IS_SET(
      found.get(),
      GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_TFF));
  GstCaps *out = gst_pad_get_current_caps(overlay.harness->sinkpad);
  g_assert_cmpstr(gst_structure_get_string(gst_caps_get_structure(out, 0),
                                           "interlace-mode"),
                  ==, "interleaved");
  gst_caps_unref(out);
}

/// Chroma samples of the top field lie half a line below lines 0, 4, 8 ...,
/// those of the bottom field half a line above lines 3, 7, 11 ... (H.262,
/// figure 6-2). Each stands for four lines of the frame. In both fields the
/// edge of a region is at the same place in painted chroma as in luma.
void test_interlaced_chroma() {
  constexpr int w = 32, h = 32, kFrom = 8, kTo = 16;
  const std::string caps = caps_of("NV12", w, h, "interlace-mode=interleaved");
  double error[2] = {};
  for (int top = kFrom; top < kTo; top++) {
    GstBuffer *frame = make_frame(caps, 90);
    GST_BUFFER_FLAG_SET(
        frame, GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_TFF);
    std::vector<uint8_t> ids(w * h, 255);
    std::fill(ids.begin() + top * w, ids.end(), uint8_t{2});
    attach(frame, ids, w, h, 0, 0, w, h);
    const OwnedBuffer found = overlaid("alpha=1", caps, frame);
    const std::vector<uint8_t> bytes = bytes_of(found);
    const uint8_t *v = bytes.data() + w * h + w / 2 + 1;
    const double painted = v[(h / 2 - 1) * w];
    g_assert_cmpfloat(painted, >, 150);
    for (int field = 0; field < 2; field++) {
      double edge = field ? 0.5 : -1.5;  // above the first sample's four lines
      for (int row = field; row < h / 2; row += 2)
        edge += 4 * (painted - v[row * w]) / (painted - 90);
      error[field] += (edge - (top - 0.5)) / (kTo - kFrom);
    }
  }
  for (double e : error) g_assert_cmpfloat(std::abs(e), <, 0.05);
}

/// Paints in place, or in a copy if the buffer is shared.
void test_memory() {
  const std::string caps = caps_of("RGB", 32, 32);
  const Harness overlay("classmaskoverlay", caps);
  for (bool shared : {false, true}) {
    GstBuffer *frame = make_frame(caps, 77);
    attach(frame, make_ids(32, 32, 2, 0, 32), 32, 32, 0, 0, 32, 32);
    GstMemory *memory = gst_buffer_peek_memory(frame, 0);
    if (shared) gst_buffer_ref(frame);
    const OwnedBuffer found = overlay.push(frame);
    g_assert_true((gst_buffer_peek_memory(found, 0) == memory) == !shared);
    g_assert_cmpint(bytes_of(found)[1], !=, 77);
    if (shared) {
      for (uint8_t b : bytes_of(frame)) g_assert_cmpint(b, ==, 77);
      gst_buffer_unref(frame);
    }
  }
}

bool paints(const std::string &properties, bool has_mask, GstClockTime age = 0,
            const char *source = "test") {
  const std::string caps = caps_of("NV12", 64, 64);
  GstBuffer *frame = make_frame(caps, -1);
  const auto before = bytes_of(frame);
  GstMemory *memory = gst_buffer_peek_memory(frame, 0);
  if (has_mask)
    attach(frame, make_ids(64, 64, 2, 20, 40), 64, 64, 0, 0, 64, 64, source,
           age);
  const OwnedBuffer found = overlaid(properties, caps, frame);
  g_assert_true(gst_buffer_peek_memory(found, 0) == memory);
  const bool differs = bytes_of(found) != before;
  return differs;
}

void test_missing() {
  for (const char *mode : {"blend", "mask", "contour", "cutout"}) {
    const std::string set = std::string("mode=") + mode;
    g_assert_false(paints(set, false));
    g_assert_true(paints(set + " on-missing=cover-all", false));
    g_assert_true(paints(set, true));
  }
  for (const char *mode : {"blur", "pixelate"}) {
    const std::string set = std::string("mode=") + mode;
    g_assert_true(paints(set, false));
    g_assert_false(paints(set + " on-missing=pass", false));
    // The mask has unknown pixels, which may show people.
    g_assert_true(paints(set + " classes=road", true));
  }
  g_assert_false(paints("max-age=1000", true, 1001));
  g_assert_false(paints("max-age=1000", true, GST_CLOCK_TIME_NONE));
  g_assert_true(paints("max-age=1000", true, 1000));
  g_assert_true(paints("", true, GST_CLOCK_TIME_NONE));
  g_assert_true(paints("mode=blur classes=road max-age=5", true, 6));
  g_assert_false(paints("source=other", true));
  g_assert_true(paints("source=other", true, 0, "other"));
  g_assert_false(paints("classes=road", true));
  g_assert_false(paints("classes=-car", true));
  g_assert_true(paints("classes=-road", true));
  g_assert_true(paints("classes=road draw-unknown=true", true));
  g_assert_false(paints("class-alpha=car=0", true));
  g_assert_false(paints("alpha=0", true));
}

/// Cutout makes the pixels that it covers transparent, so that a compositor
/// shows another video there; other modes do not change alpha.
void test_cutout_alpha() {
  for (const char *format : {"RGBA", "BGRA", "ARGB", "ABGR", "RGBx"}) {
    const bool has_alpha = strchr(format, 'A');
    const size_t alpha = format[0] == 'A' ? 0 : 3;
    const std::string caps = caps_of(format, 64, 48);
    const auto alphas = [&](const std::string &properties, bool masked) {
      GstBuffer *frame = make_frame(caps, 200);
      if (masked)
        attach(frame, make_ids(64, 48, 2, 16, 32), 64, 48, 0, 0, 64, 48);
      const auto bytes =
          bytes_of(OwnedBuffer(overlaid(properties, caps, frame)));
      std::string row;  // of the alphas in columns 0, 16, 31, 32
      for (size_t x : {0, 16, 31, 32})
        row += std::to_string(bytes[(20 * 64 + x) * 4 + alpha]) + " ";
      return row;
    };
    const std::string untouched = "200 200 200 200 ";
    g_assert_true(alphas("mode=cutout", true) ==
                  (has_alpha ? "0 200 200 0 " : untouched));
    const std::string half =
        alphas("mode=cutout background-color=0x80ffffff", true);
    if (has_alpha)  // painters may differ by 1
      g_assert_true(half == "100 200 200 100 " || half == "99 200 200 99 ");
    else
      g_assert_true(half == untouched);
    g_assert_true(alphas("mode=cutout on-missing=cover-all", false) ==
                  (has_alpha ? "0 0 0 0 " : untouched));
    for (const char *mode : {"blend", "mask", "contour", "blur", "pixelate"})
      g_assert_true(alphas(std::string("mode=") + mode, true) == untouched);
  }
}

/// Zones are outlined where their mask lies, and nothing else is touched.
void test_zones() {
  constexpr int kWidth = 80, kHeight = 60;
  const gdouble square[] = {0.25, 0.25, 0.75, 0.25, 0.75, 0.75, 0.25, 0.75};
  for (const char *format : {"RGB", "GRAY8"}) {
    const std::string caps = caps_of(format, kWidth, kHeight);
    const int size = format[0] == 'R' ? 3 : 1;
    const auto changed = [&](const std::string &properties, int x, int y,
                             int width, int height) {
      GstBuffer *frame = make_frame(caps, 7);
      const auto before = bytes_of(frame);
      attach(frame, make_ids(20, 15, 2, 0, 20), 20, 15, x, y, width, height);
      g_autoptr(GstClassMaskZones) zones = gst_class_mask_zones_new();
      gst_class_mask_zones_add_polygon(zones, "square", square, 4);
      g_assert_true(gst_class_mask_set_zones(
          gst_buffer_get_class_mask_meta(frame)->mask, zones, nullptr));
      const auto after = bytes_of(
          overlaid("alpha=0 contour-width=2 " + properties, caps, frame));
      const int stride = static_cast<int>(after.size()) / kHeight;
      return [=](int px, int py) {
        return memcmp(&before[py * stride + px * size],
                      &after[py * stride + px * size], size) != 0;
      };
    };
    std::function<bool(int, int)> at =
        changed("zones=true", 0, 0, kWidth, kHeight);
    g_assert_true(at(20, 30) && at(21, 30) && at(59, 30));  // 20 to 60
    g_assert_true(at(40, 15) && at(40, 44));                // 15 to 45
    g_assert_false(at(19, 30) || at(60, 30) || at(40, 14) || at(40, 45));
    g_assert_false(at(40, 30) || at(24, 30) || at(0, 0));
    // The mask covers another part, partly outside the frame.
    at = changed("zones=true", -40, 20, kWidth, kHeight / 2);
    g_assert_true(at(19, 30) && at(0, 41));  // -20 to 20, 27 to 42
    g_assert_false(at(20, 30) || at(0, 35) || at(40, 30) || at(10, 42));
    at = changed("zones=false", 0, 0, kWidth, kHeight);
    g_assert_false(at(20, 30) || at(40, 15));
  }
}

void test_renegotiation() {
  Harness overlay("classmaskoverlay mode=contour", caps_of("NV12", 64, 48));
  for (const char *format : {"NV12", "RGB", "YUY2", "NV12"})
    for (int width : {64, 33, 200}) {
      const std::string caps = caps_of(format, width, 40);
      overlay.set_caps(caps);
      const auto ids = make_ids(30, 20, 1, 8, 21);
      GstBuffer *frame = make_frame(caps, -1);
      attach(frame, ids, 30, 20, 0, 0, width, 40);
      PaintMask mask = mask_of(ids, 30, 20);
      mask.covers_width = width;
      mask.covers_height = 40;
      PaintStyle style = default_style();
      style.mode = PaintMode::kContour;
      check_painted(overlay, frame, {0, 0, width, 40}, mask, style);
    }
}

/// Without the CPU module, one sentence names the folders and what to do.
void test_no_module() {
  gchar *folder = g_dir_make_tmp("modules-XXXXXX", nullptr);
  gchar *path = g_strdup(g_getenv("FASTSCNN_MODULE_PATH"));
  g_setenv("FASTSCNN_MODULE_PATH", folder, TRUE);
  const Harness overlay("classmaskoverlay", caps_of("NV12", 64, 48));
  const std::string error = overlay.take_text(GST_MESSAGE_ERROR);
  g_setenv("FASTSCNN_MODULE_PATH", path, TRUE);
  g_test_message("%s", error.c_str());
  const std::string begin =
      "The cpu engine is not installed: there is no libfastscnn-cpu." +
      std::string(G_MODULE_SUFFIX " in ") + folder + ", ";
  g_assert_true(g_str_has_prefix(error.c_str(), begin.c_str()));
  g_assert_true(g_str_has_suffix(
      error.c_str(),
      "; install it, or set FASTSCNN_MODULE_PATH to its folder."));
  g_rmdir(folder);
  g_free(folder);
  g_free(path);
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/overlay/formats", test_formats);
  g_test_add_func("/overlay/numbers", test_numbers);
  g_test_add_func("/overlay/formats-agree", test_formats_agree);
  g_test_add_func("/overlay/strides-and-crop", test_strides_and_crop);
  g_test_add_func("/overlay/placed-mask", test_placed_mask);
  g_test_add_func("/overlay/interlaced", test_interlaced);
  g_test_add_func("/overlay/interlaced-chroma", test_interlaced_chroma);
  g_test_add_func("/overlay/memory", test_memory);
  g_test_add_func("/overlay/missing", test_missing);
  g_test_add_func("/overlay/zones", test_zones);
  g_test_add_func("/overlay/cutout-alpha", test_cutout_alpha);
  g_test_add_func("/overlay/renegotiation", test_renegotiation);
  g_test_add_func("/overlay/no-module", test_no_module);
  return g_test_run();
}
