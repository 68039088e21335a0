/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <vector>

#include "cpu/painter/framecolors.h"

namespace fastscnn {

/// Blurs and pixelates: a frame divided into square cells, which of them are
/// covered, and the means of their samples.
class Cells {
 public:
  /// side: of a cell in pixels, even.
  void configure(const FrameInfo &frame, int side);

  /// Covers the cells within `margin` pixels of a drawn value. False if there
  /// is none.
  bool cover(const Values &values, const bool drawn[256], int margin);
  void cover_all();

  /// Replaces what is covered by the cells' means.
  void pixelate(const Frame &frame);

  /// Replaces what is covered by a smooth picture of the cells' means.
  void blur(const Frame &frame);

 private:
  void measure(const Frame &frame);
  void smooth(std::vector<float> *means);
  void cover_neighbours();
  void blur_component(const Frame &frame, int c);

  int first_sample(int c, int column) const;
  int samples_end(int c, int column) const;

  FrameInfo info_;
  int side_ = 2;
  int columns_ = 0, rows_ = 0;
  std::vector<uint8_t> covered_;
  std::vector<uint8_t> reached_;         // covered, or beside a covered one
  std::vector<float> means_[3];          // of each component
  std::vector<uint32_t> sums_;           // of the bytes of some rows
  std::vector<float> scratch_;           // one line of cells
  std::vector<float> strength_, color_;  // of a row of samples, at the cells
  std::vector<int> begin_[3];            // first sample right of each centre
  std::vector<float> weight_[3];         // of the cell to the right
};

}  // namespace fastscnn
