// SPDX-License-Identifier: LGPL-2.1-or-later
// How the element reads frames and places masks, compared pixel by pixel with
// the fake engine: formats, sizes, strides, crops, mask sizes.
#include <algorithm>

#include "gst/base/frameview.h"
#include "tests/support/elements.h"

using namespace fastscnn;
using namespace fastscnn::testing;

namespace {

const char *const kFormats[] = {"NV12", "NV21", "I420", "YV12", "YUY2", "UYVY",
                                "RGB",  "BGR",  "RGBx", "BGRx", "xRGB", "xBGR",
                                "RGBA", "BGRA", "ARGB", "ABGR", "GRAY8"};

/// Tiles of 5x3 pixels with the mean brightness of a class.
uint8_t tiles(int x, int y) {
  const int id = (x / 5 + y / 3 * 3) % kClasses;
  return static_cast<uint8_t>((2 * id + 1) * 255 / (2 * kClasses));
}

uint8_t expected_class(int x, int y) {
  return fake_class(tiles(x, y) / 255.f, kClasses);
}

void check_mask(GstBuffer *frame, const Rect &part) {
  GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(frame);
  g_assert_nonnull(meta);
  g_assert_cmpint(meta->x, ==, part.x);
  g_assert_cmpint(meta->y, ==, part.y);
  g_assert_cmpint(meta->width, ==, part.width);
  g_assert_cmpint(meta->height, ==, part.height);
  g_assert_cmpuint(meta->age, ==, 0);
  const std::vector<uint8_t> mask = pixels_of(meta->mask);
  g_assert_cmpuint(mask.size(), ==, part.width * part.height);
  for (int y = 0; y < part.height; y++)
    for (int x = 0; x < part.width; x++)
      g_assert_cmpint(mask[y * part.width + x], ==,
                      expected_class(part.x + x, part.y + y));
}

void test_formats() {
  const int sizes[][2] = {{64, 48}, {33, 57}, {16, 16}, {129, 31}};
  for (const char *format : kFormats)
    for (auto &size : sizes) {
      g_test_message("%s %dx%d", format, size[0], size[1]);
      Stream stream("", caps_of(format, size[0], size[1]));
      check_mask(stream.push(stream.make_frame(0, tiles)),
                 {0, 0, size[0], size[1]});
    }
}

/// The same buffer with the same memory comes out.
void test_untouched() {
  Stream stream("", caps_of("NV12", 64, 48));
  GstBuffer *sent = stream.make_frame(0, tiles);
  GstMemory *memory = gst_buffer_peek_memory(sent, 0);
  const OwnedBuffer frame = stream.push(sent);
  g_assert_true(frame == sent);
  g_assert_true(gst_buffer_peek_memory(frame, 0) == memory);
}

/// Another owner of the buffer sees neither mask nor change.
void test_shared_buffer() {
  Stream stream("", caps_of("RGB", 64, 48));
  GstBuffer *sent = stream.make_frame(0, tiles);
  GstBuffer *other = gst_buffer_ref(sent);
  GstMemory *memory = gst_buffer_peek_memory(sent, 0);
  const OwnedBuffer frame = stream.push(sent);
  g_assert_true(frame != other);
  g_assert_true(gst_buffer_peek_memory(frame, 0) == memory);
  g_assert_null(gst_buffer_get_class_mask_meta(other));
  check_mask(frame, {0, 0, 64, 48});
  gst_buffer_unref(other);
}

/// A copy of the frame with padded rows and a border.
GstBuffer *with_padding(const GstVideoInfo &info, GstBuffer *tight) {
  GstVideoInfo padded = info;
  GstVideoAlignment align;
  gst_video_alignment_reset(&align);
  align.padding_left = 32;
  align.padding_right = 64;
  align.padding_top = 4;
  align.padding_bottom = 8;
  g_assert_true(gst_video_info_align(&padded, &align));
  GstBuffer *buffer =
      gst_buffer_new_allocate(nullptr, GST_VIDEO_INFO_SIZE(&padded), nullptr);
  gst_buffer_memset(buffer, 0, 0xaa, GST_VIDEO_INFO_SIZE(&padded));
  gst_buffer_add_video_meta_full(
      buffer, GST_VIDEO_FRAME_FLAG_NONE, GST_VIDEO_INFO_FORMAT(&info),
      GST_VIDEO_INFO_WIDTH(&info), GST_VIDEO_INFO_HEIGHT(&info),
      GST_VIDEO_INFO_N_PLANES(&info), padded.offset, padded.stride);
  GstVideoFrame src, dst;
  g_assert_true(gst_video_frame_map(&src, &info, tight, GST_MAP_READ));
  g_assert_true(gst_video_frame_map(&dst, &info, buffer, GST_MAP_WRITE));
  g_assert_cmpint(GST_VIDEO_FRAME_PLANE_STRIDE(&dst, 0), >,
                  GST_VIDEO_FRAME_PLANE_STRIDE(&src, 0));
  g_assert_true(gst_video_frame_copy(&dst, &src));
  gst_video_frame_unmap(&src);
  gst_video_frame_unmap(&dst);
  gst_buffer_unref(tight);
  return buffer;
}

void test_strides() {
  for (const char *format : kFormats) {
    Stream stream("", caps_of(format, 70, 50));
    check_mask(
        stream.push(with_padding(stream.info, stream.make_frame(0, tiles))),
        {0, 0, 70, 50});
  }
}

GstBuffer *with_crop(GstBuffer *frame, const Rect &part) {
  GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta(frame);
  crop->x = part.x;
  crop->y = part.y;
  crop->width = part.width;
  crop->height = part.height;
  return frame;
}

/// The mask covers the crop and is that of the cropped image.
void test_crop() {
  const Rect parts[] = {
      {0, 0, 64, 48}, {2, 4, 32, 32}, {7, 5, 33, 21}, {47, 31, 17, 17}};
  for (const char *format : kFormats) {
    Stream stream("", caps_of(format, 64, 48));
    int number = 0;
    for (const Rect &part : parts) {
      check_mask(
          stream.push(with_crop(stream.make_frame(number++, tiles), part)),
          part);
    }
  }
}

/// Decoders output frames larger than the visible part.
void test_crop_of_larger_frame() {
  Stream stream("", caps_of("NV12", 64, 64));
  const GstVideoInfo coded = stream.info;
  GstBuffer *frame = stream.make_frame(0, tiles);
  gst_buffer_add_video_meta(frame, GST_VIDEO_FRAME_FLAG_NONE,
                            GST_VIDEO_INFO_FORMAT(&coded), 64, 64);
  stream.set_caps(caps_of("NV12", 50, 40));
  check_mask(stream.push(with_crop(frame, {3, 8, 50, 40})), {3, 8, 50, 40});
}

void test_renegotiation() {
  FakeControl &control = reset_control();
  Stream stream;
  const int sizes[][2] = {{64, 48}, {48, 64}, {320, 240}, {17, 19}};
  int number = 0;
  for (auto &size : sizes)
    for (const char *format : {"NV12", "RGBx", "GRAY8"}) {
      stream.set_caps(caps_of(format, size[0], size[1]));
      for (int i = 0; i < 2; i++)
        check_mask(stream.push(stream.make_frame(number++, tiles)),
                   {0, 0, size[0], size[1]});
    }
  g_assert_cmpint(control.configures, ==, 12);
  g_assert_false(stream.has_message(GST_MESSAGE_ERROR));
}

struct Size {
  guint width, height;
};

Size mask_size(const std::string &properties) {
  Stream stream(properties, caps_of("RGB", 200, 100));
  const OwnedBuffer frame = stream.push(stream.make_frame(0, tiles));
  GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(frame);
  g_assert_nonnull(meta);
  g_assert_cmpint(meta->width, ==, 200);
  g_assert_cmpint(meta->height, ==, 100);
  const GstVideoMeta *video = gst_buffer_get_video_meta(meta->mask);
  const Size size = {video->width, video->height};
  return size;
}

void test_mask_size() {
  Size size = mask_size("mask-size=frame");
  g_assert_cmpuint(size.width, ==, 200);
  g_assert_cmpuint(size.height, ==, 100);
  size = mask_size("mask-size=network infer-width=128 infer-height=96");
  g_assert_cmpuint(size.width, ==, 128);
  g_assert_cmpuint(size.height, ==, 96);
  size = mask_size("mask-size=grid infer-width=128 infer-height=96");
  g_assert_cmpuint(size.width, ==, 16);
  g_assert_cmpuint(size.height, ==, 12);
  // By default: the aspect ratio of the frame, in multiples of 32.
  size = mask_size("mask-size=network");
  g_assert_cmpuint(size.width % 32, ==, 0);
  g_assert_cmpuint(size.height % 32, ==, 0);
  g_assert_cmpuint(size.width, >, size.height);
  // Other sizes are rounded to multiples of 32.
  size = mask_size("mask-size=network infer-width=130 infer-height=90");
  g_assert_cmpuint(size.width, ==, 128);
  g_assert_cmpuint(size.height, ==, 96);
}

void test_confidence() {
  Stream stream("confidence-map=true confidence-threshold=0.5",
                caps_of("GRAY8", 64, 48));
  OwnedBuffer frame = stream.push(stream.make_frame(0, tiles));
  GstClassMaskMeta *meta = gst_buffer_get_class_mask_meta(frame);
  g_assert_nonnull(meta->confidence);
  const std::vector<uint8_t> mask = pixels_of(meta->mask);
  const std::vector<uint8_t> confidence = pixels_of(meta->confidence);
  g_assert_cmpuint(mask.size(), ==, confidence.size());
  for (int i = 0; i < 64 * 48; i++) {
    const uint8_t value = tiles(i % 64, i / 64);
    g_assert_cmpint(confidence[i], ==, value);
    g_assert_cmpint(
        mask[i], ==,
        value < 128 ? GST_CLASS_MASK_UNKNOWN : expected_class(i % 64, i / 64));
  }

  g_object_set(stream.element, "confidence-map", FALSE, "confidence-threshold",
               0.0, nullptr);
  frame = stream.push(stream.make_frame(1, tiles));
  check_mask(frame, {0, 0, 64, 48});
  g_assert_null(gst_buffer_get_class_mask_meta(frame)->confidence);
}

void test_source_and_classes() {
  Stream stream("name=front", caps_of("GRAY8", 64, 48));
  const OwnedBuffer frame = stream.push(stream.make_frame(0, tiles));
  GstClassMaskMeta *meta =
      gst_buffer_get_class_mask_meta_by_source(frame, "front");
  g_assert_nonnull(meta);
  g_assert_cmpstr(gst_class_mask_classes_get_model(meta->classes), ==, "test");
  g_assert_cmpuint(gst_class_mask_classes_get_size(meta->classes), ==,
                   kClasses);
  GstCustomMeta *summary =
      gst_buffer_get_custom_meta(frame, "ClassMaskSummary");
  g_assert_nonnull(summary);
  g_assert_cmpstr(gst_structure_get_string(
                      gst_custom_meta_get_structure(summary), "source"),
                  ==, "front");
}

/// Masks are reused after their last reference is dropped, and only then.
void test_recycling() {
  Stream stream("", caps_of("GRAY8", 64, 48));
  const OwnedBuffer first = stream.push(stream.make_frame(0, 20));
  OwnedBuffer second = stream.push(stream.make_frame(1, 240));
  g_assert_cmpint(class_in_centre(first), ==, 0);
  g_assert_cmpint(class_in_centre(second), ==, kClasses - 1);
  second = OwnedBuffer(nullptr);
  std::vector<GstBuffer *> masks;
  for (int i = 2; i < 12; i++) {
    const OwnedBuffer frame = stream.push(stream.make_frame(i, 240));
    GstBuffer *mask = gst_buffer_get_class_mask_meta(frame)->mask;
    if (std::find(masks.begin(), masks.end(), mask) == masks.end())
      masks.push_back(mask);
  }
  g_assert_cmpuint(masks.size(), <=, 3);
  g_assert_cmpint(class_in_centre(first), ==, 0);
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  install_engines({"cpu"});
  g_test_add_func("/frames/formats", test_formats);
  g_test_add_func("/frames/untouched", test_untouched);
  g_test_add_func("/frames/shared-buffer", test_shared_buffer);
  g_test_add_func("/frames/strides", test_strides);
  g_test_add_func("/frames/crop", test_crop);
  g_test_add_func("/frames/crop-of-larger-frame", test_crop_of_larger_frame);
  g_test_add_func("/frames/renegotiation", test_renegotiation);
  g_test_add_func("/frames/mask-size", test_mask_size);
  g_test_add_func("/frames/confidence", test_confidence);
  g_test_add_func("/frames/source-and-classes", test_source_and_classes);
  g_test_add_func("/frames/recycling", test_recycling);
  return g_test_run();
}
