// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>

#include "net/engine.h"

namespace fastscnn {

/// The region of a style is the pixels whose value it draws.
enum class PaintMode {
  kBlend,     ///< blend the class's colour into the region
  kMask,      ///< the class's colour over the background colour
  kContour,   ///< outline the classes in the region
  kBlur,      ///< make the region unrecognisable
  kPixelate,  ///< likewise, with visible cells
  kCutout,    ///< background colour outside of the region
};

/// Value of a frame pixel that the mask does not cover; never a class.
constexpr uint8_t kOutside = 254;

constexpr int kMaxContourWidth = 32;
constexpr int kMaxFeather = 16;

/// R, G, B and opacity, 0..255. Not premultiplied.
struct Rgba {
  uint8_t r = 0, g = 0, b = 0, a = 0;
};

/// How a mask is drawn.
struct PaintStyle {
  PaintMode mode = PaintMode::kBlend;
  Rgba color[256];         ///< by mask value. a = 0: not drawn, and not part of
                           ///< the region. kOutside is never drawn
  Rgba background;         ///< of kMask and kCutout
  bool contours = false;   ///< in kBlend: also outline the classes
  int contour_width = 2;   ///< pixels, 1..kMaxContourWidth
  float feather = 0.f;     ///< pixels over which the edges of kBlend, kMask and
                           ///< kCutout fade, 0..kMaxFeather
  float margin = 0.f;      ///< by which kBlur and kPixelate grow the region, in
                           ///< frame heights
  bool cover_all = false;  ///< kBlur and kPixelate cover the whole frame, other
                           ///< modes fill it with background
};

/// A mask of any size, and the rectangle of the frame that it covers, in
/// pixels. The rectangle may reach beyond the frame.
struct PaintMask {
  const uint8_t *ids = nullptr;  ///< (height, width)
  int stride = 0;                ///< bytes
  int width = 0, height = 0;
  int x = 0, y = 0, covers_width = 0, covers_height = 0;  ///< rectangle
  Memory memory = Memory::kHost;                          ///< of ids
};

/// An image to draw over the frame, unscaled, in host memory.
struct PaintImage {
  const uint8_t *rgba = nullptr;  ///< (height, width): premultiplied R, G, B, A
  int stride = 0;                 ///< bytes
  int width = 0, height = 0;
  int x = 0, y = 0;     ///< top left pixel; may lie outside of the frame
  uint32_t serial = 0;  ///< must change whenever the pixels do
};

/// Draws masks on the frames of one stream, in place, in the colour space of
/// the frame. Not thread-safe. All backends paint the same, within 1 of 255:
///
/// 1. Every frame pixel gets one value of the mask, or kOutside. Values are
///    never interpolated; of equally good values the lowest wins.
///    - If the mask is at most as wide and as high as its rectangle, the four
///      samples around the pixel vote with their bilinear weights, as
///      enlarge_position() defines them.
///    - Otherwise, let own be the samples of the pixel, [shrink_begin(x),
///      shrink_end(x)) and likewise in y, and near those of the 3x3 pixels
///      around it that lie in the rectangle. The value with the largest 4 *
///      own_votes * near_samples - 3 * near_votes * own_samples wins: thin
///      objects remain if they differ from their surroundings.
/// 2. Every frame pixel gets a colour with an opacity a.
///    - kBlend: color[value]. kMask: color[value] over background. kCutout:
///      background where color[value].a is 0.
///    - Outlines, in a second layer: color[value] with outline_alpha(a), if a
///      pixel of another value lies within contour_width (dx^2 + dy^2 <=
///      width^2) and in the rectangle.
///    - Feather: the mean of the premultiplied colours over a square of feather
///      + 1 pixels a side, with fractional weights at its ends; at the border
///      of the frame, the outermost pixels repeat.
/// 3. A sample of a component becomes sample * (1 - a) + colour * a. Subsampled
///    components take the premultiplied mean over the area of the sample, 1 <<
///    shift pixels a side around its centre: weights 1 1 if the centre lies
///    between two pixels, 1 2 1 if it lies on one. Interlaced frames are
///    painted like progressive ones. kCutout multiplies the alpha of frames
///    that have one by 1 - a; nothing else changes it.
/// 4. kBlur and kPixelate divide the frame into square cells and cover those
///    with a drawn pixel within ceil(margin * height) pixels, in x and in y, of
///    any of their pixels.
///    - kPixelate: the samples of a covered cell become their mean.
///    - kBlur: three box filters of 2 * kBlurRadius + 1 cells in both
///      directions smooth the means of the cells, at the border repeating the
///      outermost; nothing finer than about 1/26 of the frame height remains.
///      Covered cells and their 8 neighbours have a = 1, others 0. Both are
///      interpolated bilinearly, premultiplied, at the centre of each sample:
///      covered cells are replaced entirely, and fade out beyond.
class Painter {
 public:
  virtual ~Painter() = default;

  /// Prepares for frames of this description. Slow. Callable again.
  virtual Result<> configure(const FrameInfo &frame) = 0;

  /// Draws a mask; ignores it if style.cover_all. Allocates nothing unless the
  /// size of the mask or the style differ from the last call. If queue.stream
  /// is set, may only queue the painting there; otherwise the frame is painted
  /// on return. In either case the mask is no longer read.
  virtual Result<> paint(const Frame &dst, const PaintMask &mask,
                         const PaintStyle &style, Queue queue) = 0;

  /// Draws an image. As in paint(), may only queue the painting, but no longer
  /// reads the image on return. Allocates nothing unless the image grows.
  virtual Result<> paint_image(const Frame &dst, const PaintImage &image,
                               Queue queue) = 0;
};

/// Side of a cell in pixels; even, so that chroma samples belong to one cell.
constexpr int pixelate_cell(int frame_height) {
  return 2 * ((frame_height + 39) / 40);
}
constexpr int blur_cell(int frame_height) {
  return 2 * ((frame_height + 179) / 180);
}
constexpr int kBlurRadius = 3;  ///< cells

/// Outlines are twice as opaque as areas.
constexpr int outline_alpha(int a) { return a > 127 ? 255 : 2 * a; }

/// The position of pixel x, counted from the left of the rectangle, in a mask
/// of `size` samples that covers `covers` pixels; in 1/256 samples. With
/// fraction = position & 255, sample `position >> 8` has the weight 256 -
/// fraction, and the next one has the weight fraction.
constexpr int enlarge_position(int x, int size, int covers) {
  const int64_t p = ((2 * int64_t{x} + 1) * size * 128) / covers - 128;
  const int64_t last = (int64_t{size} - 1) * 256;
  return static_cast<int>(p < 0 ? 0 : p > last ? last : p);
}

/// The samples [begin, end) that belong to pixel x of a reduced mask.
constexpr int shrink_begin(int x, int size, int covers) {
  return static_cast<int>(int64_t{x} * size / covers);
}
constexpr int shrink_end(int x, int size, int covers) {
  const int begin = shrink_begin(x, size, covers);
  const int end = shrink_begin(x + 1, size, covers);
  return end > begin ? end : begin + 1;
}

}  // namespace fastscnn
