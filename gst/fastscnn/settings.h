// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <string>

#include "net/backend.h"

namespace fastscnn
{

enum class BackendChoice { kAuto, kCuda, kCpu };

/// Resolution of the attached mask.
enum class MaskSize { kFrame, kNetwork, kGrid };

/// Whether blocks of the network may run as single CUDA kernels.
enum class Fused { kAuto, kNever };

/// The settings of the element, with their defaults.
struct Settings {
  /* Read when the element starts. */
  std::string model_file;
  BackendChoice backend = BackendChoice::kAuto;
  int cuda_device_id = -1;
  unsigned threads = 0;
  Precision precision = Precision::kAuto;
  unsigned infer_width = 0;
  unsigned infer_height = 0;
  MaskSize mask_size = MaskSize::kFrame;
  Fused fused = Fused::kAuto;
  bool async = false;
  std::string zones;

  /* Read once for each frame. */
  struct PerFrame {
    unsigned interval = 0;
    bool qos = true;
    double smoothing = 0;
    double confidence_threshold = 0;
    bool confidence_map = false;
    bool post_messages = false;
    bool analytics_meta = false;
  } per_frame;
};

} // namespace fastscnn
