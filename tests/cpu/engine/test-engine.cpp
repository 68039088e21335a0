// SPDX-License-Identifier: LGPL-2.1-or-later
// The CPU engine, loaded as the plugin loads it.

#include <gmodule.h>

#include <cstring>

#include "cpu/engine/int8/instructions.h"
#include "net/backend.h"
#include "net/painter.h"
#include "tests/support/contracttests.h"
#include "tests/support/frames.h"
#include "tests/support/must.h"
#include "tests/support/referenceengine.h"

using namespace fastscnn;

namespace {

FastscnnBackendOpen *open_function() {
  GModule *module = g_module_open(FASTSCNN_CPU_MODULE, G_MODULE_BIND_LOCAL);
  if (!module) g_error("%s", g_module_error());
  gpointer symbol;
  g_assert_true(g_module_symbol(module, FASTSCNN_BACKEND_OPEN, &symbol));
  g_module_make_resident(module);
  return reinterpret_cast<FastscnnBackendOpen *>(symbol);
}

Backend &backend() {
  char why[256] = "";
  Backend *backend = open_function()(kEngineAbi, why, sizeof why);
  if (!backend) g_error("%s", why);
  return *backend;
}

template <Precision kPrecision>
std::unique_ptr<Engine> create(std::shared_ptr<const Model> model,
                               int threads) {
  Device device;
  device.threads = threads;
  device.precision = kPrecision;
  return must(backend().create_engine(std::move(model), device));
}

void test_backend() {
  char why[256] = "";
  g_assert_null(open_function()(kEngineAbi + 1, why, sizeof why));
  g_assert_nonnull(std::strstr(why, "same version"));
  Device device;
  device.threads = 3;
  g_assert_cmpstr(backend().name(), ==, "cpu");
  g_assert_nonnull(
      std::strstr(must(backend().device_name(device)).c_str(), ", 3 threads"));
  g_assert_nonnull(must(backend().create_painter(device)).get());
}

/// The precision of an engine of this model.
std::string precision_of(const std::shared_ptr<const Model> &model,
                         Precision wanted) {
  Device device;
  device.precision = wanted;
  return must(backend().create_engine(model, device))->precision();
}

void test_precision() {
  const auto plain = reference::make_model(Variant::tramac(), 3);
  const auto scaled = reference::with_scales(*plain);
  g_assert_true(precision_of(plain, Precision::kAuto) == "fp32");
  g_assert_true(precision_of(scaled, Precision::kFp32) == "fp32");
  const std::string int8 = precision_of(scaled, Precision::kInt8);
  g_assert_true(int8.substr(0, 6) == "int8 (");
  g_assert_true(precision_of(scaled, Precision::kAuto) ==
                (int8::is_faster_than_fp32() ? int8 : "fp32"));

  Device device;
  device.precision = Precision::kInt8;
  const auto refused = backend().create_engine(plain, device);
  g_assert_false(refused.has_value());
  g_assert_true(refused.error().kind == Error::Kind::kModel);
  const char *sentence = refused.error().sentence.c_str();
  g_assert_nonnull(std::strstr(sentence, "random"));
  g_assert_nonnull(std::strstr(sentence, "models/calibrate.py"));
}

/// At the points of the logits' grid, the classes equal the reference's: no
/// interpolation can round differently there.
void test_grid() {
  for (const Variant &variant :
       {Variant::tramac(), Variant::mmseg(), Variant::paper()}) {
    const auto model =
        reference::with_scales(*reference::make_model(variant, 19));
    reference::Lcg lcg(41);
    const auto frame = reference::make_frame("NV12", 333, 201, 3, true, lcg);
    const Config config = {160, 96, 0, 0};
    std::vector<uint8_t> expected(20 * 12);
    reference::ReferenceEngine exact(model, Precision::kInt8);
    must(exact.configure(frame.info, config));
    must(exact.segment(frame.frame, {expected.data(), 20}, {}, {}));
    for (int threads = 1; threads <= 3; threads++) {
      const auto engine = create<Precision::kInt8>(model, threads);
      must(engine->configure(frame.info, config));
      std::vector<uint8_t> found(20 * 12);
      must(engine->segment(frame.frame, {found.data(), 20}, {}, {}));
      g_assert_cmpmem(found.data(), found.size(), expected.data(),
                      expected.size());
    }
  }
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cpu/backend", test_backend);
  g_test_add_func("/cpu/precision", test_precision);
  g_test_add_func("/cpu/int8/grid", test_grid);
  testing::add_engine_tests(
      {"cpu", create<Precision::kFp32>, {1e-3, 0, 1, 1}, {1e-3, 0, 1, 1}});
  testing::add_engine_tests({"cpu-int8",
                             create<Precision::kInt8>,
                             {1e-3, 0, 1, 1},
                             {1e-3, 0, 1, 1},
                             nullptr,
                             {},
                             Precision::kInt8});
  return g_test_run();
}
