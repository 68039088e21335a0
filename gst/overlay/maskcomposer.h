// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "gst/overlay/framemasks.h"
#include "net/painter.h"

namespace fastscnn
{

/// Merges masks that lie in several parts of a frame, or one that may lie in
/// several places, into one image of ids at the size of the frame, and their
/// class tables into one. Not thread-safe.
class MaskComposer
{
public:
  MaskComposer () = default;
  ~MaskComposer ();
  MaskComposer (const MaskComposer &) = delete;
  MaskComposer &operator= (const MaskComposer &) = delete;

  /// Merges the class tables of masks. Equal labels become one class; aliases
  /// are kept, and may be labels of other tables. If there is one mask, returns
  /// its own table. Valid until the next call.
  GstClassMaskClasses *merge_classes (const Masks &masks);

  /// Draws masks with the ids of the last merge_classes (). Where masks
  /// overlap, the id with the highest rank is kept, that of the newest mask
  /// among equals; pixels that no mask covers become `uncovered`. anywhere:
  /// draw a mask in all its possible places, not only in the first. Returns
  /// false if a mask cannot be mapped.
  bool compose (const Masks &masks, const Rect &part, const uint8_t rank[256],
      uint8_t uncovered, bool anywhere);

  /// The image of the last compose (), valid until the next call.
  PaintMask image () const;
  void count_pixels (guint64 counts[256]) const;

private:
  struct Source {
    GstClassMaskClasses *classes;
    uint8_t ids[256]; // the id in the merged table for every value
  };

  const Source &source_of (const GstClassMaskClasses *classes) const;
  bool draw (const GstClassMaskMeta *meta, const Rect &part,
      const uint8_t rank[256], bool anywhere);
  void clear ();

  std::vector<Source> sources_;
  GstClassMaskClasses *merged_ = nullptr;
  int width_ = 0;
  int height_ = 0;
  std::vector<uint8_t> ids_; // (height, width)
  std::vector<int> columns_; // the mask column for each frame column
};

} // namespace fastscnn
