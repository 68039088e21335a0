// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "net/engine.h"

namespace fastscnn {

/// blend: the class's colour, mixed into the frame. mask: the same on the
/// background colour. contour: outlines only. blur, pixelate: the region is
/// made unrecognisable. cutout: all but the region is background.
enum class PaintMode { kBlend, kMask, kContour, kBlur, kPixelate, kCutout };

/// Value of a frame pixel that the mask does not cover; never a class.
constexpr uint8_t kOutside = 254;

constexpr int kMaxContourWidth = 32;
constexpr int kMaxFeather = 16;

struct Rgba {
  uint8_t r = 0, g = 0, b = 0, a = 0;
};

/// How a mask is drawn. All that a user can set, resolved to numbers.
struct PaintStyle {
  PaintMode mode = PaintMode::kBlend;
  /// Colour of each value of the mask. a: how strongly; 0 is not drawn, and
  /// not part of the region that contour, blur, pixelate and cutout act on.
  /// kOutside is never drawn.
  Rgba color[256];
  Rgba background;         ///< of mask and cutout; a: how strongly
  bool contours = false;   ///< also outline the regions, in blend
  int contour_width = 2;   ///< pixels, 1..kMaxContourWidth
  float feather = 0.f;     ///< pixels over which the edges of blend, mask
                           ///< and cutout fade, 0..kMaxFeather
  float margin = 0.f;      ///< blur and pixelate reach this far beyond the
                           ///< region; share of the frame height
  bool cover_all = false;  ///< no mask: blur and pixelate the whole frame,
                           ///< fill it with background in other modes
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
  Memory memory = Memory::kHost;  ///< that ids are in
};

/// A picture that is drawn over the frame: premultiplied R, G, B, A bytes.
struct PaintImage {
  const uint8_t *rgba = nullptr;
  int stride = 0;
  int width = 0;
  int height = 0;
  int x = 0, y = 0;     ///< of its top left pixel; may lie outside
  uint32_t serial = 0;  ///< differs whenever the pixels do
};

/// Draws masks into the frames of one stream, in place, in their own colour
/// space. Not thread-safe.
///
/// What is painted, on every backend alike, within 1 of 255:
///
/// 1. Every frame pixel gets one value of the mask, or kOutside. Values are
///    never interpolated.
///    - A mask that is not larger than the rectangle it covers, in either
///      direction, is enlarged by vote: the values of the four samples around
///      the pixel vote with their bilinear weights, as enlarge_position() says,
///      out of 256 * 256; of equal votes the lowest value wins.
///    - Otherwise each pixel looks at the samples [shrink_begin(x),
///      shrink_end(x)) x the same in y: own; and at those of the 3x3 pixels
///      around it, within the rectangle: near. The value with the largest
///      4 * own_votes * near_samples - 3 * near_votes * own_samples wins, of
///      equal ones the lowest: thin things stand out against what is around
///      them, and stay.
/// 2. Every frame pixel gets a colour and its strength a:
///    - blend: color[value]. mask: color[value] over background. cutout:
///      background where color[value].a is 0.
///    - outlines: color[value] with a = outline_alpha(), where a pixel of
///      another value lies within contour_width (dx^2 + dy^2 <= width^2) and
///      within the rectangle; a second layer over blend.
///    - feather: the premultiplied colours are averaged over a square of
///      (feather + 1) pixels a side around the pixel (fractional at its ends;
///      beyond the frame the nearest pixel counts).
/// 3. A sample of a component is sample * (1 - a) + colour * a. A subsampled
///    component takes the premultiplied average over the area of its sample,
///    (1 << shift) pixels a side around its own centre: 1 1 / 2 where the
///    centre lies between two pixels, 1 2 1 / 4 where it lies on one.
///    Interlaced frames are no different: chroma samples of either field lie
///    where those of a progressive frame do.
/// 4. blur and pixelate divide the frame into square cells. A cell is covered
///    if a drawn pixel lies within ceil(margin * height) pixels of any of its
///    pixels, in x and in y.
///    - pixelate: the samples of covered cells become the mean of the cell.
///    - blur: the picture of the cells' means is smoothed by three box filters
///      of 2 * kBlurRadius + 1 cells in both directions (beyond the frame the
///      nearest cell counts), so that nothing finer than about 1/26 of the
///      frame height remains. Covered cells and their neighbours in the 3x3
///      around each have a = 1, others 0. Premultiplied, both are interpolated
///      bilinearly at the centre of each sample: covered cells are replaced
///      entirely, and fade out beyond.
class Painter {
 public:
  virtual ~Painter() = default;

  /// Builds tables and buffers for frames of this kind; slow.
  virtual Result<> configure(const FrameInfo &frame) = 0;

  /// Allocates nothing unless mask size or style differ from the last call.
  /// The mask is not read if style.cover_all.
  virtual Result<> paint(const Frame &dst, const PaintMask &mask,
                         const PaintStyle &style, Queue queue) = 0;

  /// Allocates nothing unless the size of the picture grows.
  virtual Result<> paint_image(const Frame &dst, const PaintImage &picture,
                               Queue queue) = 0;
};

/// Side of a cell in pixels; even, so that chroma divides alike.
constexpr int pixelate_cell(int frame_height) {
  return 2 * ((frame_height + 39) / 40);
}
constexpr int blur_cell(int frame_height) {
  return 2 * ((frame_height + 179) / 180);
}
constexpr int kBlurRadius = 3;  // cells

/// Outlines are drawn twice as strongly as areas.
constexpr int outline_alpha(int a) { return a > 127 ? 255 : 2 * a; }

/// Position in the mask, in 1/256 samples, of pixel x (from the left of the
/// rectangle), for a mask of `size` samples that covers `covers` pixels. The
/// samples position >> 8 and the next one have the weights 256 - fraction and
/// fraction = position & 255.
constexpr int enlarge_position(int x, int size, int covers) {
  int64_t p = ((2 * int64_t{x} + 1) * size * 128) / covers - 128;
  int64_t last = (int64_t{size} - 1) * 256;
  return static_cast<int>(p < 0 ? 0 : p > last ? last : p);
}

/// The samples that pixel x votes over when a mask is reduced.
constexpr int shrink_begin(int x, int size, int covers) {
  return static_cast<int>(int64_t{x} * size / covers);
}
constexpr int shrink_end(int x, int size, int covers) {
  int begin = shrink_begin(x, size, covers);
  int end = shrink_begin(x + 1, size, covers);
  return end > begin ? end : begin + 1;
}

}  // namespace fastscnn
