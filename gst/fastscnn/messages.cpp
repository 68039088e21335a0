/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/fastscnn/messages.h"

#include <gst/video/video.h>

#include "gst/fastscnn/orientation.h"

using namespace fastscnn;

static void
append_string (GValue *array, const gchar *string)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_STRING);
  g_value_set_string (&value, string);
  gst_value_array_append_and_take_value (array, &value);
}

static void
append_uint64 (GValue *array, guint64 number)
{
  GValue value = G_VALUE_INIT;

  g_value_init (&value, G_TYPE_UINT64);
  g_value_set_uint64 (&value, number);
  gst_value_array_append_and_take_value (array, &value);
}

/* Appends an array of the other names of the class with this label. */
static void
append_aliases (
    GValue *array, const GstClassMaskClasses *classes, const gchar *label)
{
  GValue aliases = G_VALUE_INIT;
  const gchar *stands_for;

  g_value_init (&aliases, GST_TYPE_ARRAY);
  for (guint i = 0; const gchar *alias = gst_class_mask_classes_get_alias (
                        classes, i, &stands_for);
       i++)
    if (g_str_equal (stands_for, label))
      append_string (&aliases, alias);
  gst_value_array_append_and_take_value (array, &aliases);
}

/* Adds the pixel counts of each zone, one for each class. */
static void
set_zones (GstStructure *message, const Segmentation &mask)
{
  GValue zones = G_VALUE_INIT;
  const GstClassMaskZones *table = mask.zones.get ();

  if (!table)
    return;
  g_value_init (&zones, GST_TYPE_ARRAY);
  for (guint zone = 0; zone < gst_class_mask_zones_get_size (table); zone++) {
    const guint64 *counts = &mask.zone_counts[zone * 256];
    GstStructure *structure = gst_structure_new ("zone", "name", G_TYPE_STRING,
        gst_class_mask_zones_get_name (table, zone), "unknown", G_TYPE_UINT64,
        counts[kUnknown], NULL);
    GValue pixels = G_VALUE_INIT, value = G_VALUE_INIT;

    g_value_init (&pixels, GST_TYPE_ARRAY);
    for (guint id = 0;
         id < gst_class_mask_classes_get_size (mask.model->classes); id++)
      append_uint64 (&pixels, counts[id]);
    gst_structure_take_value (structure, "pixels", &pixels);
    g_value_init (&value, GST_TYPE_STRUCTURE);
    g_value_take_boxed (&value, structure);
    gst_value_array_append_and_take_value (&zones, &value);
  }
  gst_structure_take_value (message, "zones", &zones);
}

void
gst_fast_scnn_post_mask (GstElement *element, const Segmentation &mask)
{
  const GstClassMaskClasses *classes = mask.model->classes;
  const GstVideoMeta *video = gst_buffer_get_video_meta (mask.mask.get ());
  const FrameTime &time = mask.request.time;
  GValue labels = G_VALUE_INIT, aliases = G_VALUE_INIT, pixels = G_VALUE_INIT;

  g_value_init (&labels, GST_TYPE_ARRAY);
  g_value_init (&aliases, GST_TYPE_ARRAY);
  g_value_init (&pixels, GST_TYPE_ARRAY);
  for (guint id = 0; id < gst_class_mask_classes_get_size (classes); id++) {
    const gchar *label = gst_class_mask_classes_get_label (classes, id);
    append_string (&labels, label);
    append_aliases (&aliases, classes, label);
    append_uint64 (&pixels, mask.counts[id]);
  }
  GstStructure *message = gst_structure_new ("classmask", "timestamp",
      G_TYPE_UINT64, time.timestamp, "stream-time", G_TYPE_UINT64,
      time.stream_time, "running-time", G_TYPE_UINT64, time.running_time,
      "duration", G_TYPE_UINT64, time.duration, "width", G_TYPE_INT,
      (gint)video->width, "height", G_TYPE_INT, (gint)video->height, "model",
      G_TYPE_STRING, gst_class_mask_classes_get_model (classes), "age",
      G_TYPE_UINT64, G_GUINT64_CONSTANT (0), "unknown", G_TYPE_UINT64,
      mask.counts[kUnknown], NULL);
  gst_structure_take_value (message, "labels", &labels);
  gst_structure_take_value (message, "aliases", &aliases);
  gst_structure_take_value (message, "pixels", &pixels);
  set_zones (message, mask);
  gst_element_post_message (
      element, gst_message_new_element (GST_OBJECT (element), message));
}

void
gst_fast_scnn_post_fallback (
    GstElement *element, const Segmenter &segmenter, const gchar *reason)
{
  const gchar *backend = segmenter.backend ().c_str ();
  const gchar *device = segmenter.device ().c_str ();

  GST_ELEMENT_WARNING (element, RESOURCE, FAILED,
      ("Falling back to the %s engine: the previous one failed.", backend),
      ("%s", reason));
  gst_element_post_message (
      element, gst_message_new_element (GST_OBJECT (element),
                   gst_structure_new ("fastscnn-fallback", "backend",
                       G_TYPE_STRING, backend, "device", G_TYPE_STRING, device,
                       "reason", G_TYPE_STRING, reason, NULL)));
}

void
gst_fast_scnn_post_model (
    GstElement *element, const std::string &file, const Segmenter &segmenter)
{
  GST_INFO_OBJECT (element, "the model %s takes over, on %s: %s",
      segmenter.model ().info ().name.c_str (), segmenter.backend ().c_str (),
      segmenter.device ().c_str ());
  gst_element_post_message (
      element, gst_message_new_element (GST_OBJECT (element),
                   gst_structure_new ("fastscnn-model", "model-file",
                       G_TYPE_STRING, file.c_str (), "model", G_TYPE_STRING,
                       segmenter.model ().info ().name.c_str (), "backend",
                       G_TYPE_STRING, segmenter.backend ().c_str (), "device",
                       G_TYPE_STRING, segmenter.device ().c_str (), NULL)));
}

void
gst_fast_scnn_warn_model_kept (GstElement *element, const Error &error)
{
  GST_ELEMENT_WARNING (element, RESOURCE, OPEN_READ,
      ("The previous model stays in use. %s", error.sentence.c_str ()), (NULL));
}

gboolean
gst_fast_scnn_warn_if_turned (GstElement *element, GstEvent *event)
{
  GstTagList *tags;
  gchar *orientation = NULL;

  gst_event_parse_tag (event, &tags);
  gst_tag_list_get_string (tags, GST_TAG_IMAGE_ORIENTATION, &orientation);
  const gboolean turned = orientation &&
                          !g_str_equal (orientation, "rotate-0") &&
                          !gst_fast_scnn_is_turned_upstream (element);
  if (turned)
    GST_ELEMENT_WARNING (element, STREAM, FORMAT,
        ("The video is tagged as rotated (%s), so its mask will be wrong; put "
         "videoflip video-direction=auto before fastscnn.",
            orientation),
        (NULL));
  g_free (orientation);
  return turned;
}

void
gst_fast_scnn_post_qos (GstElement *element, const FrameTime &time,
    const QosTracker::Report &report, gboolean live, guint64 inferred,
    guint64 late)
{
  GstMessage *message = gst_message_new_qos (GST_OBJECT (element), live,
      time.running_time, time.stream_time, time.timestamp, time.duration);

  gst_message_set_qos_values (
      message, report.jitter, report.proportion, 1000000);
  gst_message_set_qos_stats (message, GST_FORMAT_BUFFERS, inferred, late);
  gst_element_post_message (element, message);
}
