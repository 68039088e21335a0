// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <vector>

#include "cpu/painter/framemask.h"
#include "net/painter.h"

namespace fastscnn {

/// Blurs and pixelates by dividing the frame into square cells: marks the cells
/// to cover and replaces their samples with the means of cells.
class Cells {
 public:
  /// side: of a cell in pixels, even.
  void configure(const FrameInfo &frame, int side);

  /// Marks the cells within `margin` pixels of a drawn value; false if there
  /// are none.
  bool cover(const FrameMask &mask, const bool drawn[256], int margin);
  void cover_all();

  /// Replaces the samples of each marked cell with their mean.
  void pixelate(const Frame &frame);

  /// Replaces the samples of marked cells with a smooth interpolation of the
  /// means.
  void blur(const Frame &frame);

 private:
  void measure(const Frame &frame);
  void smooth(std::vector<float> *means);
  void spread_cover();
  void blur_component(const Frame &frame, int c);

  int first_sample(int c, int column) const;
  int samples_end(int c, int column) const;

  FrameInfo info_;
  int side_ = 2;
  int columns_ = 0, rows_ = 0;
  std::vector<uint8_t> covered_;
  std::vector<uint8_t> faded_;           // covered, or next to a covered cell
  std::vector<float> means_[3];          // of each component
  std::vector<uint32_t> sums_;           // of columns of bytes
  std::vector<float> scratch_;           // a line of cells
  std::vector<float> strength_, color_;  // of a sample row, at cell centres
  std::vector<int> begin_[3];            // first sample right of each centre
  std::vector<float> weight_[3];         // of the cell right of each sample
};

}  // namespace fastscnn
