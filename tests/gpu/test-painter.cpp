// SPDX-License-Identifier: LGPL-2.1-or-later
// The painter on the device paints what net/painter.h says, from masks in both
// kinds of memory.
#include <cstdlib>

#include "cuda/painter/painter.h"
#include "tests/support/frames.h"
#include "tests/gpu/device.h"
#include "tests/support/must.h"
#include "tests/support/paintreference.h"

using namespace fastscnn;
using namespace fastscnn::cuda;
using fastscnn::cuda::testing::DeviceCopy;
using reference::TestFrame;

namespace {

constexpr int kWidth = 211, kHeight = 130;
constexpr PaintMode kModes[] = {PaintMode::kBlend,    PaintMode::kMask,
                                PaintMode::kContour,  PaintMode::kBlur,
                                PaintMode::kPixelate, PaintMode::kCutout};

/// Stripes of the values 0 to 4 with single pixels of 255.
std::vector<uint8_t> make_ids() {
  std::vector<uint8_t> ids(size_t(kWidth) * kHeight);
  for (size_t i = 0; i < ids.size(); i++)
    ids[i] = static_cast<uint8_t>(
        g_test_rand_int_range(0, 50) ? i % kWidth / 40 % 5 : 255);
  return ids;
}

PaintStyle make_style(PaintMode mode) {
  PaintStyle style;
  style.mode = mode;
  style.color[0] = {128, 64, 128, 128};
  style.color[1] = {244, 35, 232, 255};
  style.color[4] = {70, 70, 70, 90};
  style.background = {10, 200, 40, 180};
  style.margin = 0.02f;
  style.contours = true;
  style.feather = mode == PaintMode::kCutout ? 3.5f : 0.f;
  return style;
}

void check(const std::shared_ptr<const Context> &context, const char *format,
           const PaintStyle &style, bool mask_on_device) {
  reference::Lcg lcg(g_test_rand_int());
  TestFrame frame =
      reference::make_frame(format, kWidth, kHeight, 3, false, lcg);
  const std::vector<uint8_t> ids = make_ids();
  const DeviceCopy<uint8_t> device_ids(ids.data(), ids.size());
  PaintMask mask;
  mask.ids = ids.data();
  mask.stride = mask.width = mask.covers_width = kWidth;
  mask.height = mask.covers_height = kHeight;

  const DeviceCopy<uint8_t> bytes(frame.bytes.data(), frame.bytes.size());
  Frame on_host, on_device;
  for (int p = 0; p < frame.info.planes; p++) {
    const ptrdiff_t offset = frame.frame.data[p] - frame.bytes.data();
    on_host.data[p] = frame.bytes.data() + offset;
    on_device.data[p] = bytes.get() + offset;
    on_host.stride[p] = on_device.stride[p] = frame.frame.stride[p];
  }
  reference::paint(frame.info, on_host, mask, style);
  if (mask_on_device) {
    mask.ids = device_ids.get();
    mask.memory = Memory::kDevice;
  }
  auto painter = make_painter(context);
  must(painter->configure(frame.info));
  must(painter->paint(on_device, mask, style, {context->handle(), nullptr}));
  const std::vector<uint8_t> got = bytes.read();
  for (size_t i = 0; i < got.size(); i++)
    if (std::abs(got[i] - frame.bytes[i]) > 1)
      g_error("%s, mode %d: byte %zu is %d, expected %d", format,
              static_cast<int>(style.mode), i, got[i], frame.bytes[i]);
}

void test_paint() {
  const auto context = must(Context::primary(0));
  const ContextGuard guard = must(ContextGuard::enter(*context));
  for (const char *format : {"NV12", "I420", "RGB", "BGRA"})
    for (PaintMode mode : kModes)
      for (bool mask_on_device : {false, true})
        check(context, format, make_style(mode), mask_on_device);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  if (testing::skip_without_device()) return 0;
  g_test_add_func("/gpu/painter/paint", test_paint);
  return g_test_run();
}
