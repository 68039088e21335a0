// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <optional>

#include <gst/gst.h>

namespace fastscnn
{

/// Whether the source of a stream is live.
class Liveness
{
public:
  /// Call when a new stream begins.
  void
  reset ()
  {
    live_.reset ();
  }

  /// Queries upstream with the first call of a stream. No answer counts as no.
  bool is_live (GstPad *sinkpad);

private:
  std::optional<bool> live_;
};

/// Adds the latency of this element to an answered query. Returns whether the
/// source is live.
bool add_latency (GstQuery *query, GstClockTime latency);

} // namespace fastscnn
