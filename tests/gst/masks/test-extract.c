/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The element classmaskextract on hand-made masks. */

#include "tests/support/masks.h"

#define FRAMES                                                      \
  "video/x-raw, format=I420, width=32, height=16, framerate=25/1, " \
  "pixel-aspect-ratio=1/1"

static const guint8 PIXELS[] = {0, 1, 1, 2, 2, 255, 0, 0};

static GstHarness *new_harness(const gchar *sink_caps) {
  GstHarness *h = gst_harness_new("classmaskextract");

  gst_harness_set_src_caps_str(h, FRAMES);
  if (sink_caps) gst_harness_set_sink_caps_str(h, sink_caps);
  return h;
}

static GstBuffer *new_masked_frame(guint number, guint width, guint height) {
  return new_frame(number, PIXELS, width, height);
}

static GstBuffer *new_plain_frame(guint number) {
  return new_frame(number, NULL, 0, 0);
}

static void assert_caps(GstHarness *h, const gchar *format, gint width,
                        gint height, gint par_n, gint par_d) {
  GstCaps *caps = gst_pad_get_current_caps(h->sinkpad);
  GstVideoInfo info;

  g_assert_nonnull(caps);
  g_assert_true(gst_video_info_from_caps(&info, caps));
  g_assert_cmpstr(info.finfo->name, ==, format);
  g_assert_cmpint(info.width, ==, width);
  g_assert_cmpint(info.height, ==, height);
  g_assert_cmpint(info.par_n, ==, par_n);
  g_assert_cmpint(info.par_d, ==, par_d);
  g_assert_cmpint(info.fps_n, ==, 25);
  gst_caps_unref(caps);
}

/* Pulls the next image and compares its rows, without padding. */
static void assert_image(GstHarness *h, guint number, const guint8 *expected) {
  GstBuffer *buffer = gst_harness_try_pull(h);
  GstCaps *caps = gst_pad_get_current_caps(h->sinkpad);
  GstVideoInfo info;
  GstVideoFrame frame;
  gsize row;

  g_assert_nonnull(buffer);
  g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, number * 40 * GST_MSECOND);
  g_assert_cmpuint(GST_BUFFER_DURATION(buffer), ==, 40 * GST_MSECOND);
  gst_video_info_from_caps(&info, caps);
  gst_caps_unref(caps);
  g_assert_true(gst_video_frame_map(&frame, &info, buffer, GST_MAP_READ));
  row = (gsize)info.width * GST_VIDEO_FRAME_COMP_PSTRIDE(&frame, 0);
  for (gint y = 0; y < info.height; y++)
    g_assert_cmpmem((guint8 *)GST_VIDEO_FRAME_PLANE_DATA(&frame, 0) +
                        y * GST_VIDEO_FRAME_PLANE_STRIDE(&frame, 0),
                    row, expected + y * row, row);
  gst_video_frame_unmap(&frame);
  gst_buffer_unref(buffer);
}

static void test_ids(void) {
  GstHarness *h = new_harness(NULL);

  push_frame(h, new_masked_frame(0, 4, 2));
  assert_caps(h, "GRAY8", 4, 2, 1, 1);
  assert_image(h, 0, PIXELS);
  gst_harness_teardown(h);
}

/* Size and pixel aspect ratio follow the masks. */
static void test_size_changes(void) {
  GstHarness *h = new_harness(NULL);

  push_frame(h, new_masked_frame(0, 4, 2));
  assert_image(h, 0, PIXELS);
  push_frame(h, new_masked_frame(1, 2, 4));
  assert_caps(h, "GRAY8", 2, 4, 4, 1);
  assert_image(h, 1, PIXELS);
  push_frame(h, new_masked_frame(2, 2, 4));
  assert_image(h, 2, PIXELS);
  gst_harness_teardown(h);
}

static void test_colors(void) {
  const guint8 rgba[] = {0x80, 0x40, 0x80, 255, 0,    0,    0x8e, 255,
                         0,    0,    0x8e, 255, 0xfa, 0xaa, 0x1e, 255,
                         0xfa, 0xaa, 0x1e, 255, 0,    0,    0,    0,
                         0x80, 0x40, 0x80, 255, 0x80, 0x40, 0x80, 255};
  guint8 rgb[24];
  GstHarness *h = new_harness("video/x-raw, format=RGBA");

  push_frame(h, new_masked_frame(0, 4, 2));
  assert_caps(h, "RGBA", 4, 2, 1, 1);
  assert_image(h, 0, rgba);
  gst_harness_teardown(h);

  for (guint i = 0; i < 8; i++) memcpy(rgb + 3 * i, rgba + 4 * i, 3);
  h = new_harness("video/x-raw, format=RGB");
  push_frame(h, new_masked_frame(0, 4, 2));
  assert_image(h, 0, rgb);
  gst_harness_teardown(h);
}

/* An id outside the class table is drawn as unknown. */
static void test_id_beyond_table(void) {
  const guint8 pixels[] = {0, 3, 200, 254};
  const guint8 rgba[] = {0x80, 0x40, 0x80, 255, 0, 0, 0, 0,
                         0,    0,    0,    0,   0, 0, 0, 0};
  GstHarness *h = new_harness("video/x-raw, format=RGBA");
  GstBuffer *frame = new_plain_frame(0);

  add_mask(frame, new_image(pixels, 4, 1, 4, 0), NULL, 32, 16);
  push_frame(h, frame);
  assert_image(h, 0, rgba);
  gst_harness_teardown(h);
}

static void test_scale_to_frame(void) {
  guint8 expected[32 * 16];
  guint8 *rgba = g_malloc0(32 * 16 * 4);
  GstHarness *h = new_harness(NULL);

  for (guint y = 0; y < 16; y++)
    for (guint x = 0; x < 32; x++)
      expected[y * 32 + x] = PIXELS[y / 8 * 4 + x / 8];
  g_object_set(h->element, "scale-to-frame", TRUE, NULL);
  push_frame(h, new_masked_frame(0, 4, 2));
  assert_caps(h, "GRAY8", 32, 16, 1, 1);
  assert_image(h, 0, expected);
  gst_harness_teardown(h);

  for (guint i = 0; i < 32 * 16; i++) {
    const guint32 colors[] = {0x804080, 0x00008e, 0xfaaa1e};
    if (expected[i] == 255) continue;
    GST_WRITE_UINT32_BE(rgba + 4 * i, colors[expected[i]] << 8 | 255);
  }
  h = new_harness("video/x-raw, format=RGBA");
  g_object_set(h->element, "scale-to-frame", TRUE, NULL);
  push_frame(h, new_masked_frame(0, 4, 2));
  assert_image(h, 0, rgba);
  gst_harness_teardown(h);
  g_free(rgba);
}

/* The mask is drawn where it lies in the visible part of the frame. */
static void test_cropped(void) {
  GstHarness *h = gst_harness_new("classmaskextract");
  GstBuffer *frame = new_masked_frame(0, 4, 2);

  g_object_set(h->element, "scale-to-frame", TRUE, NULL);
  gst_harness_set_src_caps_str(
      h, "video/x-raw, format=I420, width=3, height=2, framerate=25/1");
  crop_frame(frame, 6, 7, 3, 2); /* blocks of 8x8 pixels meet inside */
  push_frame(h, frame);
  assert_image(h, 0, (const guint8[]){0, 0, 1, 2, 2, 255});
  gst_harness_teardown(h);
}

static void test_times(void) {
  GstHarness *h = new_harness(NULL);
  GstBuffer *frame = new_masked_frame(0, 4, 2), *image;
  GstCaps *ntp = gst_caps_new_empty_simple("timestamp/x-ntp");
  GstReferenceTimestampMeta *stamp;

  add_times(frame);
  push_frame(h, frame);
  image = gst_harness_pull(h);
  g_assert_nonnull(gst_buffer_get_video_time_code_meta(image));
  g_assert_cmpuint(gst_buffer_get_video_time_code_meta(image)->tc.frames, ==,
                   4);
  g_assert_cmpuint(
      gst_buffer_get_n_meta(image, GST_REFERENCE_TIMESTAMP_META_API_TYPE), ==,
      2);
  stamp = gst_buffer_get_reference_timestamp_meta(image, ntp);
  g_assert_cmpuint(stamp->timestamp, ==, 123456789);
  g_assert_null(gst_buffer_get_class_mask_meta(image));
  gst_caps_unref(ntp);
  gst_buffer_unref(image);
  gst_harness_teardown(h);
}

static void test_skip(void) {
  GstHarness *h = new_harness(NULL);
  gchar *names;

  push_frame(h, new_plain_frame(0));
  g_assert_null(gst_harness_try_pull(h));
  push_frame(h, new_masked_frame(1, 4, 2));
  assert_image(h, 1, PIXELS);
  push_frame(h, new_plain_frame(2));
  g_assert_null(gst_harness_try_pull(h));
  names = pull_event_names(h);
  g_assert_nonnull(strstr(names, "gap"));
  g_free(names);
  gst_harness_teardown(h);
}

static void test_repeat(void) {
  GstHarness *h = new_harness(NULL);

  gst_util_set_object_arg(G_OBJECT(h->element), "on-missing", "repeat");
  push_frame(h, new_plain_frame(0));
  g_assert_null(gst_harness_try_pull(h));
  push_frame(h, new_masked_frame(1, 4, 2));
  assert_image(h, 1, PIXELS);
  push_frame(h, new_plain_frame(2));
  assert_image(h, 2, PIXELS);
  push_frame(h, new_plain_frame(3));
  assert_image(h, 3, PIXELS);
  /* A flush drops the mask. */
  push_flush(h);
  push_frame(h, new_plain_frame(4));
  g_assert_null(gst_harness_try_pull(h));
  gst_harness_teardown(h);
}

static void test_blank(void) {
  guint8 unknown[32 * 16];
  GstHarness *h = new_harness(NULL);

  memset(unknown, 255, sizeof unknown);
  gst_util_set_object_arg(G_OBJECT(h->element), "on-missing", "blank");
  push_frame(h, new_plain_frame(0));
  assert_caps(h, "GRAY8", 32, 16, 1, 1);
  assert_image(h, 0, unknown);
  push_frame(h, new_masked_frame(1, 4, 2));
  assert_image(h, 1, PIXELS);
  push_frame(h, new_plain_frame(2));
  assert_caps(h, "GRAY8", 4, 2, 1, 1);
  assert_image(h, 2, unknown);
  gst_harness_teardown(h);
}

static void test_source(void) {
  const guint8 other[] = {2, 2};
  GstHarness *h = new_harness(NULL);
  GstBuffer *frame = new_masked_frame(0, 4, 2);

  add_mask(frame, new_image(other, 2, 1, 2, 0), "back", 32, 16);
  g_object_set(h->element, "source", "front", NULL);
  push_frame(h, gst_buffer_ref(frame));
  assert_image(h, 0, PIXELS);
  g_object_set(h->element, "source", "", NULL);
  push_frame(h, gst_buffer_ref(frame));
  assert_image(h, 0, other);
  g_object_set(h->element, "source", "nobody", NULL);
  push_frame(h, frame);
  g_assert_null(gst_harness_try_pull(h));
  gst_harness_teardown(h);
}

/* Tags and the segment are pushed once, after the caps. */
static void test_event_order(void) {
  GstHarness *h = new_harness(NULL);
  gchar *names;

  gst_harness_push_event(h, gst_event_new_tag(gst_tag_list_new_empty()));
  push_frame(h, new_plain_frame(0));
  push_frame(h, new_masked_frame(1, 4, 2));
  push_frame(h, new_masked_frame(2, 4, 2));
  gst_harness_push_event(h, gst_event_new_eos());
  names = pull_event_names(h);
  g_assert_cmpstr(names, ==, "stream-start caps segment tag gap caps eos ");
  g_free(names);
  gst_harness_teardown(h);
}

/* Events before the first frame keep their place. */
static void test_early_events(void) {
  GstHarness *h = new_harness(NULL);
  GstStructure *custom = gst_structure_new_empty("custom");
  gchar *names;

  gst_harness_push_event(
      h, gst_event_new_custom(GST_EVENT_CUSTOM_DOWNSTREAM, custom));
  gst_harness_push_event(h, gst_event_new_gap(0, GST_SECOND));
  gst_harness_push_event(h, gst_event_new_segment_done(GST_FORMAT_TIME, 0));
  push_frame(h, new_masked_frame(1, 4, 2));
  names = pull_event_names(h);
  g_assert_cmpstr(names, ==,
                  "stream-start caps segment custom-downstream gap "
                  "segment-done caps ");
  g_free(names);
  gst_harness_teardown(h);
}

/* If the size of the frames is not accepted, events wait for a mask. */
static void test_events_wait(void) {
  GstHarness *h = new_harness("video/x-raw, width=4");
  gchar *names;

  gst_harness_push_event(h, gst_event_new_gap(0, GST_SECOND));
  push_frame(h, new_plain_frame(0));
  push_frame(h, new_masked_frame(1, 4, 2));
  assert_image(h, 1, PIXELS);
  names = pull_event_names(h);
  g_assert_cmpstr(names, ==, "stream-start caps segment gap ");
  g_free(names);
  gst_harness_teardown(h);
}

/* An image after frames without a mask has the flag DISCONT. */
static void test_discont(void) {
  const gboolean expected[] = {FALSE, TRUE, FALSE};
  GstHarness *h = new_harness(NULL);

  push_frame(h, new_masked_frame(0, 4, 2));
  push_frame(h, new_plain_frame(1));
  push_frame(h, new_masked_frame(2, 4, 2));
  push_frame(h, new_masked_frame(3, 4, 2));
  for (guint i = 0; i < 3; i++) {
    GstBuffer *image = gst_harness_pull(h);
    g_assert_cmpint(GST_BUFFER_IS_DISCONT(image), ==, expected[i]);
    gst_buffer_unref(image);
  }
  gst_harness_teardown(h);
}

static void test_eos_without_mask(void) {
  GstHarness *h = new_harness(NULL);
  gchar *names;

  push_frame(h, new_plain_frame(0));
  gst_harness_push_event(h, gst_event_new_eos());
  names = pull_event_names(h);
  g_assert_nonnull(strstr(names, "segment"));
  g_assert_true(g_str_has_suffix(names, "eos "));
  g_free(names);
  gst_harness_teardown(h);
}

static void test_invalid_mask(void) {
  GstHarness *h = new_harness(NULL);
  GstBuffer *frame = new_masked_frame(0, 4, 2);

  gst_buffer_get_video_meta(gst_buffer_get_class_mask_meta(frame)->mask)
      ->height = 3000;
  push_frame(h, frame);
  g_assert_null(gst_harness_try_pull(h));
  push_frame(h, new_masked_frame(1, 4, 2));
  assert_image(h, 1, PIXELS);
  gst_harness_teardown(h);
}

static void test_refused_downstream(void) {
  GstHarness *h = new_harness("video/x-raw, format=GRAY8, width=99");

  g_assert_cmpint(gst_harness_push(h, new_masked_frame(0, 4, 2)), ==,
                  GST_FLOW_NOT_NEGOTIATED);
  gst_harness_teardown(h);
}

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/extract/ids", test_ids);
  g_test_add_func("/extract/size-changes", test_size_changes);
  g_test_add_func("/extract/colors", test_colors);
  g_test_add_func("/extract/id-beyond-table", test_id_beyond_table);
  g_test_add_func("/extract/scale-to-frame", test_scale_to_frame);
  g_test_add_func("/extract/cropped", test_cropped);
  g_test_add_func("/extract/times", test_times);
  g_test_add_func("/extract/skip", test_skip);
  g_test_add_func("/extract/repeat", test_repeat);
  g_test_add_func("/extract/blank", test_blank);
  g_test_add_func("/extract/source", test_source);
  g_test_add_func("/extract/event-order", test_event_order);
  g_test_add_func("/extract/early-events", test_early_events);
  g_test_add_func("/extract/events-wait", test_events_wait);
  g_test_add_func("/extract/discont", test_discont);
  g_test_add_func("/extract/eos-without-mask", test_eos_without_mask);
  g_test_add_func("/extract/invalid-mask", test_invalid_mask);
  g_test_add_func("/extract/refused-downstream", test_refused_downstream);
  return g_test_run();
}
