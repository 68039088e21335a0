// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <utility>

#include "gst/fastscnn/latency.h"
#include "gst/fastscnn/livemodel.h"
#include "gst/fastscnn/qostracker.h"
#include "gst/fastscnn/scenetracker.h"
#include "gst/fastscnn/stats.h"
#include "gst/masks/analytics.h"

namespace fastscnn
{

/// The parts of a fastscnn element.
struct State {
  std::mutex mutex; /* guards settings and model */
  Settings settings;
  std::shared_ptr<LiveModel> model; /* from start to stop */

  Stats stats;
  QosTracker qos_tracker;
  std::atomic<bool> live{ false };

  /* For the streaming thread, from start to stop. */
  SceneTracker scenes;
  AnalyticsWriter analytics;
  GQuark source = 0;
  guint skipped = 0; /* frames since the last inference */
  Liveness liveness;
  bool warned_of_orientation = false;
  Settings::PerFrame per_frame; /* snapshot for the current frame */

  /* Returns the previous model, to be destroyed without the lock. */
  std::shared_ptr<LiveModel>
  set_model (std::shared_ptr<LiveModel> other)
  {
    const std::lock_guard<std::mutex> lock (mutex);
    return std::exchange (model, std::move (other));
  }

  Inference &
  inference () const
  {
    return model->inference ();
  }

  Settings::PerFrame
  per_frame_settings ()
  {
    const std::lock_guard<std::mutex> lock (mutex);
    return settings.per_frame;
  }
};

} // namespace fastscnn
