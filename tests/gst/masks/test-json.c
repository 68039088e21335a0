/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Tests when classmaskjson writes lines. test_json_schema.py tests their
 * contents. */

#include "tests/support/masks.h"

static const guint8 PIXELS[] = {0, 1, 1, 2, 2, 255, 7, 0};

static GstHarness *new_harness(void) {
  GstHarness *h = gst_harness_new("classmaskjson");

  g_object_set(h->element, "rle", TRUE, "regions", TRUE, NULL);
  gst_harness_set_src_caps_str(
      h, "video/x-raw, format=NV12, width=32, height=16, framerate=25/1");
  return h;
}

/* GStreamer deserialises only registered metas. Loading the plugin is enough to
 * register them. */
static void test_registered(void) {
  GstElement *element;

  g_assert_null(gst_meta_get_info("GstClassMaskMeta"));
  element = gst_element_factory_make("classmaskjson", NULL);
  g_assert_nonnull(gst_meta_get_info("GstClassMaskMeta"));
  g_assert_nonnull(gst_meta_get_info(GST_CLASS_MASK_SUMMARY_META_NAME));
  gst_object_unref(element);
}

static GstBuffer *new_masked_frame(guint number, guint width, guint height) {
  return new_frame(number, PIXELS, width, height);
}

static gchar *pull_line(GstHarness *h, guint number) {
  GstBuffer *buffer = gst_harness_try_pull(h);
  gchar *line;
  gpointer data;
  gsize size;

  g_assert_nonnull(buffer);
  g_assert_cmpuint(GST_BUFFER_PTS(buffer), ==, number * 40 * GST_MSECOND);
  g_assert_cmpuint(GST_BUFFER_DURATION(buffer), ==, 40 * GST_MSECOND);
  gst_buffer_extract_dup(buffer, 0, -1, &data, &size);
  line = g_strndup(data, size);
  g_assert_cmpuint(strlen(line), ==, size);
  g_assert_true(g_str_has_suffix(line, "}\n"));
  g_free(data);
  gst_buffer_unref(buffer);
  return line;
}

static void test_line(void) {
  GstHarness *h = new_harness();
  gchar *line;

  push_frame(h, new_masked_frame(3, 1, 1));
  line = pull_line(h, 3);
  g_assert_true(g_str_has_prefix(
      line, "{\"pts\":120000000,\"running_time\":120000000,\"utc\":\"20"));
  g_assert_cmpstr(
      strstr(line, "\"utc_source\""), ==,
      "\"utc_source\":\"clock\",\"age\":0,\"width\":1,"
      "\"height\":1,\"covers\":[0,0,32,16],\"source\":\"front\","
      "\"model\":\"hand-made\",\"unknown\":{\"pixels\":0,"
      "\"fraction\":0.000000},\"classes\":[{\"id\":0,\"label\":\"road\","
      "\"pixels\":1,\"fraction\":1.000000,\"regions\":[{\"x\":0,\"y\":0,"
      "\"width\":1,\"height\":1,\"area\":1}],\"rle\":{\"size\":[1,1],"
      "\"counts\":\"01\"}}]}\n");
  g_free(line);
  push_frame(h, new_masked_frame(4, 8, 1));
  g_free(pull_line(h, 4));
  push_frame(h, new_masked_frame(5, 2, 4));
  g_free(pull_line(h, 5));
  gst_harness_teardown(h);
}

static void assert_contains(GstHarness *h, guint number, GstBuffer *frame,
                            const gchar *text) {
  gchar *line;

  push_frame(h, frame);
  line = pull_line(h, number);
  g_assert_nonnull(strstr(line, text));
  g_free(line);
}

/* A crop meta hides parts of the frame; the mask covers the whole frame, or
 * what was visible when it was made. */
static void test_cropped(void) {
  GstHarness *h = new_harness();
  GstBuffer *frame = new_masked_frame(0, 4, 2);

  crop_frame(frame, 5, 3, 20, 10);
  assert_contains(h, 0, frame, "\"covers\":[-5,-3,32,16],");

  frame = new_masked_frame(1, 4, 2);
  crop_frame(frame, 5, 3, 20, 10);
  gst_buffer_get_class_mask_meta(frame)->x = 5;
  gst_buffer_get_class_mask_meta(frame)->y = 3;
  assert_contains(h, 1, frame, "\"covers\":[0,0,32,16],");
  gst_harness_teardown(h);
}

static void test_times(void) {
  GstHarness *h = new_harness();
  GstBuffer *frame = new_masked_frame(2, 4, 2);

  add_times(frame);
  assert_contains(
      h, 2, frame,
      "\"running_time\":80000000,\"utc\":\"1970-01-01T00:00:00.000000Z\","
      "\"utc_source\":\"unix\",\"time_code\":\"01:02:03:04\","
      "\"reference_timestamps\":["
      "{\"reference\":\"timestamp/x-ntp\",\"timestamp\":123456789},"
      "{\"reference\":\"timestamp/x-unix\",\"timestamp\":5}],\"age\":");
  gst_harness_teardown(h);
}

static void add_reference(GstBuffer *frame, const gchar *clock,
                          guint64 seconds) {
  GstCaps *caps = gst_caps_from_string(clock);

  gst_buffer_add_reference_timestamp_meta(
      frame, caps, seconds * GST_SECOND + 250 * GST_MSECOND,
      GST_CLOCK_TIME_NONE);
  gst_caps_unref(caps);
}

#define NTP_2026 \
  (G_GUINT64_CONSTANT(1767312000) + G_GUINT64_CONSTANT(2208988800))

/* The time of day comes from the best source that a frame has. */
static void test_utc(void) {
  GstHarness *h = new_harness();
  GstBuffer *frame = new_masked_frame(0, 4, 2);
  GDateTime *day =
      g_date_time_new_from_iso8601("2026-01-02T00:00:00+02:00", NULL);
  const gchar *texts[] = {
      "\"utc\":\"2026-01-02T00:00:00.250000Z\","
      "\"utc_source\":\"ntp\"",
      "\"utc\":\"2026-01-02T00:00:07.250000Z\","
      "\"utc_source\":\"unix\"",
      "\"utc\":\"2026-01-01T23:02:03.160000Z\","
      "\"utc_source\":\"time-code\"",
      "\"utc_source\":\"clock\""};

  /* Each frame lacks the best source of the previous one. */
  for (guint i = 0; i < 4; i++) {
    frame = i == 0 ? frame : new_masked_frame(i, 4, 2);
    if (i < 3)
      gst_buffer_add_video_time_code_meta_full(
          frame, 25, 1, day, GST_VIDEO_TIME_CODE_FLAGS_NONE, 1, 2, 3, 4, 0);
    else
      gst_buffer_add_video_time_code_meta_full(
          frame, 25, 1, NULL, GST_VIDEO_TIME_CODE_FLAGS_NONE, 1, 2, 3, 4, 0);
    if (i < 2) add_reference(frame, "timestamp/x-unix, a=(int)1", 1767312007);
    /* A camera that counts from power-on does not know the time. */
    add_reference(frame, "timestamp/x-ntp", i == 0 ? NTP_2026 : 3600);
    add_reference(frame, "timestamp/x-drivers-own", 1767312000);
    assert_contains(h, i, frame, texts[i]);
  }
  g_date_time_unref(day);
  gst_harness_teardown(h);
}

/* Without any of these sources, it is the time of arrival. */
static void test_utc_of_clock(void) {
  GstHarness *h = new_harness();
  gint64 before = g_get_real_time(), written, after;
  GDateTime *time;
  gchar *line, *begin;

  push_frame(h, new_masked_frame(0, 4, 2));
  after = g_get_real_time();
  line = pull_line(h, 0);
  begin = strstr(line, "\"utc\":\"") + strlen("\"utc\":\"");
  *strchr(begin, '"') = '\0';
  time = g_date_time_new_from_iso8601(begin, NULL);
  written = g_date_time_to_unix(time) * G_USEC_PER_SEC +
            g_date_time_get_microsecond(time);
  g_assert_cmpint(written, >=, before);
  g_assert_cmpint(written, <=, after);
  g_date_time_unref(time);
  g_free(line);

  gst_util_set_object_arg(G_OBJECT(h->element), "wall-clock", "false");
  push_frame(h, new_masked_frame(1, 4, 2));
  line = pull_line(h, 1);
  g_assert_null(strstr(line, "utc"));
  g_free(line);
  gst_harness_teardown(h);
}

static void test_without_line(void) {
  GstHarness *h = new_harness();
  GstBuffer *frame;
  gchar *names;

  push_frame(h, new_frame(0, NULL, 0, 0));
  g_assert_null(gst_harness_try_pull(h));
  /* A GAP event tells downstream not to wait. */
  names = pull_event_names(h);
  g_assert_true(g_str_has_suffix(names, " gap "));
  g_free(names);

  frame = new_masked_frame(1, 4, 2);
  gst_buffer_get_video_meta(gst_buffer_get_class_mask_meta(frame)->mask)
      ->height = 3000;
  push_frame(h, frame);
  g_assert_null(gst_harness_try_pull(h));

  g_object_set(h->element, "source", "nobody", NULL);
  push_frame(h, new_masked_frame(2, 4, 2));
  g_assert_null(gst_harness_try_pull(h));

  g_object_set(h->element, "source", "front", NULL);
  push_frame(h, new_masked_frame(3, 4, 2));
  g_free(pull_line(h, 3));
  gst_harness_teardown(h);
}

static void test_events(void) {
  GstHarness *h = new_harness();
  GstCaps *caps;
  gchar *names;

  gst_harness_push_event(h, gst_event_new_tag(gst_tag_list_new_empty()));
  push_frame(h, new_masked_frame(0, 4, 2));
  gst_harness_push_event(h, gst_event_new_eos());
  caps = gst_pad_get_current_caps(h->sinkpad);
  g_assert_true(gst_structure_has_name(gst_caps_get_structure(caps, 0),
                                       "application/x-json"));
  gst_caps_unref(caps);
  names = pull_event_names(h);
  g_assert_cmpstr(names, ==, "stream-start caps segment tag eos ");
  g_free(names);
  gst_harness_teardown(h);
}

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, NULL);
  g_test_add_func("/json/registered", test_registered);
  g_test_add_func("/json/line", test_line);
  g_test_add_func("/json/cropped", test_cropped);
  g_test_add_func("/json/times", test_times);
  g_test_add_func("/json/utc", test_utc);
  g_test_add_func("/json/utc-of-clock", test_utc_of_clock);
  g_test_add_func("/json/without-line", test_without_line);
  g_test_add_func("/json/events", test_events);
  return g_test_run();
}
