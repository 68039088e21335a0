// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

namespace fastscnn
{

enum class BackendChoice { kAuto, kCuda, kCpu };

/// Resolution of the attached mask.
enum class MaskSize { kFrame, kNetwork, kGrid };

/// What a user can set, and what holds until it is set.
struct Settings {
  /* Read when the element starts. */
  std::string model_file;
  BackendChoice backend = BackendChoice::kAuto;
  int cuda_device_id = -1;
  unsigned threads = 0;
  unsigned infer_width = 0;
  unsigned infer_height = 0;
  MaskSize mask_size = MaskSize::kFrame;
  bool async = false;

  /* Read for every frame. */
  struct Live {
    unsigned interval = 0;
    bool qos = true;
    double smoothing = 0;
    double confidence_threshold = 0;
    bool confidence_map = false;
    bool post_messages = false;
    bool analytics_meta = false;
  } live;
};

} // namespace fastscnn
