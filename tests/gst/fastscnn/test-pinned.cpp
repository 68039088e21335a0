// SPDX-License-Identifier: LGPL-2.1-or-later
// Frames and masks in host memory that a GPU accesses without a copy.
#include "tests/support/elements.h"
#include "tests/support/masks.h"

using namespace fastscnn::testing;

namespace {

const std::string kCaps = caps_of("NV12", 64, 48);

FakeControl &reset_gpu() {
  FakeControl &control = reset_control("cuda");
  g_assert_cmpint(control.host_memory, ==, 0);
  return control;
}

/// The element's answer to an ALLOCATION query for these caps.
class Answer {
 public:
  explicit Answer(const Harness &stream, const std::string &caps = kCaps) {
    GstCaps *asked = gst_caps_from_string(caps.c_str());
    query = gst_query_new_allocation(asked, TRUE);
    gst_caps_unref(asked);
    gst_pad_peer_query(stream.harness->srcpad, query);
    if (gst_query_get_n_allocation_pools(query) == 1)
      gst_query_parse_nth_allocation_pool(query, 0, &pool, &size, &min, &max);
  }
  ~Answer() {
    gst_clear_object(&pool);
    gst_query_unref(query);
  }
  Answer(const Answer &) = delete;

  /// Acquires a buffer from the pool.
  GstBuffer *acquire() const {
    GstBuffer *buffer = nullptr;
    gst_buffer_pool_set_active(pool, TRUE);
    g_assert_cmpint(gst_buffer_pool_acquire_buffer(pool, &buffer, nullptr), ==,
                    GST_FLOW_OK);
    return buffer;
  }

  GstQuery *query;
  GstBufferPool *pool = nullptr;
  guint size = 0, min = 0, max = 0;
};

/// The buffer outlives the element, and its memory with it.
void test_pool() {
  FakeControl &control = reset_gpu();
  GstBuffer *buffer = nullptr;
  {
    Stream stream("backend=cuda", kCaps);
    const Answer answer(stream);
    g_assert_nonnull(answer.pool);
    g_assert_cmpuint(answer.size, ==, 64 * 48 * 3 / 2);
    g_assert_cmpuint(answer.max, ==, 0);
    buffer = answer.acquire();
    g_assert_cmpint(control.host_memory, ==, 1);
    gst_buffer_memset(buffer, 0, 128, answer.size);
    const OwnedBuffer frame = stream.push(gst_buffer_ref(buffer));
    g_assert_nonnull(gst_buffer_get_class_mask_meta(frame));
    g_assert_cmpint(control.host_memory, ==, 2);  // frame and mask
    gst_buffer_pool_set_active(answer.pool, FALSE);
  }
  gst_buffer_memset(buffer, 0, 0, 64 * 48 * 3 / 2);
  g_assert_cmpint(control.host_memory, >=, 1);
  gst_buffer_unref(buffer);
  g_assert_cmpint(control.host_memory, ==, 0);
}

/// A mask that is kept outlives the element.
void test_mask() {
  FakeControl &control = reset_gpu();
  GstBuffer *mask = nullptr;
  {
    Stream stream("backend=cuda confidence-map=true", kCaps);
    const OwnedBuffer frame = stream.push(make_frame(kCaps, 128));
    mask = gst_buffer_ref(gst_buffer_get_class_mask_meta(frame)->mask);
    g_assert_cmpint(control.host_memory, ==, 2);
  }
  g_assert_cmpuint(pixels_of(mask).size(), ==, 64 * 48);
  g_assert_cmpint(control.host_memory, >=, 1);
  gst_buffer_unref(mask);
  g_assert_cmpint(control.host_memory, ==, 0);
}

/// Without pinned memory, ordinary memory is used.
void test_none() {
  FakeControl &control = reset_gpu();
  control.no_host_memory = true;
  Stream stream("backend=cuda", kCaps);
  const Answer answer(stream);
  const OwnedBuffer frame = stream.push(answer.acquire());
  g_assert_nonnull(gst_buffer_get_class_mask_meta(frame));
  g_assert_cmpint(control.host_memory, ==, 0);
}

/// There is no pool for frames that are copied anyway, nor for a CPU.
void test_no_pool() {
  reset_gpu();
  for (const char *properties : {"backend=cuda async=true", "backend=cpu"}) {
    const Stream stream(properties, kCaps);
    g_assert_null(Answer(stream).pool);
  }
}

/// A pool of a downstream element takes precedence: a sink may display from it.
void test_pool_behind() {
  reset_gpu();
  Stream stream("backend=cuda", kCaps);
  GstBufferPool *pool = gst_video_buffer_pool_new();
  gst_pad_set_query_function_full(
      stream.harness->sinkpad,
      [](GstPad *pad, GstObject *parent, GstQuery *query) -> gboolean {
        if (GST_QUERY_TYPE(query) != GST_QUERY_ALLOCATION)
          return gst_pad_query_default(pad, parent, query);
        auto *pool = static_cast<GstBufferPool *>(
            g_object_get_data(G_OBJECT(pad), "pool"));
        gst_query_add_allocation_pool(query, pool, 4608, 0, 0);
        return TRUE;
      },
      nullptr, nullptr);
  g_object_set_data(G_OBJECT(stream.harness->sinkpad), "pool", pool);
  g_assert_true(Answer(stream).pool == pool);
  gst_object_unref(pool);
}

const std::string kLarge = caps_of("RGBA", 320, 240);

/// A frame in memory that upstream reuses.
GstBuffer *next_frame(GstBuffer *first, int number) {
  GstBuffer *frame = gst_buffer_copy(first);
  GST_BUFFER_PTS(frame) = number * 40 * GST_MSECOND;
  return frame;
}

/// Reused memory is pinned until it is freed, even if the element is gone; not
/// for a CPU, nor if the frame is copied anyway.
void test_repeated() {
  const struct {
    const char *properties;
    int pinned;
  } cases[] = {
      {"backend=cuda", 1}, {"backend=cuda async=true", 0}, {"backend=cpu", 0}};
  for (const auto &c : cases) {
    FakeControl &control = reset_gpu();
    const FakeControl &cpu = reset_control("cpu");
    GstBuffer *first = make_frame(kLarge, 128);
    {
      const Stream stream(c.properties, kLarge);
      for (int i = 0; i < 5; i++) {
        const OwnedBuffer frame = stream.push(next_frame(first, i));
        g_assert_true(gst_buffer_peek_memory(frame, 0) ==
                      gst_buffer_peek_memory(first, 0));
        g_assert_cmpint(control.registered, ==, i >= 2 ? c.pinned : 0);
      }
    }
    g_assert_cmpint(control.registrations, ==, c.pinned);
    g_assert_cmpint(control.registered, ==, c.pinned);
    g_assert_cmpint(cpu.registrations, ==, 0);
    gst_buffer_unref(first);
    g_assert_cmpint(control.registered, ==, 0);
  }
}

/// Two elements pin reused memory once.
void test_repeated_twice() {
  FakeControl &control = reset_gpu();
  const Stream one("backend=cuda", kLarge), other("backend=cuda", kLarge);
  GstBuffer *first = make_frame(kLarge, 128);
  for (int i = 0; i < 5; i++) {
    for (const Stream *stream : {&one, &other})
      const OwnedBuffer frame = stream->push(next_frame(first, i));
    g_assert_cmpint(control.registrations, ==, i >= 2);
  }
  gst_buffer_unref(first);
  g_assert_cmpint(control.registered, ==, 0);
}

}  // namespace

int main(int argc, char **argv) {
  gst_init(&argc, &argv);
  g_test_init(&argc, &argv, nullptr);
  install_engines({"cpu", "cuda"});
  g_test_add_func("/pinned/pool", test_pool);
  g_test_add_func("/pinned/mask", test_mask);
  g_test_add_func("/pinned/none", test_none);
  g_test_add_func("/pinned/no-pool", test_no_pool);
  g_test_add_func("/pinned/pool-behind", test_pool_behind);
  g_test_add_func("/pinned/repeated", test_repeated);
  g_test_add_func("/pinned/repeated-twice", test_repeated_twice);
  return g_test_run();
}
