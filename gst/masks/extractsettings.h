/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <string>

#include <gst/gst.h>

namespace fastscnn
{

/* What to do about a frame without a mask. */
enum class OnMissing { kSkip, kRepeat, kBlank };

/* The settings of classmaskextract, with their defaults. */
struct ExtractSettings {
  bool to_frame = false;
  OnMissing on_missing = OnMissing::kSkip;
  std::string source;
};

} // namespace fastscnn

enum { PROP_SCALE_TO_FRAME = 1, PROP_ON_MISSING, PROP_SOURCE };

/* Installs the properties of classmaskextract: those of ExtractSettings. */
void gst_class_mask_extract_install_properties (GObjectClass *object_class);
