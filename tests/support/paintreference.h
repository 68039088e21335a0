// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <cstdint>
#include <vector>

#include "net/painter.h"

/// Reference for painters: implements net/painter.h literally, pixel by pixel
/// and in double precision.
namespace fastscnn::reference {

/// Pixels that blur and pixelate must replace: within the margin of a drawn
/// one.
std::vector<uint8_t> grown_region(const std::vector<uint8_t> &values, int width,
                                  int height, const PaintStyle &style);

void paint(const FrameInfo &info, const Frame &frame, const PaintMask &mask,
           const PaintStyle &style);

void paint_image(const FrameInfo &info, const Frame &frame,
                 const PaintImage &image);

class ReferencePainter : public Painter {
 public:
  Result<> configure(const FrameInfo &frame) override {
    info_ = frame;
    return {};
  }
  Result<> paint(const Frame &dst, const PaintMask &mask,
                 const PaintStyle &style, Queue) override {
    reference::paint(info_, dst, mask, style);
    return {};
  }
  Result<> paint_image(const Frame &dst, const PaintImage &image,
                       Queue) override {
    reference::paint_image(info_, dst, image);
    return {};
  }

 private:
  FrameInfo info_;
};

}  // namespace fastscnn::reference
