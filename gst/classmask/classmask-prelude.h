/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gst/gst.h>

#ifndef GST_CLASS_MASK_API
#ifdef BUILDING_GST_CLASS_MASK
#define GST_CLASS_MASK_API GST_API_EXPORT
#else
#define GST_CLASS_MASK_API GST_API_IMPORT
#endif
#endif
