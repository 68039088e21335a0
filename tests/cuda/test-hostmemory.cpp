// SPDX-License-Identifier: LGPL-2.1-or-later
// Pinned host memory: its ownership, its lifetime and its neighbours.
#include <glib.h>

#include <algorithm>
#include <vector>

#include "cuda/context.h"
#include "cuda/engine/transfer/upload.h"
#include "cuda/handles.h"
#include "net/backend.h"
#include "tests/cuda/fakecuda.h"
#include "tests/support/frames.h"
#include "tests/support/must.h"

using namespace fastscnn;
using namespace fastscnn::cuda;

extern "C" FastscnnBackendOpen fastscnn_backend_open;

namespace {

constexpr size_t kPage = 4096;

Backend *open_backend() {
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  char why[256] = "";
  Backend *backend = fastscnn_backend_open(kEngineAbi, why, sizeof why);
  g_assert_cmpstr(why, ==, "");
  return backend;
}

/// Pages that nobody else uses.
struct Pages {
  static constexpr size_t kBytes = 3 * kPage;
  std::vector<uint8_t> bytes = std::vector<uint8_t>(kBytes + kPage);
  uint8_t *data = bytes.data() + kPage - uintptr_t(bytes.data()) % kPage;
};

/// Memory is pinned while it is registered, and cannot be registered twice.
void test_registered() {
  Backend *backend = open_backend();
  Pages pages;
  const auto context = must(Context::primary(0));
  const ContextGuard guard = must(ContextGuard::enter(*context));
  g_assert_false(must(is_pinned(pages.data, kPage)));
  auto registration = backend->register_host_memory({}, pages.data, kPage);
  g_assert_true(registration != nullptr);
  g_assert_true(must(is_pinned(pages.data, kPage)));
  g_assert_null(backend->register_host_memory({}, pages.data, kPage).get());
  // A part of this is pinned already.
  g_assert_null(backend->register_host_memory({}, pages.data, 2 * kPage).get());
  registration.reset();
  g_assert_false(must(is_pinned(pages.data, kPage)));
  registration = backend->register_host_memory({}, pages.data, 2 * kPage);
  g_assert_true(registration != nullptr);
}

/// Memory that the backend allocated is pinned already.
void test_allocated() {
  Backend *backend = open_backend();
  const auto memory = backend->allocate_host_memory({}, kPage);
  g_assert_null(backend->register_host_memory({}, memory.get(), kPage).get());
}

/// Allocated and registered memory outlive the context of the caller's frames.
void test_context() {
  Backend *backend = open_backend();
  Pages pages;
  auto frames = must(Context::primary(0));
  Device device;
  device.queue.context = frames->handle();
  auto memory = backend->allocate_host_memory(device, kPage);
  auto registration = backend->register_host_memory(device, pages.data, kPage);
  g_assert_cmpuint(fakecuda::alive(), ==, 3 + 2);
  frames.reset();
  g_assert_cmpuint(fakecuda::alive(), ==, 2 + 2);
  memory.reset();
  registration.reset();
  g_assert_cmpuint(fakecuda::alive(), ==, 0);
}

/// A frame that shares pages with registered neighbours on both sides, but is
/// not pinned itself, is copied by the CPU.
void test_neighbours() {
  constexpr int kWidth = 64, kHeight = 32;
  constexpr size_t kBytes = 3 * kWidth * kHeight;  // a page and a half
  constexpr size_t kBefore = (Pages::kBytes - kBytes) / 2;
  Backend *backend = open_backend();
  Pages pages;
  uint8_t *frame = pages.data + kBefore;
  const auto before = backend->register_host_memory({}, pages.data, kBefore);
  const auto behind =
      backend->register_host_memory({}, frame + kBytes, kBefore);
  g_assert_true(before && behind);
  const auto context = must(Context::primary(0));
  const ContextGuard guard = must(ContextGuard::enter(*context));
  reference::Lcg lcg{1};
  const auto info =
      reference::make_frame("RGB", kWidth, kHeight, 0, false, lcg).info;
  Upload upload = must(Upload::create(info));
  const Stream stream = must(make_stream());
  fakecuda::begin(fakecuda::Fault::kNone, 0);
  ConstFrame src;
  src.data[0] = frame;
  src.stride[0] = 3 * kWidth;
  must(upload.queue(src, stream.get()));
  g_assert_cmpint(cudaStreamSynchronize(stream.get()), ==, cudaSuccess);
  const auto &calls = fakecuda::calls();
  g_assert_cmpint(std::count(calls.begin(), calls.end(), "cudaMemcpy2DAsync"),
                  ==, 0);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cuda/host-memory/registered", test_registered);
  g_test_add_func("/cuda/host-memory/allocated", test_allocated);
  g_test_add_func("/cuda/host-memory/context", test_context);
  g_test_add_func("/cuda/host-memory/neighbours", test_neighbours);
  return g_test_run();
}
