/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <gst/classmask/classmask.h>
#include <gst/gst.h>

#include "gst/fastscnn/gstfastscnn.h"
#include "gst/masks/gstclassmaskextract.h"
#include "gst/masks/gstclassmaskjson.h"
#include "gst/overlay/gstclassmaskoverlay.h"

static gboolean
plugin_init (GstPlugin *plugin)
{
  gboolean registered = FALSE;

  /* Registers metas before masks arrive from other processes. */
  gst_class_mask_meta_get_info ();
  gst_class_mask_summary_get_info ();
  registered |= GST_ELEMENT_REGISTER (fastscnn, plugin);
  registered |= GST_ELEMENT_REGISTER (classmaskextract, plugin);
  registered |= GST_ELEMENT_REGISTER (classmaskjson, plugin);
  registered |= GST_ELEMENT_REGISTER (classmaskoverlay, plugin);
  return registered;
}

GST_PLUGIN_DEFINE (GST_VERSION_MAJOR, GST_VERSION_MINOR, fastscnn,
    "Semantic segmentation of video with Fast-SCNN", plugin_init, VERSION,
    "LGPL", PACKAGE_NAME, PACKAGE_ORIGIN)
