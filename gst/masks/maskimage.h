// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <gst/classmask/classmask.h>
#include <gst/video/video.h>

namespace fastscnn
{

/// Draws masks as pictures of their own: GRAY8 holds the class ids as they
/// are, RGB and RGBA the colours of the classes. What is unknown, also because
/// the mask's table has no such class, is black, and transparent in RGBA.
class MaskPicture
{
public:
  MaskPicture () = default;
  ~MaskPicture ();
  MaskPicture (const MaskPicture &) = delete;
  MaskPicture &operator= (const MaskPicture &) = delete;

  /// dst is mapped for writing. It has the size of the mask or, if to_frame,
  /// that of the frame. Returns false if the mask cannot be read.
  bool draw (const GstClassMaskMeta &mask, bool to_frame, GstVideoFrame &dst);

  /// A picture in which everything is unknown.
  static void draw_unknown (GstVideoFrame &dst);

private:
  bool draw_colors (
      const GstClassMaskMeta &mask, bool to_frame, GstVideoFrame &dst);
  void use_classes (GstClassMaskClasses *classes);
  bool scale (const GstClassMaskMeta &mask, int width, int height,
      GstVideoFrame &scaled);

  GstClassMaskClasses *classes_ = nullptr; // of which colors_ are
  guint8 colors_[256][4] = {};
  GstBuffer *scaled_ = nullptr; // class ids at the size of the frame
  GstVideoInfo scaled_info_ = {};
};

} // namespace fastscnn
