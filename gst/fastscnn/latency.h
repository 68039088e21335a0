// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/gst.h>

namespace fastscnn
{

/// Asks upstream whether the source is live. No answer counts as no.
bool is_upstream_live (GstPad *sinkpad);

/// Adds the latency of this element to an answered query. Returns whether the
/// source is live.
bool add_latency (GstQuery *query, GstClockTime latency);

} // namespace fastscnn
