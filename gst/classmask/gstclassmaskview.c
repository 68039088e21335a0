/* SPDX-License-Identifier: LGPL-2.1-or-later */

/**
 * SECTION:gstclassmaskview
 * @title: GstClassMaskView
 * @short_description: the pixels of a mask, for as long as they are needed
 *
 * For languages in which values may outlive their frame. C programs that are
 * done with a mask before its frame should use gst_class_mask_meta_map().
 */

#include "gst/classmask/gstclassmaskview.h"
#include "gst/classmask/gstclassmaskpixels.h"

typedef struct {
  GstClassMaskView view;
  GstVideoFrame frame; /* holds a reference to the mask */
} MappedView;

G_DEFINE_BOXED_TYPE (GstClassMaskView, gst_class_mask_view,
    gst_class_mask_view_ref, gst_class_mask_view_unref)

static GstClassMaskView *
new_view (const GstClassMaskMeta *meta,
    gboolean (*map) (const GstClassMaskMeta *, GstVideoFrame *))
{
  MappedView *self;
  GstVideoFrame frame;

  g_return_val_if_fail (meta != NULL, NULL);

  if (!map (meta, &frame))
    return NULL;
  self = g_atomic_rc_box_new (MappedView);
  self->frame = frame;
  self->view.pixels = GST_VIDEO_FRAME_PLANE_DATA (&frame, 0);
  self->view.stride = (gsize)GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0);
  self->view.width = (guint)GST_VIDEO_FRAME_WIDTH (&frame);
  self->view.height = (guint)GST_VIDEO_FRAME_HEIGHT (&frame);
  return &self->view;
}

/**
 * gst_class_mask_meta_view:
 * @meta: a mask
 *
 * Maps the mask for reading by the CPU. Downloads a mask that is in GPU memory,
 * which may block. The view holds a reference to the mask, so that it is not
 * reused for another frame.
 *
 * Returns: (transfer full) (nullable): the pixels, or %NULL, with a warning, if
 *     the mask cannot be read
 *
 * Since: 0.1
 */
GstClassMaskView *
gst_class_mask_meta_view (const GstClassMaskMeta *meta)
{
  return new_view (meta, gst_class_mask_meta_map);
}

/**
 * gst_class_mask_meta_view_confidence:
 * @meta: a mask
 *
 * Maps the confidence of a mask, as gst_class_mask_meta_view() does the mask.
 *
 * Returns: (transfer full) (nullable): the pixels, or %NULL if the mask has no
 *     confidence or, with a warning, if it cannot be read
 *
 * Since: 0.1
 */
GstClassMaskView *
gst_class_mask_meta_view_confidence (const GstClassMaskMeta *meta)
{
  return new_view (meta, gst_class_mask_meta_map_confidence);
}

/**
 * gst_class_mask_view_ref: (skip)
 * @view: a view
 *
 * Adds a reference.
 *
 * Returns: (transfer full): @view
 *
 * Since: 0.1
 */
GstClassMaskView *
gst_class_mask_view_ref (GstClassMaskView *view)
{
  g_return_val_if_fail (view != NULL, NULL);

  return g_atomic_rc_box_acquire (view);
}

static void
unmap (gpointer data)
{
  gst_video_frame_unmap (&((MappedView *)data)->frame);
}

/**
 * gst_class_mask_view_unref: (skip)
 * @view: (transfer full): a view
 *
 * Drops a reference; the last one unmaps the pixels.
 *
 * Since: 0.1
 */
void
gst_class_mask_view_unref (GstClassMaskView *view)
{
  g_return_if_fail (view != NULL);

  g_atomic_rc_box_release_full (view, unmap);
}
