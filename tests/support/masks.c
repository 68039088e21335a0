/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/support/masks.h"

GstClassMaskClasses *new_classes(void) {
  const gchar *labels[] = {"road", "car", "traffic \"light\""};
  const guint32 colors[] = {0x804080, 0x00008e, 0xfaaa1e};

  const gchar *alias = "vehicle";

  return gst_class_mask_classes_new_with_aliases("hand-made", 3, labels, colors,
                                                 1, &alias, labels + 1);
}

GstBuffer *new_image(const guint8 *pixels, guint width, guint height,
                     gint stride, gsize offset) {
  gsize offsets[GST_VIDEO_MAX_PLANES] = {offset};
  gint strides[GST_VIDEO_MAX_PLANES] = {stride};
  gsize size = offset + (gsize)stride * (height - 1) + width;
  guint8 *data = g_malloc(size);

  memset(data, 77, size);
  for (guint y = 0; y < height; y++)
    memcpy(data + offset + (gsize)y * stride, pixels + (gsize)y * width, width);
  GstBuffer *buffer = gst_buffer_new_wrapped(data, size);
  gst_buffer_add_video_meta_full(buffer, GST_VIDEO_FRAME_FLAG_NONE,
                                 GST_VIDEO_FORMAT_GRAY8, width, height, 1,
                                 offsets, strides);
  return buffer;
}

GstClassMaskMeta *add_mask(GstBuffer *buffer, GstBuffer *mask,
                           const gchar *source, guint frame_width,
                           guint frame_height) {
  GstClassMaskClasses *classes = new_classes();
  GstClassMaskMeta *meta = gst_buffer_add_class_mask_meta(
      buffer, mask, classes, 0, 0, frame_width, frame_height);

  if (meta && source) meta->source = g_quark_from_string(source);
  gst_class_mask_classes_unref(classes);
  return meta;
}

void random_pixels(GRand *rand, guint8 *pixels, guint width, guint height,
                   guint n_classes, guint n_rectangles) {
  memset(pixels, 0, (gsize)width * height);
  for (guint i = 0; i < n_rectangles; i++) {
    guint x = g_rand_int_range(rand, 0, width);
    guint y = g_rand_int_range(rand, 0, height);
    guint w = g_rand_int_range(rand, 1, width - x + 1);
    guint h = g_rand_int_range(rand, 1, MIN(height - y, 4) + 1);
    guint id = g_rand_int_range(rand, 0, n_classes + 1);

    for (guint row = y; row < y + h; row++)
      memset(pixels + (gsize)row * width + x, id == n_classes ? 255 : id, w);
  }
}

GstBuffer *new_frame(guint number, const guint8 *pixels, guint width,
                     guint height) {
  GstBuffer *frame = gst_buffer_new_allocate(NULL, 32 * 16 * 3 / 2, NULL);

  GST_BUFFER_PTS(frame) = number * 40 * GST_MSECOND;
  GST_BUFFER_DURATION(frame) = 40 * GST_MSECOND;
  if (pixels)
    g_assert_nonnull(add_mask(frame,
                              new_image(pixels, width, height, width + 3, 2),
                              "front", 32, 16));
  return frame;
}

void crop_frame(GstBuffer *frame, guint x, guint y, guint width, guint height) {
  GstVideoCropMeta *crop = gst_buffer_add_video_crop_meta(frame);

  crop->x = x;
  crop->y = y;
  crop->width = width;
  crop->height = height;
}

void add_times(GstBuffer *frame) {
  GstCaps *ntp = gst_caps_new_empty_simple("timestamp/x-ntp");
  GstCaps *unix_time = gst_caps_new_empty_simple("timestamp/x-unix");

  gst_buffer_add_video_time_code_meta_full(
      frame, 25, 1, NULL, GST_VIDEO_TIME_CODE_FLAGS_NONE, 1, 2, 3, 4, 0);
  gst_buffer_add_reference_timestamp_meta(frame, ntp, 123456789, 40);
  gst_buffer_add_reference_timestamp_meta(frame, unix_time, 5,
                                          GST_CLOCK_TIME_NONE);
  gst_caps_unref(ntp);
  gst_caps_unref(unix_time);
}

void push_frame(GstHarness *h, GstBuffer *frame) {
  g_assert_cmpint(gst_harness_push(h, frame), ==, GST_FLOW_OK);
}

void push_flush(GstHarness *h) {
  GstSegment segment;

  gst_segment_init(&segment, GST_FORMAT_TIME);
  g_assert_true(gst_harness_push_event(h, gst_event_new_flush_start()));
  g_assert_true(gst_harness_push_event(h, gst_event_new_flush_stop(TRUE)));
  g_assert_true(gst_harness_push_event(h, gst_event_new_segment(&segment)));
}

gchar *pull_event_names(GstHarness *h) {
  GString *names = g_string_new(NULL);
  GstEvent *event;

  while ((event = gst_harness_try_pull_event(h))) {
    g_string_append_printf(names, "%s ", GST_EVENT_TYPE_NAME(event));
    gst_event_unref(event);
  }
  return g_string_free(names, FALSE);
}
