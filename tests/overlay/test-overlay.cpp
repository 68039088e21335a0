// SPDX-License-Identifier: LGPL-2.1-or-later
/// What classmaskoverlay paints into frames, and what it leaves alone.
#include <algorithm>
#include <cstdlib>

#include "gst/fastscnn/frameview.h"
#include "tests/frames.h"
#include "tests/overlay/paint-reference.h"
#include "tests/overlay/stage.h"

using namespace fastscnn;
using namespace fastscnn::stage;

namespace {

constexpr int kWidth = 49, kHeight = 35;

PaintStyle default_style() {
  PaintStyle style;
  for (int id = 0; id < kClasses; id++)
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

/// Paints with the reference what the element should have painted.
void paint_expected(GstBuffer *buffer, const std::string &caps_text,
                    const Rect &part, const PaintMask &mask,
                    const PaintStyle &style) {
  GstCaps *caps = gst_caps_from_string(caps_text.c_str());
  GstVideoInfo info;
  g_assert_true(gst_video_info_from_caps(&info, caps));
  gst_caps_unref(caps);
  GstVideoFrame frame;
  g_assert_true(gst_video_frame_map(
      &frame, &info, buffer,
      GstMapFlags(GST_MAP_READWRITE | GST_VIDEO_FRAME_MAP_FLAG_NO_REF)));
  reference::paint(describe_frame(info, part), view_frame(frame, part), mask,
                   style);
  gst_video_frame_unmap(&frame);
}

void compare(GstBuffer *expected, GstBuffer *found, const std::string &what) {
  const std::vector<uint8_t> a = bytes_of(expected), b = bytes_of(found);
  g_assert_cmpuint(a.size(), ==, b.size());
  for (size_t i = 0; i < a.size(); i++)
    if (std::abs(a[i] - b[i]) > 1)
      g_error("%s: byte %zu is %d, expected %d", what.c_str(), i, b[i], a[i]);
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
      GstBuffer *expected = make_frame(caps, -1);
      attach(frame, ids, kWidth, kHeight, 0, 0, kWidth, kHeight);
      paint_expected(expected, caps, {0, 0, kWidth, kHeight},
                     mask_of(ids, kWidth, kHeight), default_style());
      Overlay overlay("", caps);
      GstBuffer *found = overlay.push(frame);
      compare(expected, found, caps);
      gst_buffer_unref(found);
      gst_buffer_unref(expected);
      if (rgb_or_gray) break;
    }
}

/// By hand: red over a grey of 100, half of each.
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
    Overlay overlay("", caps);
    GstBuffer *found = overlay.push(frame);
    const std::vector<uint8_t> bytes = bytes_of(found);
    const size_t at[3] = {0, rgb ? 1u : 32u * 32u, rgb ? 2u : 32u * 32u + 1u};
    for (int i = 0; i < 3; i++) {
      g_assert_cmpint(std::abs(bytes[at[i]] - c.first[i]), <=, 1);
      // Right of column 16 nothing is drawn.
      g_assert_cmpint(bytes[at[i] + (rgb ? 20 * 3 : 20)], ==, 100);
    }
    gst_buffer_unref(found);
  }
}

/// One picture in several formats is the same picture after painting.
void test_formats_agree() {
  constexpr int w = 48, h = 32;
  const auto ids = make_ids(w, h, 1, 12, 36);
  const auto paint = [&](const std::string &format) {
    // Grey, so that the frame itself is the same in all formats.
    const std::string caps =
        caps_of(format, w, h, format == "RGB" ? "" : "colorimetry=1:4:0:1");
    GstBuffer *frame = make_frame(caps, 128);
    attach(frame, ids, w, h, 0, 0, w, h);
    Overlay overlay("", caps);
    GstBuffer *found = overlay.push(frame);
    GstSample *sample = gst_sample_new(
        found, gst_pad_get_current_caps(overlay.harness()->sinkpad), nullptr,
        nullptr);
    gst_buffer_unref(found);
    GstCaps *rgb = gst_caps_from_string(
        "video/x-raw,format=RGB,colorimetry=sRGB,width=48,height=32");
    GError *error = nullptr;
    GstSample *converted =
        gst_video_convert_sample(sample, rgb, GST_SECOND * 10, &error);
    g_assert_no_error(error);
    const auto bytes = bytes_of(gst_sample_get_buffer(converted));
    gst_caps_unref(gst_sample_get_caps(sample));
    gst_sample_unref(sample);
    gst_sample_unref(converted);
    gst_caps_unref(rgb);
    return bytes;
  };
  const auto rgb = paint("RGB");
  for (const char *format : {"NV12", "I420", "YUY2", "UYVY"}) {
    const auto other = paint(format);
    for (int y = 0; y < h; y++)
      for (int x = 0; x < w; x++) {
        // Beside an edge the converter mixes what chroma shares.
        if (std::abs(x - 12) <= 2 || std::abs(x - 36) <= 2) continue;
        for (int c = 0; c < 3; c++) {
          const size_t i = (size_t(y) * w + x) * 3 + c;
          if (std::abs(rgb[i] - other[i]) > 2)
            g_error("%s: %d,%d is %d, in RGB %d", format, x, y, other[i],
                    rgb[i]);
        }
      }
  }
}

/// Strides and a crop that begins in the middle of a chroma block.
void test_strides_and_crop() {
  for (const char *format : {"NV12", "I420", "YUY2", "RGB", "GRAY8"})
    for (const Rect &part : {Rect{0, 0, kWidth, kHeight}, Rect{4, 6, 33, 21},
                             Rect{7, 5, 30, 22}}) {
      const std::string caps = caps_of(format, kWidth, kHeight);
      const std::string padded = caps_of(format, kWidth + 40, kHeight + 6);
      GstVideoInfo info;
      GstCaps *padded_caps = gst_caps_from_string(padded.c_str());
      g_assert_true(gst_video_info_from_caps(&info, padded_caps));
      gst_caps_unref(padded_caps);
      const auto ids = make_ids(kWidth, kHeight, 3, 3, 22);
      GstBuffer *frame = make_frame(padded, -1);
      GstBuffer *expected = make_frame(padded, -1);
      for (GstBuffer *buffer : {frame, expected})
        gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE,
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
      paint_expected(expected, caps, part, mask, default_style());
      Overlay overlay("", caps);
      GstBuffer *found = overlay.push(frame);
      compare(expected, found,
              caps + " crop " + std::to_string(part.x) + "," +
                  std::to_string(part.y));
      gst_buffer_unref(found);
      gst_buffer_unref(expected);
    }
}

/// A mask of another size that covers a part, partly outside the frame.
void test_placed_mask() {
  const std::string caps = caps_of("NV12", kWidth, kHeight);
  const auto ids = make_ids(20, 10, 0, 5, 15);
  GstBuffer *frame = make_frame(caps, -1), *expected = make_frame(caps, -1);
  attach(frame, ids, 20, 10, -7, 12, 60, 40);
  PaintMask mask = mask_of(ids, 20, 10);
  mask.x = -7;
  mask.y = 12;
  mask.covers_width = 60;
  mask.covers_height = 40;
  paint_expected(expected, caps, {0, 0, kWidth, kHeight}, mask,
                 default_style());
  Overlay overlay("", caps);
  GstBuffer *found = overlay.push(frame);
  compare(expected, found, "placed");
  gst_buffer_unref(found);
  gst_buffer_unref(expected);
}

void test_interlaced() {
  const std::string caps =
      caps_of("NV12", 48, 32, "interlace-mode=interleaved");
  GstBuffer *frame = make_frame(caps, 90);
  GST_BUFFER_FLAG_SET(
      frame, GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_TFF);
  attach(frame, make_ids(48, 32, 0, 0, 48), 48, 32, 0, 0, 48, 32);
  Overlay overlay("", caps);
  GstBuffer *found = overlay.push(frame);
  g_assert_true(GST_BUFFER_FLAG_IS_SET(
      found, GST_VIDEO_BUFFER_FLAG_INTERLACED | GST_VIDEO_BUFFER_FLAG_TFF));
  GstCaps *out = gst_pad_get_current_caps(overlay.harness()->sinkpad);
  g_assert_cmpstr(gst_structure_get_string(gst_caps_get_structure(out, 0),
                                           "interlace-mode"),
                  ==, "interleaved");
  gst_caps_unref(out);
  gst_buffer_unref(found);
}

/// Chroma samples of the top field lie half a line below lines 0, 4, 8 ..., of
/// the bottom field half a line above lines 3, 7, 11 ... (H.262, figure 6-2),
/// and stand for four lines of the frame. In both fields, painted chroma shows
/// the edge of a region where luma does.
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
    Overlay overlay("alpha=1", caps);
    GstBuffer *found = overlay.push(frame);
    const std::vector<uint8_t> bytes = bytes_of(found);
    gst_buffer_unref(found);
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

/// In place if nobody else sees the frame; a copy if somebody does.
void test_memory() {
  const std::string caps = caps_of("RGB", 32, 32);
  Overlay overlay("", caps);
  for (bool shared : {false, true}) {
    GstBuffer *frame = make_frame(caps, 77);
    attach(frame, make_ids(32, 32, 2, 0, 32), 32, 32, 0, 0, 32, 32);
    GstMemory *memory = gst_buffer_peek_memory(frame, 0);
    if (shared) gst_buffer_ref(frame);
    GstBuffer *found = overlay.push(frame);
    g_assert_true((gst_buffer_peek_memory(found, 0) == memory) == !shared);
    g_assert_cmpint(bytes_of(found)[1], !=, 77);
    if (shared) {
      for (uint8_t b : bytes_of(frame)) g_assert_cmpint(b, ==, 77);
      gst_buffer_unref(frame);
    }
    gst_buffer_unref(found);
  }
}

bool touched(const std::string &properties, bool has_mask, GstClockTime age = 0,
             const char *source = "test") {
  const std::string caps = caps_of("NV12", 64, 64);
  GstBuffer *frame = make_frame(caps, -1);
  const auto before = bytes_of(frame);
  GstMemory *memory = gst_buffer_peek_memory(frame, 0);
  if (has_mask)
    attach(frame, make_ids(64, 64, 2, 20, 40), 64, 64, 0, 0, 64, 64, source,
           age);
  Overlay overlay(properties, caps);
  GstBuffer *found = overlay.push(frame);
  g_assert_true(gst_buffer_peek_memory(found, 0) == memory);
  const bool differs = bytes_of(found) != before;
  gst_buffer_unref(found);
  return differs;
}

void test_missing() {
  for (const char *mode : {"blend", "mask", "contour", "cutout"}) {
    const std::string set = std::string("mode=") + mode;
    g_assert_false(touched(set, false));
    g_assert_true(touched(set + " on-missing=cover-all", false));
    g_assert_true(touched(set, true));
  }
  for (const char *mode : {"blur", "pixelate"}) {
    const std::string set = std::string("mode=") + mode;
    g_assert_true(touched(set, false));
    g_assert_false(touched(set + " on-missing=pass", false));
    // A mask with none of the classes in it is no missing mask.
    g_assert_false(touched(set + " classes=road", true));
  }
  g_assert_false(touched("max-age=1000", true, 1001));
  g_assert_false(touched("max-age=1000", true, GST_CLOCK_TIME_NONE));
  g_assert_true(touched("max-age=1000", true, 1000));
  g_assert_true(touched("", true, GST_CLOCK_TIME_NONE));
  g_assert_true(touched("mode=blur classes=road max-age=5", true, 6));
  g_assert_false(touched("source=other", true));
  g_assert_true(touched("source=other", true, 0, "other"));
  g_assert_false(touched("classes=road", true));
  g_assert_false(touched("classes=-car", true));
  g_assert_true(touched("classes=-road", true));
  g_assert_true(touched("classes=road draw-unknown=true", true));
  g_assert_false(touched("class-alpha=car=0", true));
  g_assert_false(touched("alpha=0", true));
}

void test_renegotiation() {
  Overlay overlay("mode=contour", caps_of("NV12", 64, 48));
  for (const char *format : {"NV12", "RGB", "YUY2", "NV12"})
    for (int width : {64, 33, 200}) {
      const std::string caps = caps_of(format, width, 40);
      gst_harness_set_caps_str(overlay.harness(), caps.c_str(), caps.c_str());
      const auto ids = make_ids(30, 20, 1, 8, 21);
      GstBuffer *frame = make_frame(caps, -1);
      GstBuffer *expected = make_frame(caps, -1);
      attach(frame, ids, 30, 20, 0, 0, width, 40);
      PaintMask mask = mask_of(ids, 30, 20);
      mask.covers_width = width;
      mask.covers_height = 40;
      PaintStyle style = default_style();
      style.mode = PaintMode::kContour;
      paint_expected(expected, caps, {0, 0, width, 40}, mask, style);
      GstBuffer *found = overlay.push(frame);
      compare(expected, found, caps);
      gst_buffer_unref(found);
      gst_buffer_unref(expected);
    }
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
  g_test_add_func("/overlay/renegotiation", test_renegotiation);
  return g_test_run();
}
