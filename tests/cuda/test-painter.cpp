// SPDX-License-Identifier: LGPL-2.1-or-later
// The kernels of the CUDA painter, emulated on the CPU.
#include <glib.h>

#include "cuda/painter/paintsequence.h"
#include "net/color.h"
#include "tests/cuda/emulator.h"
#include "tests/support/contracttests.h"

using namespace fastscnn;
using namespace fastscnn::cuda;

namespace {

struct Runner {
  template <typename Kernel>
  void items(const Kernel &kernel) {
    emulator::items(kernel);
  }
};

class EmulatedPainter : public Painter {
 public:
  Result<> configure(const FrameInfo &frame) override {
    info_ = frame;
    return {};
  }

  Result<> paint(const Frame &dst, const PaintMask &mask,
                 const PaintStyle &style, Queue) override {
    const PaintSequence plan(info_);
    const PaintTables tables = make_tables(info_, style);
    const emulator::Array<uint8_t> values(plan.pixels());
    const emulator::Array<uint8_t> outlines(plan.pixels());
    const emulator::Array<PaintPixel> feathered(plan.pixels());
    const emulator::Array<uint8_t> covered(plan.cells());
    const emulator::Array<float> reached(plan.cells()), mean(plan.cells()),
        scratch(plan.cells());
    plan.paint(dst, mask, style,
               {&tables, values.get(), outlines.get(), feathered.get(),
                covered.get(), reached.get(), mean.get(), scratch.get()},
               Runner());
    return {};
  }

  Result<> paint_image(const Frame &dst, const PaintImage &image,
                       Queue) override {
    const ColorTransform from_rgb = invert(info_.to_rgb, info_.components);
    std::vector<PaintPixel> pixels;
    for (int i = 0; i < image.width * image.height; i++)
      pixels.push_back(convert_pixel(info_, from_rgb, image.rgba + 4 * i));
    PaintSequence(info_).paint_image(dst, image, pixels.data(), Runner());
    return {};
  }

 private:
  FrameInfo info_;
};

std::unique_ptr<Painter> create() {
  return std::make_unique<EmulatedPainter>();
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  testing::add_painter_tests({"cuda", create});
  return g_test_run();
}
