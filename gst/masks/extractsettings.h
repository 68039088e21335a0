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

GType gst_class_mask_extract_on_missing_get_type ();
