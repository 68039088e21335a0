// SPDX-License-Identifier: LGPL-2.1-or-later
// Whatever call of CUDA or cuDNN fails: an Error or a way around, nothing is
// leaked, nobody's memory written, and a GPU that is well again is used again.
#include <glib.h>

#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "cuda/engine/engine.h"
#include "cuda/painter/painter.h"
#include "net/painter.h"
#include "tests/cuda/fakecuda.h"
#include "tests/support/frames.h"
#include "tests/support/must.h"

using namespace fastscnn;
using namespace fastscnn::cuda;

namespace {

constexpr int kWidth = 64, kHeight = 32;

reference::TestFrame make_frame() {
  reference::Lcg lcg(1);
  return reference::make_frame("NV12", kWidth, kHeight, 0, false, lcg);
}

struct Given {
  std::shared_ptr<const Model> model =
      reference::make_model(Variant::tramac(), 19);
  reference::TestFrame frame = make_frame();
};

/// A frame into memory that is gone afterwards.
Result<> segment(Engine *engine, const ConstFrame &frame) {
  std::vector<uint8_t> ids(kWidth * kHeight), confidence(kWidth * kHeight);
  const auto counts = std::make_unique<uint32_t[]>(256);
  Mask mask;
  mask.ids = ids.data();
  mask.confidence = confidence.data();
  mask.stride = mask.confidence_stride = kWidth;
  mask.counts = counts.get();
  Options options;
  options.smoothing = 0.5f;
  return engine->segment(frame, mask, options, {});
}

Result<std::unique_ptr<Engine>> create_engine(const Given &given) {
  const auto context = FASTSCNN_TRY(Context::primary(0));
  const auto weights =
      FASTSCNN_TRY(Weights<__half>::create(context, given.model));
  const auto ignore = [](const std::string &) {};
  return make_engine<__half>(
      context, weights, std::make_shared<PlanCache>("", "", ignore), ignore);
}

/// Where the calls of each part of a run begin.
struct Parts {
  size_t frames = 0, end = 0;
};

/// An Error ends it, after some more frames: a caller may not have noticed.
Result<> run_engine(const Given &given, Parts *parts) {
  const Config config = {kWidth, kHeight, kWidth, kHeight};
  const auto engine = FASTSCNN_TRY(create_engine(given));
  FASTSCNN_TRY(engine->configure(given.frame.info, config));
  parts->frames = standin::calls().size();
  Result<> done;
  for (int i = 0; i < 3 && done; i++)
    done = segment(engine.get(), given.frame.frame);
  parts->end = standin::calls().size();
  if (done) return done;
  for (int i = 0; i < 3; i++)
    (void)segment(engine.get(), given.frame.frame).has_value();
  // One failure does not make it unusable.
  standin::begin(standin::Fault::kNone, 0);
  must(engine->configure(given.frame.info, config));
  must(segment(engine.get(), given.frame.frame));
  return done;
}

Result<> run_painter(const Given &given, Parts *parts) {
  auto context = FASTSCNN_TRY(Context::primary(0));
  const auto painter = make_painter(std::move(context));
  FASTSCNN_TRY(painter->configure(given.frame.info));
  parts->frames = standin::calls().size();
  std::vector<uint8_t> pixels = given.frame.bytes, ids(kWidth * kHeight);
  Frame dst;
  for (int p = 0; p < given.frame.info.planes; p++) {
    dst.data[p] =
        pixels.data() + (given.frame.frame.data[p] - given.frame.bytes.data());
    dst.stride[p] = given.frame.frame.stride[p];
  }
  PaintMask mask = {};
  mask.ids = ids.data();
  mask.width = mask.stride = kWidth;
  mask.height = kHeight;
  PaintStyle style;
  style.feather = 2;
  Result<> done;
  for (int i = 0; i < 2 && done; i++)
    done = painter->paint(dst, mask, style, {});
  parts->end = standin::calls().size();
  return done;
}

using Run = Result<>(const Given &, Parts *);

/// Of the calls of each function the first, the last, and some between.
std::set<size_t> choose(const std::vector<std::string> &calls) {
  std::map<std::string, std::vector<size_t>> of;
  for (size_t i = 0; i < calls.size(); i++) of[calls[i]].push_back(i);
  std::set<size_t> chosen;
  for (const auto &[name, at] : of) {
    for (size_t i = 0; i < at.size(); i += 1 + at.size() / 4)
      chosen.insert(at[i]);
    for (size_t i = at.size(); i > 0 && i + 4 > at.size(); i--)
      chosen.insert(at[i - 1]);
  }
  return chosen;
}

void fail_everywhere(Run *run) {
  const Given given;
  Parts parts;
  standin::begin(standin::Fault::kNone, 0);
  must(run(given, &parts));
  g_assert_cmpuint(standin::alive(), ==, 0);
  const std::vector<std::string> calls = standin::calls();
  g_assert_cmpuint(parts.frames, <, parts.end);
  g_assert_cmpuint(parts.end, <, calls.size());

  for (standin::Fault fault : {standin::Fault::kOnce, standin::Fault::kLost})
    for (size_t call : choose(calls)) {
      // A context that cannot be entered any more has taken all with it.
      if (call >= parts.end && calls[call] == "cuCtxPushCurrent_v2") continue;
      standin::begin(fault, call);
      Parts unused;
      const Result<> result = run(given, &unused);
      g_test_message("call %zu, %s: %s", call, calls[call].c_str(),
                     result ? "well" : result.error().sentence.c_str());
      if (!result)
        g_assert_cmpuint(result.error().sentence.size(), >, 10);
      else if (fault == standin::Fault::kLost)
        g_assert_cmpuint(call, >=, parts.end);
      else  // while plans are looked for, others are tried
        g_assert_true(call < parts.frames || call >= parts.end);
      g_assert_cmpuint(standin::alive(), ==, 0);
    }
}

void test_engine() { fail_everywhere(run_engine); }
void test_painter() { fail_everywhere(run_painter); }

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cuda/faults/engine", test_engine);
  g_test_add_func("/cuda/faults/painter", test_painter);
  return g_test_run();
}
