/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "gst/fastscnn/orientation.h"

#include <gst/video/video.h>

/* The element that feeds a sink pad, inside or outside of bins. */
static GstElement *
get_previous (GstPad *sink)
{
  g_autoptr (GstPad) pad = gst_pad_get_peer (sink);

  while (pad && GST_IS_PROXY_PAD (pad)) {
    g_autoptr (GstPad) wall = (GstPad *)g_steal_pointer (&pad);
    if (GST_IS_GHOST_PAD (wall)) {
      pad = gst_ghost_pad_get_target (GST_GHOST_PAD (wall));
    } else {
      g_autoptr (GstPad) outside =
          (GstPad *)gst_proxy_pad_get_internal (GST_PROXY_PAD (wall));
      pad = outside ? gst_pad_get_peer (outside) : NULL;
    }
  }
  return pad ? gst_pad_get_parent_element (pad) : NULL;
}

gboolean
gst_fast_scnn_is_turned_upstream (GstElement *element)
{
  g_autoptr (GstElement) at = (GstElement *)gst_object_ref (element);

  while (at) {
    g_autoptr (GstPad) sink = gst_element_get_static_pad (at, "sink");
    g_autoptr (GstElement) previous = sink ? get_previous (sink) : NULL;
    gint direction = GST_VIDEO_ORIENTATION_IDENTITY;
    if (previous && GST_IS_VIDEO_DIRECTION (previous))
      g_object_get (previous, "video-direction", &direction, NULL);
    if (direction == GST_VIDEO_ORIENTATION_AUTO)
      return TRUE;
    gst_object_replace ((GstObject **)&at, (GstObject *)previous);
  }
  return FALSE;
}
