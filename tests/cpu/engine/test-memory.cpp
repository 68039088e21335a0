// SPDX-License-Identifier: LGPL-2.1-or-later
// Segmenting a frame allocates nothing; running out of memory is an Error that
// leaks nothing; a large network in 8 bits needs little.

#include <glib.h>
#include <malloc.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <vector>

#include "cpu/engine/engine.h"
#include "tests/support/frames.h"
#include "tests/support/int8reference.h"
#include "tests/support/must.h"
#include "tests/support/reference.h"

using namespace fastscnn;
using reference::Lcg;

namespace {

std::atomic<int> allocations{0};
std::atomic<int> live{0};       // allocations that were not freed
std::atomic<int> countdown{0};  // to the allocation of a buffer that fails
std::atomic<size_t> bytes{0}, peak_bytes{0};  // in live allocations

void *count_and_allocate(size_t size, size_t alignment) {
  allocations++;
  live++;
  void *p = std::aligned_alloc(alignment,
                               (size + alignment - 1) / alignment * alignment);
  if (!p) std::abort();
  const size_t sum = bytes += malloc_usable_size(p);
  size_t peak = peak_bytes;
  while (peak < sum && !peak_bytes.compare_exchange_weak(peak, sum)) {
  }
  return p;
}

void count_and_free(void *p) {
  if (p) {
    live--;
    bytes -= malloc_usable_size(p);
  }
  std::free(p);
}

}  // namespace

void *operator new(size_t size) { return count_and_allocate(size, 16); }
void *operator new(size_t size, std::align_val_t alignment) {
  return count_and_allocate(size, static_cast<size_t>(alignment));
}
void *operator new(size_t size, const std::nothrow_t &) noexcept {
  return count_and_allocate(size, 16);
}
// AlignedArray uses this one.
void *operator new(size_t size, std::align_val_t alignment,
                   const std::nothrow_t &) noexcept {
  if (countdown > 0 && --countdown == 0) return nullptr;
  return count_and_allocate(size, static_cast<size_t>(alignment));
}
void operator delete(void *p) noexcept { count_and_free(p); }
void operator delete(void *p, size_t) noexcept { count_and_free(p); }
void operator delete(void *p, std::align_val_t) noexcept { count_and_free(p); }
void operator delete(void *p, size_t, std::align_val_t) noexcept {
  count_and_free(p);
}

namespace {

constexpr Config kConfig = {160, 96, 200, 120};

std::shared_ptr<const Model> make_model() {
  return reference::with_scales(*reference::make_model(Variant::mmseg(), 19));
}

reference::TestFrame make_frame() {
  Lcg lcg(7);
  return reference::make_frame("NV12", 200, 120, 0, false, lcg);
}

template <typename AnyWeights>
void test_no_allocation() {
  auto workers = std::make_shared<Workers>();
  must(workers->reserve(2));
  auto engine =
      make_cpu_engine(must(AnyWeights::create(make_model())), workers, 2);
  const reference::TestFrame frame = make_frame();
  must(engine->configure(frame.info, kConfig));
  std::vector<uint8_t> ids(200 * 120), confidence(ids);
  const Mask mask = {ids.data(), 200, confidence.data(), 200};
  Options options;
  options.smoothing = 0.5f;
  options.confidence_threshold = 0.3f;
  must(engine->segment(frame.frame, mask, {}, {}));
  const int before = allocations;
  g_assert_cmpint(before, >, 100);
  for (int i = 0; i < 10; i++)
    must(engine->segment(frame.frame, mask, options, {}));
  g_assert_cmpint(allocations - before, ==, 0);
}

/// Runs a function with its first allocation of a buffer failing, then its
/// second, and so on, until it succeeds. Each failure must be an Error that
/// leaks nothing. Returns the number of failures.
template <typename F>
int fail_each(F function) {
  for (int failing = 1;; failing++) {
    const int before = live;
    countdown = failing;
    {
      auto result = function();
      const bool failed = countdown == 0;
      countdown = 0;
      g_assert_true(result.has_value() != failed);
      if (!failed) return failing - 1;
      g_assert_true(result.error().kind == Error::Kind::kDevice);
      g_assert_nonnull(
          strstr(result.error().sentence.c_str(), "not enough memory"));
    }
    g_assert_cmpint(live, ==, before);
  }
}

template <typename AnyWeights>
void test_out_of_memory() {
  const std::shared_ptr<const Model> model = make_model();
  g_assert_cmpint(fail_each([&] { return AnyWeights::create(model); }), >, 50);

  auto workers = std::make_shared<Workers>();
  must(workers->reserve(2));
  auto engine = make_cpu_engine(must(AnyWeights::create(model)), workers, 2);
  const reference::TestFrame frame = make_frame();
  g_assert_cmpint(
      fail_each([&] { return engine->configure(frame.info, kConfig); }), >, 5);

  // The engine works after its failures.
  std::vector<uint8_t> ids(200 * 120);
  must(engine->segment(frame.frame, {ids.data(), 200}, {}, {}));

  // An engine that could not be configured again refuses to segment.
  countdown = 1;
  g_assert_false(engine->configure(frame.info, kConfig).has_value());
  g_assert_false(
      engine->segment(frame.frame, {ids.data(), 200}, {}, {}).has_value());
}

/// The peak memory of weights and engine, from their creation to the first
/// mask, stays below the limit for the largest of the three common sizes.
void test_large() {
  constexpr int kWidth = 2048, kHeight = 1024;
  const auto model =
      reference::with_scales(*reference::make_model(Variant::tramac(), 19));
  auto workers = std::make_shared<Workers>();
  must(workers->reserve(2));
  Lcg lcg(8);
  const reference::TestFrame frame =
      reference::make_frame("RGB", kWidth, kHeight, 0, false, lcg);
  std::vector<uint8_t> ids(size_t(kWidth) * kHeight);

  const size_t before = bytes;
  peak_bytes = before;
  auto engine = make_cpu_engine(must(int8::Weights::create(model)), workers, 2);
  must(engine->configure(frame.info, {kWidth, kHeight, kWidth, kHeight}));
  must(engine->segment(frame.frame, {ids.data(), kWidth}, {}, {}));
  g_test_message("%zu bytes", peak_bytes - before);
  g_assert_cmpuint(peak_bytes - before, >, 5'000'000);
  g_assert_cmpuint(peak_bytes - before, <=, 20'000'000);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cpu/memory/no-allocation", test_no_allocation<Weights>);
  g_test_add_func("/cpu/memory/out-of-memory", test_out_of_memory<Weights>);
  g_test_add_func("/cpu/memory/int8/no-allocation",
                  test_no_allocation<int8::Weights>);
  g_test_add_func("/cpu/memory/int8/out-of-memory",
                  test_out_of_memory<int8::Weights>);
  g_test_add_func("/cpu/memory/int8/large", test_large);
  return g_test_run();
}
