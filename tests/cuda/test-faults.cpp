// SPDX-License-Identifier: LGPL-2.1-or-later
// Whichever call of CUDA or cuDNN fails, the caller gets an Error or a result,
// nothing leaks, no foreign memory is written, and the engine is usable again
// once the GPU works.
#include <glib.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <memory>
#include <set>

#include "cuda/engine/engine.h"
#include "cuda/engine/kernelsequence.h"
#include "cuda/hostmemory.h"
#include "cuda/painter/painter.h"
#include "net/backend.h"
#include "net/painter.h"
#include "tests/cuda/fakecuda.h"
#include "tests/support/frames.h"
#include "tests/support/must.h"

using namespace fastscnn;
using namespace fastscnn::cuda;

extern "C" FastscnnBackendOpen fastscnn_backend_open;

namespace {

constexpr int kWidth = 64, kHeight = 32;
constexpr Config kConfig = {kWidth, kHeight, kWidth, kHeight};

struct Inputs {
  std::shared_ptr<const Model> model =
      reference::make_model(Variant::tramac(), 19);
  reference::Lcg lcg{1};
  reference::TestFrame frame =
      reference::make_frame("NV12", kWidth, kHeight, 0, false, lcg);
};

/// Segments a frame into memory that is freed on return.
Result<> segment(Engine *engine, const ConstFrame &frame) {
  std::vector<uint8_t> ids(kWidth * kHeight), confidence(kWidth * kHeight);
  const auto counts = std::make_unique<uint32_t[]>(256);
  const Mask mask = {ids.data(), kWidth,        confidence.data(),
                     kWidth,     Memory::kHost, counts.get()};
  Options options;
  options.smoothing = 0.5f;
  const Result<> done = engine->segment(frame, mask, options, {});
  g_assert_false(fakecuda::busy());
  return done;
}

Result<std::unique_ptr<Engine>> create_engine(
    const Inputs &inputs, const std::shared_ptr<const Context> &context) {
  const auto weights =
      FASTSCNN_TRY(Weights<__half>::create(context, inputs.model));
  const auto ignore = [](const std::string &) {};
  // With a limit, a busy machine would run out of time at random, and the calls
  // would differ from run to run.
  constexpr std::chrono::hours kUnlimited(24);
  return make_engine<__half>(
      context, std::make_shared<ExecutorPool>(), weights,
      std::make_shared<PlanCache>("", "", ignore, kUnlimited), ignore);
}

/// Index of the first call that segments or paints, and of the first one after
/// all of these.
struct Parts {
  size_t frames = 0, end = 0;
};

/// After an Error it segments more frames, as a caller might, then recovers.
Result<> run_engine(const Inputs &inputs, Parts *parts) {
  const auto context = FASTSCNN_TRY(Context::primary(0));
  const auto engine = FASTSCNN_TRY(create_engine(inputs, context));
  FASTSCNN_TRY(engine->configure(inputs.frame.info, kConfig));
  parts->frames = fakecuda::calls().size();
  Result<> done;
  for (int i = 0; i < 3 && done; i++)
    done = segment(engine.get(), inputs.frame.frame);
  parts->end = fakecuda::calls().size();
  if (done) return done;
  for (int i = 0; i < 3; i++)
    (void)segment(engine.get(), inputs.frame.frame).has_value();
  // The engine is usable again.
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  must(engine->configure(inputs.frame.info, kConfig));
  must(segment(engine.get(), inputs.frame.frame));
  return done;
}

/// Segments frames in device memory while upstream has more work queued.
Result<> run_upstream(const Inputs &inputs, Parts *parts) {
  const auto context = FASTSCNN_TRY(Context::primary(0));
  const ContextGuard guard = FASTSCNN_TRY(ContextGuard::enter(*context));
  const auto engine = FASTSCNN_TRY(create_engine(inputs, context));
  FrameInfo info = inputs.frame.info;
  info.memory = Memory::kDevice;
  FASTSCNN_TRY(engine->configure(info, kConfig));
  const Stream stream = FASTSCNN_TRY(make_stream());
  const DeviceMemory next = FASTSCNN_TRY(make_device_memory(1));
  std::vector<uint8_t> ids(kWidth * kHeight);
  parts->frames = fakecuda::calls().size();
  for (int i = 0; i < 2; i++) {
    TRY_CUDA(cudaMemsetAsync(next.get(), 0, 1, stream.get()));
    FASTSCNN_TRY(engine->segment(inputs.frame.frame, {ids.data(), kWidth}, {},
                                 {context->handle(), stream.get()}));
  }
  parts->end = fakecuda::calls().size();
  return {};
}

Result<> run_painter(const Inputs &inputs, Parts *parts) {
  auto context = FASTSCNN_TRY(Context::primary(0));
  const auto painter = make_painter(std::move(context));
  FASTSCNN_TRY(painter->configure(inputs.frame.info));
  parts->frames = fakecuda::calls().size();
  std::vector<uint8_t> pixels = inputs.frame.bytes, ids(kWidth * kHeight);
  const Frame dst = reference::planes_in(pixels.data(), inputs.frame);
  PaintMask mask = {};
  mask.ids = ids.data();
  mask.width = mask.stride = kWidth;
  mask.height = kHeight;
  PaintStyle style;
  style.feather = 2;
  Result<> done;
  for (int i = 0; i < 2 && done; i++)
    done = painter->paint(dst, mask, style, {});
  parts->end = fakecuda::calls().size();
  return done;
}

/// The memory keeps its context alive, to which it has the only reference.
Result<> run_host_memory(const Inputs &, Parts *parts) {
  constexpr size_t kBytes = 4096;
  auto context = FASTSCNN_TRY(Context::primary(0));
  parts->frames = fakecuda::calls().size();
  const auto memory =
      FASTSCNN_TRY(allocate_host_memory(std::move(context), kBytes));
  std::memset(memory.get(), 1, kBytes);
  parts->end = fakecuda::calls().size();
  return {};
}

Result<> run_registration(const Inputs &, Parts *parts) {
  std::vector<uint8_t> bytes(4096);
  auto context = FASTSCNN_TRY(Context::primary(0));
  parts->frames = fakecuda::calls().size();
  const auto registration = FASTSCNN_TRY(
      register_host_memory(std::move(context), bytes.data(), bytes.size()));
  parts->end = fakecuda::calls().size();
  return {};
}

using Run = Result<>(const Inputs &, Parts *);

/// Chooses calls of each function: the first, the last few, some in between.
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
  const Inputs inputs;
  Parts parts;
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  must(run(inputs, &parts));
  g_assert_cmpuint(fakecuda::alive(), ==, 0);
  const std::vector<std::string> calls = fakecuda::calls();
  g_assert_cmpuint(parts.frames, <, parts.end);
  g_assert_cmpuint(parts.end, <, calls.size());

  for (fakecuda::Fault fault : {fakecuda::Fault::kOnce, fakecuda::Fault::kLost})
    for (size_t call : choose(calls)) {
      // A context that cannot be entered is destroyed with all its objects.
      if (call >= parts.end && calls[call] == "cuCtxPushCurrent_v2") continue;
      fakecuda::begin(fault, call);
      Parts unused;
      const Result<> result = run(inputs, &unused);
      g_assert_cmpstr(fakecuda::failed().c_str(), ==, calls[call].c_str());
      g_test_message("call %zu, %s: %s", call, calls[call].c_str(),
                     result ? "no error" : result.error().sentence.c_str());
      if (!result)
        g_assert_cmpuint(result.error().sentence.size(), >, 10);
      else if (fault == fakecuda::Fault::kLost)
        g_assert_cmpuint(call, >=, parts.end);
      else  // while plans are chosen, the engine tries others
        g_assert_true(call < parts.frames || call >= parts.end);
      g_assert_cmpuint(fakecuda::alive(), ==, 0);
    }
}

size_t count_calls(const char *name) {
  const std::vector<std::string> &calls = fakecuda::calls();
  return std::count(calls.begin(), calls.end(), name);
}

/// After the first frame of a kind, segment() allocates nothing, updates some
/// nodes of one graph and launches it, and waits once.
void expect_lean_calls(size_t copies, size_t nodes) {
  for (const char *name :
       {"cudaMalloc", "cudaHostAlloc", "cudaEventCreateWithFlags",
        "cudaEventRecord", "cudaEventSynchronize", "cudaStreamWaitEvent",
        "cudaDeviceSynchronize", "cudaLaunchKernelExC", "cudaMemsetAsync",
        "cudnnBackendExecute", "cudaStreamBeginCapture"})
    g_assert_cmpuint(count_calls(name), ==, 0);
  g_assert_cmpuint(count_calls("cudaGraphLaunch"), ==, 1);
  g_assert_cmpuint(count_calls("cudaGraphExecKernelNodeSetParams"), ==, nodes);
  g_assert_cmpuint(count_calls("cudaStreamSynchronize"), ==, 1);
  g_assert_cmpuint(count_calls("cudaMemcpyAsync"), ==, copies);
}

void test_host_calls() {
  const Inputs inputs;
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  const auto context = must(Context::primary(0));
  const auto engine = must(create_engine(inputs, context));
  must(engine->configure(inputs.frame.info, kConfig));
  must(segment(engine.get(), inputs.frame.frame));
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  must(segment(engine.get(), inputs.frame.frame));
  // Planes, ids, confidence; with the temporal filter.
  expect_lean_calls(2 + 2, 4);
}

/// With Options::sleeps the thread sleeps until the frame is done.
void test_sleep() {
  const Inputs inputs;
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  const auto context = must(Context::primary(0));
  const auto engine = must(create_engine(inputs, context));
  must(engine->configure(inputs.frame.info, kConfig));
  std::vector<uint8_t> ids(kWidth * kHeight);
  const Mask mask = {ids.data(), kWidth};
  Options options;
  options.sleeps = true;
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  must(engine->segment(inputs.frame.frame, mask, options, {}));
  g_assert_false(fakecuda::busy());
  g_assert_cmpuint(count_calls("sleep"), ==, 1);
  g_assert_cmpuint(count_calls("cudaStreamSynchronize"), ==, 0);
  // If no event can be recorded, it waits for the stream.
  const std::vector<std::string> calls = [&] {
    fakecuda::begin(fakecuda::Fault::kNone, 0);
    must(engine->segment(inputs.frame.frame, mask, options, {}));
    return fakecuda::calls();
  }();
  const auto at = std::find(calls.begin(), calls.end(), "cudaEventRecord");
  fakecuda::begin(fakecuda::Fault::kOnce, at - calls.begin());
  must(engine->segment(inputs.frame.frame, mask, options, {}));
  g_assert_false(fakecuda::busy());
  fakecuda::begin(fakecuda::Fault::kNone, 0);
}

/// The plans of both heuristics are timed; in the fake, each proposes two.
void test_tuning() {
  const Inputs inputs;
  const WeightTable<__half> table(true);
  const auto kernels = must(
      KernelSequence<__half>::create(*inputs.model, table, kHeight, kWidth));
  std::set<std::string> names;
  for (const Step &step : kernels.program().steps)
    if (step.kind == Step::Kind::kConvolution)
      names.insert(kernels.convolution(step).name());
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  const auto context = must(Context::primary(0));
  const auto engine = must(create_engine(inputs, context));
  must(engine->configure(inputs.frame.info, kConfig));
  g_assert_cmpuint(count_calls("cudaStreamBeginCapture"), ==,
                   2 * 2 * names.size() + 2 * 15);  // forms of blocks
}

/// Frame and mask in pinned memory are copied by the GPU alone; a large frame
/// elsewhere is sent piece by piece.
void test_pinned_calls() {
  constexpr int kLarge = 1024;
  const Inputs inputs;
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  const auto context = must(Context::primary(0));
  const ContextGuard guard = must(ContextGuard::enter(*context));
  const auto engine = must(create_engine(inputs, context));
  reference::Lcg lcg(1);
  const auto frame =
      reference::make_frame("NV12", kLarge, kLarge, 0, false, lcg);
  must(engine->configure(frame.info, kConfig));
  const PinnedMemory ids = must(make_pinned_memory(kWidth * kHeight));
  const PinnedMemory bytes = must(make_pinned_memory(frame.bytes.size()));
  std::copy(frame.bytes.begin(), frame.bytes.end(),
            static_cast<uint8_t *>(bytes.get()));
  const ConstFrame pinned = as_const(
      reference::planes_in(static_cast<uint8_t *>(bytes.get()), frame));
  std::vector<uint8_t> plain(kWidth * kHeight);
  const struct {
    const ConstFrame &frame;
    uint8_t *ids;
    size_t pieces, copies;
  } cases[] = {
      {pinned, static_cast<uint8_t *>(ids.get()), 0, 2 + 1},
      {pinned, plain.data(), 1, 2},
      {frame.frame, static_cast<uint8_t *>(ids.get()), 4 + 2, 1},
      {frame.frame, plain.data(), 4 + 2 + 1, 0},
  };
  for (const auto &c : cases) {
    const Mask mask = {c.ids, kWidth};
    must(engine->segment(c.frame, mask, {}, {}));
    fakecuda::begin(fakecuda::Fault::kNone, 0);
    must(engine->segment(c.frame, mask, {}, {}));
    g_assert_cmpuint(count_calls("cudaMemcpyAsync"), ==, c.pieces);
    g_assert_cmpuint(count_calls("cudaMemcpy2DAsync"), ==, c.copies);
  }
}

/// Frame and mask in device memory are used in place.
void test_device_calls() {
  const Inputs inputs;
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  const auto context = must(Context::primary(0));
  const ContextGuard guard = must(ContextGuard::enter(*context));
  const auto engine = must(create_engine(inputs, context));
  FrameInfo info = inputs.frame.info;
  info.memory = Memory::kDevice;
  must(engine->configure(info, kConfig));
  const Stream stream = must(make_stream());
  const DeviceMemory ids = must(make_device_memory(kWidth * kHeight));
  uint32_t counts[256];
  Mask mask = {static_cast<uint8_t *>(ids.get()), kWidth};
  mask.memory = Memory::kDevice;
  mask.counts = counts;
  const Queue queue = {context->handle(), stream.get()};
  must(engine->segment(inputs.frame.frame, mask, {}, queue));
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  must(engine->segment(inputs.frame.frame, mask, {}, queue));
  g_assert_false(fakecuda::busy());
  expect_lean_calls(0, 2);
  // The GPU waits for the work that upstream has queued. The thread does not:
  // that work may be the upload of the next frame.
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  g_assert_cmpint(cudaMemsetAsync(ids.get(), 0, 1, stream.get()), ==,
                  cudaSuccess);
  must(engine->segment(inputs.frame.frame, mask, {}, queue));
  g_assert_true(fakecuda::busy());
  g_assert_cmpuint(count_calls("cudaEventRecord"), ==, 1);
  g_assert_cmpuint(count_calls("cudaStreamWaitEvent"), ==, 1);
  g_assert_cmpint(cudaStreamSynchronize(stream.get()), ==, cudaSuccess);
  // Another kind of frame needs another graph, once.
  Options options;
  options.smoothing = 0.5f;
  options.confidence_threshold = 0.5f;
  for (int i = 0; i < 2; i++) {
    fakecuda::begin(fakecuda::Fault::kNone, 0);
    must(engine->segment(inputs.frame.frame, mask, options, queue));
    g_assert_cmpuint(count_calls("cudaGraphInstantiateWithFlags"), ==, i == 0);
  }
  expect_lean_calls(0, 4);
}

/// With the fake, both forms of a block take equally long and agree.
void test_fused() {
  const Inputs inputs;
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  const auto context = must(Context::primary(0));
  const auto engine = must(create_engine(inputs, context));
  g_assert_true(engine->fused_blocks().empty());
  must(engine->configure(inputs.frame.info, kConfig));
  g_assert_true(
      engine->fused_blocks() ==
      "lds lds.ds1 lds.ds2 gfe.b1.0 gfe.b1.1 gfe.b1.2 gfe.b2.0 gfe.b2.1 "
      "gfe.b2.2 gfe.b3.0 gfe.b3.1 gfe.b3.2 ffm cls.ds1 cls.ds2 cls");
  g_assert_cmpuint(count_calls("cudaFuncSetAttribute"), >, 0);
  // Kernels of the network that follow another kernel of ours.
  g_assert_cmpuint(fakecuda::early_launches(), >, 0);
  Config config = kConfig;
  config.fused = false;
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  must(engine->configure(inputs.frame.info, config));
  g_assert_true(engine->fused_blocks().empty());
  g_assert_cmpuint(count_calls("cudaFuncSetAttribute"), ==, 0);
}

/// The Error that refuses int8 says what to choose instead.
void test_precision() {
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  char why[256] = "";
  Backend *backend = fastscnn_backend_open(kEngineAbi, why, sizeof why);
  g_assert_cmpstr(why, ==, "");
  Device device;
  device.precision = fastscnn::Precision::kInt8;
  const auto refused = backend->create_engine(Inputs().model, device);
  g_assert_false(refused.has_value());
  g_assert_true(refused.error().kind == Error::Kind::kDevice);
  g_assert_cmpstr(refused.error().sentence.c_str(), ==,
                  "The CUDA engine has no precision int8; choose auto or fp32, "
                  "or backend=cpu");
  g_assert_cmpuint(fakecuda::alive(), ==, 0);
}

void test_engine() { fail_everywhere(run_engine); }
void test_upstream() { fail_everywhere(run_upstream); }
void test_painter() { fail_everywhere(run_painter); }
void test_host_memory() { fail_everywhere(run_host_memory); }
void test_registration() { fail_everywhere(run_registration); }

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cuda/faults/calls/host", test_host_calls);
  g_test_add_func("/cuda/faults/calls/device", test_device_calls);
  g_test_add_func("/cuda/faults/calls/pinned", test_pinned_calls);
  g_test_add_func("/cuda/faults/calls/sleep", test_sleep);
  g_test_add_func("/cuda/faults/calls/tuning", test_tuning);
  g_test_add_func("/cuda/faults/fused", test_fused);
  g_test_add_func("/cuda/faults/engine", test_engine);
  g_test_add_func("/cuda/faults/upstream", test_upstream);
  g_test_add_func("/cuda/faults/painter", test_painter);
  g_test_add_func("/cuda/faults/host-memory", test_host_memory);
  g_test_add_func("/cuda/faults/registration", test_registration);
  g_test_add_func("/cuda/faults/precision", test_precision);
  return g_test_run();
}
