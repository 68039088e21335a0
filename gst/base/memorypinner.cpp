// SPDX-License-Identifier: LGPL-2.1-or-later
#include "gst/base/memorypinner.h"

#include <atomic>
#include <memory>
#include <mutex>

namespace fastscnn
{
namespace
{

/* Memory is pinned with its third frame. Fewer frames may share memory that was
 * allocated for one, for example behind an element that repeats frames. */
constexpr guint64 kFrames = 3;

/* Copies of fewer bytes cost next to nothing. */
constexpr gsize kMinBytes = 256 << 10;

/* The recorded uses of a GstMemory. Stored as its qdata, which is destroyed
 * before its pages are freed. */
struct Sightings {
  std::atomic<guint64> frames{ 0 };
  std::atomic<GstClockTime> last{ GST_CLOCK_TIME_NONE };
  std::shared_ptr<void> registration; /* null: not yet, or refused */
};

/* Whether the pages stay at their address until the memory is freed. Other
 * kinds, such as that of file descriptors, may be unmapped after each use. */
bool
stays_mapped (GstMemory *memory)
{
  return gst_memory_is_type (memory, GST_ALLOCATOR_SYSMEM) ||
         gst_memory_is_type (memory, "V4l2Memory");
}

Sightings *
sightings_of (GstMemory *memory)
{
  static const GQuark quark = g_quark_from_static_string ("fastscnn-sightings");
  static std::mutex mutex;
  GstMiniObject *object = GST_MINI_OBJECT_CAST (memory);

  if (gpointer known = gst_mini_object_get_qdata (object, quark))
    return static_cast<Sightings *> (known);
  const std::lock_guard<std::mutex> lock (mutex);
  if (gpointer known = gst_mini_object_get_qdata (object, quark))
    return static_cast<Sightings *> (known);
  auto *sightings = new Sightings;
  gst_mini_object_set_qdata (object, quark, sightings,
      [] (gpointer data) { delete static_cast<Sightings *> (data); });
  return sightings;
}

/* Whether to pin the memory with this frame. True on one thread only: the
 * elements behind a tee see each frame at the same time. */
bool
is_due (Sightings *sightings, GstClockTime timestamp)
{
  if (sightings->last.exchange (timestamp) == timestamp &&
      GST_CLOCK_TIME_IS_VALID (timestamp))
    return false;
  return ++sightings->frames == kFrames;
}

} // namespace

void
MemoryPinner::see (GstBuffer *frame) const
{
  for (guint i = 0; i < gst_buffer_n_memory (frame); i++) {
    GstMemory *memory = gst_buffer_peek_memory (frame, i);
    GstMapInfo map;

    while (memory->parent)
      memory = memory->parent;
    if (memory->maxsize < kMinBytes || !stays_mapped (memory))
      continue;
    Sightings *sightings = sightings_of (memory);
    if (!is_due (sightings, GST_BUFFER_PTS (frame)) ||
        !gst_memory_map (memory, &map, GST_MAP_READ))
      continue;
    sightings->registration = backend_->register_host_memory (
        device_, map.data - memory->offset, memory->maxsize);
    GST_DEBUG ("%" G_GSIZE_FORMAT " bytes at %p are %s", memory->maxsize,
        map.data, sightings->registration ? "pinned" : "not pinned");
    gst_memory_unmap (memory, &map);
  }
}

} // namespace fastscnn
