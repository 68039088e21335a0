/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>
#include <gst/classmask/gstclassmaskclasses.h>

G_BEGIN_DECLS

#define GST_CLASS_MASK_META_API_TYPE (gst_class_mask_meta_api_get_type ())
#define GST_CLASS_MASK_META_INFO (gst_class_mask_meta_get_info ())

/* The value of a pixel whose class is not known. */
#define GST_CLASS_MASK_UNKNOWN 255

typedef struct _GstClassMaskMeta GstClassMaskMeta;

struct _GstClassMaskMeta
{
  GstMeta meta;

  GstBuffer *mask;
  GstBuffer *confidence;
  GstClassMaskClasses *classes;
  gint x;
  gint y;
  guint width;
  guint height;
  GstClockTime age;
  GQuark source;

  /*< private >*/
  gpointer _gst_reserved[GST_PADDING];
};

GST_CLASS_MASK_API
GType gst_class_mask_meta_api_get_type (void);

GST_CLASS_MASK_API
const GstMetaInfo *gst_class_mask_meta_get_info (void);

/* mask: (transfer full); classes: (transfer none); age 0, no confidence, no source */
GST_CLASS_MASK_API
GstClassMaskMeta *gst_buffer_add_class_mask_meta (GstBuffer *buffer,
    GstBuffer *mask, GstClassMaskClasses *classes, gint x, gint y, guint width,
    guint height);

GST_CLASS_MASK_API
GstClassMaskMeta *gst_buffer_get_class_mask_meta (GstBuffer *buffer);

GST_CLASS_MASK_API
GstClassMaskMeta *gst_buffer_get_class_mask_meta_by_source (GstBuffer *buffer,
    const gchar *source);

G_END_DECLS
