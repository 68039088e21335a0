/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/fastscnn/maskoutput.h"

#include <gst/classmask/gstclassmaskmeta.h>
#include <gst/classmask/gstclassmasksummary.h>
#include <gst/video/video.h>

using namespace fastscnn;

void
gst_fast_scnn_attach_mask (GstBuffer *buffer, const Segmentation &mask,
    GstClockTime age, GQuark source)
{
  const Rect &part = mask.part;
  GstClassMaskMeta *meta =
      gst_buffer_add_class_mask_meta (buffer, gst_buffer_ref (mask.mask.get ()),
          mask.model->classes, part.x, part.y, part.width, part.height);

  meta->age = age;
  meta->source = source;
  if (mask.confidence)
    gst_class_mask_meta_set_confidence (
        meta, gst_buffer_ref (mask.confidence.get ()));
  gst_buffer_add_class_mask_summary (buffer, meta, mask.pixels);
}

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

GstStructure *
gst_fast_scnn_describe_mask (const Segmentation &mask)
{
  const GstClassMaskClasses *classes = mask.model->classes;
  const GstVideoMeta *video = gst_buffer_get_video_meta (mask.mask.get ());
  const FrameTime &time = mask.time;
  GValue labels = G_VALUE_INIT, pixels = G_VALUE_INIT;

  g_value_init (&labels, GST_TYPE_ARRAY);
  g_value_init (&pixels, GST_TYPE_ARRAY);
  for (guint id = 0; id < gst_class_mask_classes_get_size (classes); id++) {
    append_string (&labels, gst_class_mask_classes_get_label (classes, id));
    append_uint64 (&pixels, mask.pixels[id]);
  }
  GstStructure *message = gst_structure_new ("classmask", "timestamp",
      G_TYPE_UINT64, time.timestamp, "stream-time", G_TYPE_UINT64,
      time.stream_time, "running-time", G_TYPE_UINT64, time.running_time,
      "duration", G_TYPE_UINT64, time.duration, "width", G_TYPE_INT,
      (gint)video->width, "height", G_TYPE_INT, (gint)video->height, "model",
      G_TYPE_STRING, gst_class_mask_classes_get_model (classes), "age",
      G_TYPE_UINT64, G_GUINT64_CONSTANT (0), "unknown", G_TYPE_UINT64,
      mask.pixels[kUnknown], NULL);
  gst_structure_take_value (message, "labels", &labels);
  gst_structure_take_value (message, "pixels", &pixels);
  return message;
}
