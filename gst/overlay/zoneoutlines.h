// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/classmask/classmask.h>

#include <memory>
#include <vector>

#include "gst/base/frameview.h"
#include "gst/overlay/framemasks.h"
#include "net/painter.h"

namespace fastscnn
{

/// Outlines the zones of masks, by painting their areas as if they were masks.
/// Not thread-safe.
class ZoneOutlines
{
public:
  ZoneOutlines () = default;
  ~ZoneOutlines ();
  ZoneOutlines (const ZoneOutlines &) = delete;
  ZoneOutlines &operator= (const ZoneOutlines &) = delete;

  /// painter: configured for the frames, and used for nothing else, since it
  /// caches data of a style. part: the part of the frame that `dst` shows.
  /// width: of the outlines, in pixels.
  Result<> paint (Painter &painter, const Masks &masks, const Frame &dst,
      const Rect &part, unsigned width, Queue queue);

private:
  /// The areas of one mask at the size that it covers.
  struct Areas {
    GstClassMaskZones *zones = nullptr;
    int width = 0, height = 0;
    std::vector<uint8_t> ids; // (height, width); 0: in no zone
    PaintStyle style;
  };

  const Areas *areas_of (const GstClassMaskMeta *meta);
  void clear ();

  std::vector<Areas> made_;
};

} // namespace fastscnn
