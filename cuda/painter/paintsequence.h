// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cuda/painter/cells.h"
#include "cuda/painter/mask.h"
#include "cuda/painter/tables.h"

namespace fastscnn::cuda {

/// The buffers of the kernels.
struct PaintMemory {
  const PaintTables *tables;
  uint8_t *values, *outlines;       // (height, width) of the frame
  PaintPixel *feathered;            // the same; only if style.feather > 0
  uint8_t *covered;                 // (rows, columns) of the cells
  float *dilated, *mean, *scratch;  // the same
};

/// The kernels that paint a frame, in order, with all their parameters. The
/// methods pass each kernel to a runner, which has
///   void items(const Kernel &);  // see cuda/kernel.h
class PaintSequence {
 public:
  explicit PaintSequence(const FrameInfo &info) : info_(info) {}

  size_t pixels() const { return size_t(info_.width) * info_.height; }
  /// Number of cells of the finest grid.
  size_t cells() const { return grid(blur_cell(info_.height)).cells(); }

  template <typename Runner>
  void paint(const Frame &dst, const PaintMask &mask, const PaintStyle &style,
             const PaintMemory &memory, Runner &&runner) const {
    const bool blurs = style.mode == PaintMode::kBlur;
    if (!style.cover_all)
      runner.items(PaintScale{mask, memory.values, info_.width, info_.height});
    if (blurs || style.mode == PaintMode::kPixelate) {
      hide(dst, style, blurs, memory, runner);
      return;
    }
    PaintSource source = whole_frame(memory.tables->area, memory.values);
    if (style.cover_all) {
      source.table = memory.tables->cover;
      source.values = nullptr;
      blend(dst, source, runner);
      if (style.mode == PaintMode::kCutout) cut(dst, source, runner);
      return;
    }
    if (style.mode != PaintMode::kContour) {
      if (style.feather > 0) {
        runner.items(
            PaintFeather{source, memory.feathered, 0.5f * (style.feather + 1)});
        source.pixels = memory.feathered;
      }
      blend(dst, source, runner);
      if (style.mode == PaintMode::kCutout) cut(dst, source, runner);
    }
    if (style.mode == PaintMode::kContour ||
        (style.mode == PaintMode::kBlend && style.contours)) {
      runner.items(outline(mask, style, memory));
      blend(dst, whole_frame(memory.tables->outline, memory.outlines), runner);
    }
  }

  /// pixels: the image's, converted by convert_pixel().
  template <typename Runner>
  void paint_image(const Frame &dst, const PaintImage &image,
                   const PaintPixel *pixels, Runner &&runner) const {
    PaintSource source = whole_frame(nullptr, nullptr);
    source.pixels = pixels;
    source.x = image.x;
    source.y = image.y;
    source.width = image.width;
    source.height = image.height;
    for (int c = 0; c < info_.components; c++) {
      const PaintSamples part = part_of(samples(dst, c), image);
      if (part.width > 0 && part.height > 0)
        runner.items(PaintBlend{source, part, c});
    }
  }

 private:
  CellGrid grid(int side) const;

  PaintSource whole_frame(const PaintPixel *table, const uint8_t *values) const;

  PaintSamples samples(const Frame &frame, int c) const;

  /// The samples whose area overlaps the image.
  static PaintSamples part_of(PaintSamples s, const PaintImage &image);

  PaintOutline outline(const PaintMask &mask, const PaintStyle &style,
                       const PaintMemory &memory) const;

  template <typename Runner>
  void blend(const Frame &dst, const PaintSource &source,
             Runner &runner) const {
    for (int c = 0; c < info_.components; c++)
      runner.items(PaintBlend{source, samples(dst, c), c});
  }

  /// Multiplies the alpha of frames that have one by the paint's keep.
  template <typename Runner>
  void cut(const Frame &dst, const PaintSource &source, Runner &runner) const {
    if (info_.alpha < 0) return;
    PaintSamples alpha = samples(dst, 0);
    alpha.data += info_.alpha - info_.component[0].offset;
    runner.items(PaintCut{source, alpha});
  }

  template <typename Runner>
  void hide(const Frame &dst, const PaintStyle &style, bool blurs,
            const PaintMemory &memory, Runner &runner) const {
    const CellGrid cells =
        grid(blurs ? blur_cell(info_.height) : pixelate_cell(info_.height));
    runner.items(CellCover{
        cells, style.cover_all ? nullptr : memory.values, memory.tables->drawn,
        static_cast<int>(std::ceil(style.margin * info_.height)),
        memory.covered});
    if (blurs) runner.items(CellDilate{cells, memory.covered, memory.dilated});
    for (int c = 0; c < info_.components; c++) {
      const PaintSamples component = samples(dst, c);
      runner.items(CellMean{cells, component, memory.mean});
      if (!blurs) {
        runner.items(
            PaintPixelate{cells, memory.covered, memory.mean, component});
        continue;
      }
      for (int pass = 0; pass < 3; pass++) {
        runner.items(CellBox{cells, memory.mean, memory.scratch, 1, 0});
        runner.items(CellBox{cells, memory.scratch, memory.mean, 0, 1});
      }
      runner.items(PaintBlur{cells, memory.dilated, memory.mean, component});
    }
  }

  FrameInfo info_;
};

}  // namespace fastscnn::cuda
