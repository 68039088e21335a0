// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

#include <optional>
#include <string>

namespace fastscnn
{

/// The time of day of a frame, and where it comes from.
struct FrameUtc {
  std::string time;        ///< ISO 8601, with microseconds:
                           ///< 2026-05-04T12:00:00.500000Z
  const char *source = ""; ///< ntp, unix, time-code or clock
};

/// The time of day at which a frame was taken, if its metas say so: a reference
/// timestamp (NTP, as RTSP cameras send it, or Unix time), or a time code with
/// a date. Otherwise, if wall_clock, the current time, at which it arrived.
std::optional<FrameUtc> utc_of (GstBuffer *frame, bool wall_clock);

} // namespace fastscnn
