// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include "cpu/alignedbuffer.h"
#include "tests/support/must.h"
#include "tests/support/reference.h"

namespace fastscnn::testing {

/// Copies an image (3, height, width) to the input of a network of the same
/// type.
template <typename Network, typename T>
void set_image(Network *network, const reference::BasicTensor<T> &image) {
  for (int y = 0; y < image.height; y++)
    for (int x = 0; x < image.width; x++)
      for (int c = 0; c < 3; c++)
        network->image_row(y)[3 * x + c] = image.at(c, y, x);
}

/// Copies logits (classes, height, width) to the layout that Logits describes.
inline AlignedBuffer to_rows(const reference::Tensor &logits, int pitch) {
  AlignedBuffer rows = must(
      AlignedBuffer::create(size_t(logits.height) * logits.channels * pitch));
  for (int y = 0; y < logits.height; y++)
    for (int c = 0; c < logits.channels; c++)
      for (int x = 0; x < logits.width; x++)
        rows.data()[(size_t(y) * logits.channels + c) * pitch + x] =
            logits.at(c, y, x);
  return rows;
}

}  // namespace fastscnn::testing
