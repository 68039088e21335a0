/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* Prints once per second the share of a video that road and people cover.
 *
 *   cc mask_appsink.c -o mask_appsink $(pkg-config --cflags --libs \
 *       gstreamer-classmask-1.0 gstreamer-app-1.0)
 *   ./mask_appsink street.mp4
 *   ./mask_appsink rtsp://camera/stream car bicyclist
 *
 * Other labels can follow the input. gst_class_mask_meta_count_pixels() reads
 * the mask without copying it; for access to every pixel,
 * gst_class_mask_meta_map() provides pointer and stride. */

#include <gst/app/app.h>
#include <gst/classmask/classmask.h>

static const gchar *const LABELS[] = {"road", "person", "pedestrian", NULL};

static void print_shares(GstClockTime time, const GstClassMaskMeta *meta,
                         const gchar *const *labels) {
  guint64 counts[256], total = 0;

  if (!gst_class_mask_meta_count_pixels(meta, counts)) return;
  for (guint id = 0; id < 256; id++) total += counts[id];
  g_print("%.1f s:", (gdouble)time / GST_SECOND);
  for (; *labels; labels++) {
    gint id = gst_class_mask_classes_find(meta->classes, *labels);
    if (id >= 0) g_print(" %s %.1f %%", *labels, 100.0 * counts[id] / total);
  }
  g_print("\n");
}

static gboolean print_error(GstElement *pipeline) {
  GstBus *bus = gst_element_get_bus(pipeline);
  GstMessage *message = gst_bus_pop_filtered(bus, GST_MESSAGE_ERROR);
  GError *error = NULL;

  gst_object_unref(bus);
  if (!message) return FALSE;
  gst_message_parse_error(message, &error, NULL);
  g_printerr("mask_appsink: %s\n", error->message);
  g_error_free(error);
  gst_message_unref(message);
  return TRUE;
}

/* Returns at the end of the stream; FALSE after an error. */
static gboolean print_every_second(GstElement *pipeline, GstAppSink *sink,
                                   const gchar *const *labels) {
  GstClockTime next = 0;

  while (!gst_app_sink_is_eos(sink)) {
    GstSample *sample = gst_app_sink_try_pull_sample(sink, 100 * GST_MSECOND);
    GstClassMaskMeta *meta;
    GstBuffer *buffer;
    GstClockTime time;

    if (!sample) {
      if (print_error(pipeline)) return FALSE;
      continue;
    }
    buffer = gst_sample_get_buffer(sample);
    meta = gst_buffer_get_class_mask_meta(buffer);
    time = gst_segment_to_running_time(gst_sample_get_segment(sample),
                                       GST_FORMAT_TIME, GST_BUFFER_PTS(buffer));
    if (meta && GST_CLOCK_TIME_IS_VALID(time) && time >= next) {
      print_shares(time, meta, labels);
      next = time - time % GST_SECOND + GST_SECOND;
    }
    gst_sample_unref(sample);
  }
  return !print_error(pipeline);
}

int main(int argc, char **argv) {
  const gchar *const *labels =
      argc > 2 ? (const gchar *const *)argv + 2 : LABELS;
  GstElement *pipeline, *source, *sink;
  GError *error = NULL;
  gchar *uri = NULL;
  gboolean ok;

  gst_init(NULL, NULL);
  if (argc < 2) {
    g_printerr("usage: mask_appsink FILE|URI [LABEL...]\n");
    return 2;
  }
  /* async=false: with a live source in uridecodebin, GStreamer 1.22 sometimes
   * forgets to set a sink that has waited for its first frame to PLAYING. */
  pipeline = gst_parse_launch(
      "uridecodebin name=source ! videoconvert ! "
      "videoflip video-direction=auto ! "
      "fastscnn ! appsink name=sink sync=false async=false "
      "max-buffers=4",
      &error);
  if (!error)
    uri = gst_uri_is_valid(argv[1]) ? g_strdup(argv[1])
                                    : gst_filename_to_uri(argv[1], &error);
  if (error) {
    g_printerr("mask_appsink: %s\n", error->message);
    return 1;
  }
  source = gst_bin_get_by_name(GST_BIN(pipeline), "source");
  sink = gst_bin_get_by_name(GST_BIN(pipeline), "sink");
  g_object_set(source, "uri", uri, NULL);
  gst_element_set_state(pipeline, GST_STATE_PLAYING);

  ok = print_every_second(pipeline, GST_APP_SINK(sink), labels);

  gst_element_set_state(pipeline, GST_STATE_NULL);
  gst_object_unref(sink);
  gst_object_unref(source);
  gst_object_unref(pipeline);
  g_free(uri);
  return ok ? 0 : 1;
}
