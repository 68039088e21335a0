// SPDX-License-Identifier: LGPL-2.1-or-later
// Memory that is reused is pinned once, and unpinned before it is freed.
#include <gst/allocators/gstfdmemory.h>
#include <gst/video/video.h>

#include <unistd.h>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gst/base/memorypinner.h"
#include "net/painter.h"

using namespace fastscnn;

namespace {

constexpr gsize kBytes = 1 << 20;

/// Registers memory and keeps a log.
class FakeBackend : public Backend {
 public:
  const char *name() const override { return "fake"; }
  Result<std::string> device_name(const Device &) const override { return ""; }
  Result<std::unique_ptr<Engine>> create_engine(std::shared_ptr<const Model>,
                                                const Device &) override {
    return nullptr;
  }
  Result<std::unique_ptr<Painter>> create_painter(const Device &) override {
    return nullptr;
  }
  std::shared_ptr<void> register_host_memory(const Device &, void *data,
                                             size_t bytes) override {
    calls++;
    if (refuses) return nullptr;
    memory = data;
    size = bytes;
    log += "registered ";
    return std::shared_ptr<void>(data,
                                 [this](void *) { log += "unregistered "; });
  }

  bool refuses = false;
  std::atomic<int> calls{0};
  void *memory = nullptr;
  size_t size = 0;
  std::string log;
};

/// Memory that is reused, like that of a pool.
struct Memory {
  explicit Memory(FakeBackend *log, gsize bytes = kBytes) : backend(log) {
    constexpr gsize kPrefix = 64;
    data = static_cast<uint8_t *>(g_malloc(bytes));
    memory = gst_memory_new_wrapped(GstMemoryFlags(0), data, bytes, kPrefix,
                                    bytes - kPrefix, this, [](gpointer self) {
                                      auto *owner = static_cast<Memory *>(self);
                                      owner->backend->log += "freed";
                                      g_free(owner->data);
                                    });
  }

  FakeBackend *backend;
  uint8_t *data;
  GstMemory *memory;
};

/// Shows the memory to the pinner in a new buffer.
void send(const MemoryPinner &pinner, GstMemory *memory, GstClockTime time) {
  GstBuffer *buffer = gst_buffer_new();
  gst_buffer_append_memory(buffer, gst_memory_ref(memory));
  GST_BUFFER_PTS(buffer) = time;
  pinner.see(buffer);
  gst_buffer_unref(buffer);
}

/// The whole memory is pinned with the third frame that uses it, and unpinned
/// before it is freed.
void test_third() {
  FakeBackend backend;
  const MemoryPinner pinner(&backend, {});
  const Memory sent(&backend);
  for (int i = 0; i < 9; i++) {
    send(pinner, sent.memory, i);
    g_assert_cmpint(backend.calls, ==, i >= 2);
  }
  g_assert_true(backend.memory == sent.data);
  g_assert_cmpuint(backend.size, ==, kBytes);
  gst_memory_unref(sent.memory);
  g_assert_cmpstr(backend.log.c_str(), ==, "registered unregistered freed");
}

/// Frames without timestamps count as different frames.
void test_no_timestamps() {
  FakeBackend backend;
  const MemoryPinner pinner(&backend, {});
  const Memory sent(&backend);
  for (int i = 0; i < 3; i++) send(pinner, sent.memory, GST_CLOCK_TIME_NONE);
  g_assert_cmpint(backend.calls, ==, 1);
  gst_memory_unref(sent.memory);
}

/// Memory that cannot be pinned is not tried again.
void test_refused() {
  FakeBackend backend;
  backend.refuses = true;
  const MemoryPinner pinner(&backend, {});
  const Memory sent(&backend);
  for (int i = 0; i < 9; i++) send(pinner, sent.memory, i);
  g_assert_cmpint(backend.calls, ==, 1);
  gst_memory_unref(sent.memory);
  g_assert_cmpstr(backend.log.c_str(), ==, "freed");
}

/// Four elements behind a tee count each frame once, and pin memory once.
void test_tee() {
  FakeBackend backend;
  const std::vector<MemoryPinner> pinners(4, MemoryPinner(&backend, {}));
  const Memory sent(&backend);
  for (int i = 0; i < 9; i++) {
    std::vector<std::thread> threads;
    for (const MemoryPinner &pinner : pinners)
      threads.emplace_back([&] { send(pinner, sent.memory, i); });
    for (std::thread &thread : threads) thread.join();
    g_assert_cmpint(backend.calls, ==, i >= 2);
  }
  gst_memory_unref(sent.memory);
  g_assert_cmpstr(backend.log.c_str(), ==, "registered unregistered freed");
}

/// Shared memory is pinned through the memory that owns its pages.
void test_shared() {
  FakeBackend backend;
  const MemoryPinner pinner(&backend, {});
  const Memory sent(&backend);
  GstMemory *half = gst_memory_share(sent.memory, kBytes / 2, -1);
  GstMemory *quarter = gst_memory_share(half, kBytes / 4, -1);
  send(pinner, sent.memory, 0);
  send(pinner, half, 1);
  send(pinner, quarter, 2);
  g_assert_cmpint(backend.calls, ==, 1);
  g_assert_true(backend.memory == sent.data);
  g_assert_cmpuint(backend.size, ==, kBytes);
  gst_memory_unref(half);
  gst_memory_unref(sent.memory);
  g_assert_cmpstr(backend.log.c_str(), ==, "registered ");
  gst_memory_unref(quarter);
  g_assert_cmpstr(backend.log.c_str(), ==, "registered unregistered freed");
}

/// Each memory of a frame is pinned; a copy counts as other memory.
void test_several() {
  FakeBackend backend;
  const MemoryPinner pinner(&backend, {});
  const Memory luma(&backend), chroma(&backend);
  for (int i = 0; i < 3; i++) {
    GstBuffer *buffer = gst_buffer_new();
    gst_buffer_append_memory(buffer, gst_memory_ref(luma.memory));
    gst_buffer_append_memory(buffer, gst_memory_ref(chroma.memory));
    pinner.see(buffer);
    gst_buffer_unref(buffer);
  }
  g_assert_cmpint(backend.calls, ==, 2);
  GstMemory *copy = gst_memory_copy(luma.memory, 0, -1);
  for (int i = 3; i < 6; i++) send(pinner, copy, i);
  g_assert_cmpint(backend.calls, ==, 3);
  gst_memory_unref(copy);
  gst_memory_unref(luma.memory);
  gst_memory_unref(chroma.memory);
}

/// Small memory is not pinned.
void test_small() {
  FakeBackend backend;
  const MemoryPinner pinner(&backend, {});
  const Memory sent(&backend, 100 << 10);
  for (int i = 0; i < 9; i++) send(pinner, sent.memory, i);
  g_assert_cmpint(backend.calls, ==, 0);
  gst_memory_unref(sent.memory);
}

/// Memory of a file descriptor is not pinned: it may be elsewhere the next time
/// it is mapped.
void test_unmapped() {
  FakeBackend backend;
  const MemoryPinner pinner(&backend, {});
  gchar *path = nullptr;
  const int file = g_file_open_tmp(nullptr, &path, nullptr);
  g_assert_cmpint(ftruncate(file, kBytes), ==, 0);
  GstAllocator *allocator = gst_fd_allocator_new();
  GstMemory *memory =
      gst_fd_allocator_alloc(allocator, file, kBytes, GST_FD_MEMORY_FLAG_NONE);
  for (int i = 0; i < 9; i++) send(pinner, memory, i);
  g_assert_cmpint(backend.calls, ==, 0);
  gst_memory_unref(memory);
  gst_object_unref(allocator);
  unlink(path);
  g_free(path);
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/memorypinner/third", test_third);
  g_test_add_func("/memorypinner/no-timestamps", test_no_timestamps);
  g_test_add_func("/memorypinner/refused", test_refused);
  g_test_add_func("/memorypinner/tee", test_tee);
  g_test_add_func("/memorypinner/shared", test_shared);
  g_test_add_func("/memorypinner/several", test_several);
  g_test_add_func("/memorypinner/small", test_small);
  g_test_add_func("/memorypinner/unmapped", test_unmapped);
  return g_test_run();
}
