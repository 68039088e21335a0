// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "net/engine.h"

namespace fastscnn {

enum class PaintMode { kBlend, kMask, kContour, kBlur, kPixelate, kCutout };

struct Rgba {
  uint8_t r = 0, g = 0, b = 0, a = 0;
};

/// How a mask is drawn. All that a user can set, resolved to numbers.
struct PaintStyle {
  PaintMode mode = PaintMode::kBlend;
  /// Colour of each value of the mask. a: how strongly; 0 is not drawn, and
  /// not part of the region that contour, blur, pixelate and cutout act on.
  Rgba color[256];
  Rgba background;         ///< of mask and cutout
  bool contours = false;   ///< also outline the regions, in blend
  int contour_width = 2;   ///< pixels
  float feather = 0.f;     ///< pixels over which blend and cutout fade
  float margin = 0.f;      ///< blur and pixelate reach this far beyond the
                           ///< region; share of the frame height
  bool cover_all = false;  ///< blur and pixelate the whole frame; no mask
};

/// A mask that is drawn, and the part of the frame that it covers, in pixels;
/// it may lie partly outside. The mask may have any size.
struct PaintMask {
  const uint8_t *ids = nullptr;
  int stride = 0;
  int width = 0;
  int height = 0;
  int x = 0, y = 0;
  int covers_width = 0, covers_height = 0;
};

/// Draws masks into the frames of one stream, in place, in their own colour
/// space. Not thread-safe.
class Painter {
 public:
  virtual ~Painter() = default;

  /// Builds tables and buffers for frames of this kind; slow.
  virtual void configure(const FrameInfo &frame) = 0;

  /// Allocates nothing unless mask size or style differ from the last call.
  virtual void paint(const Frame &dst, const PaintMask &mask,
                     const PaintStyle &style, Queue queue) = 0;
};

}  // namespace fastscnn
