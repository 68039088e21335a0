// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/classmask/classmask.h>
#include <gst/video/video.h>

namespace fastscnn
{

/// Returns the mask with its rectangle relative to the visible part of the
/// frame. Borrows everything from mask.
GstClassMaskMeta relative_to_visible_part (
    const GstClassMaskMeta &mask, GstBuffer *frame);

/// Draws masks as images: GRAY8 holds the class ids, RGB and RGBA the colours
/// of the classes. Unknown pixels, and those with an id outside the class
/// table, are black in RGB and transparent in RGBA.
class MaskImage
{
public:
  MaskImage () = default;
  ~MaskImage ();
  MaskImage (const MaskImage &) = delete;
  MaskImage &operator= (const MaskImage &) = delete;

  /// Draws into dst, which is mapped for writing and has the size of the mask
  /// or, if to_frame is set, of the frame. Returns false if the mask cannot be
  /// read.
  bool draw (const GstClassMaskMeta &mask, bool to_frame, GstVideoFrame &dst);

  /// Draws an image in which every pixel is unknown.
  static void draw_unknown (GstVideoFrame &dst);

private:
  bool draw_colors (
      const GstClassMaskMeta &mask, bool to_frame, GstVideoFrame &dst);
  void use_classes (GstClassMaskClasses *classes);
  bool scale (const GstClassMaskMeta &mask, int width, int height,
      GstVideoFrame &scaled);

  GstClassMaskClasses *classes_ = nullptr; // to which colors_ belong
  guint8 colors_[256][4] = {};
  GstBuffer *scaled_ = nullptr; // the mask at the size of the frame
  GstVideoInfo scaled_info_ = {};
};

} // namespace fastscnn
