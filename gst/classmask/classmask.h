/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/classmask/classmask-prelude.h>
#include <gst/classmask/gstclassmaskclasses.h>
#include <gst/classmask/gstclassmaskmeta.h>
#include <gst/classmask/gstclassmaskpixels.h>
#include <gst/classmask/gstclassmaskregions.h>
#include <gst/classmask/gstclassmasksummary.h>
#include <gst/classmask/gstclassmaskview.h>
#include <gst/classmask/gstclassmaskzones.h>
