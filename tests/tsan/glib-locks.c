/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ThreadSanitizer sees what pthreads lock, but not GLib's own locks, which are
 * futexes inside a library that is not instrumented: every hand-over of a
 * GstQueue would look like a race. Preloaded, these functions stand in front of
 * GLib's and tell the sanitizer what happens. What GLib does inside itself
 * does not pass here. */
#include <dlfcn.h>
#include <glib-object.h>
#include <gst/gst.h>
#include <sanitizer/tsan_interface.h>

#define EXPORT __attribute__((visibility("default")))

/* The function that this one stands in front of. Looked up without a lock:
 * the sanitizer must see none of it, and every thread finds the same. */
#define NEXT(function)                                                        \
  static __typeof__(&function) next;                                          \
  if (!__atomic_load_n(&next, __ATOMIC_RELAXED))                              \
  __atomic_store_n(&next, (__typeof__(&function))dlsym(RTLD_NEXT, #function), \
                   __ATOMIC_RELAXED)

#define READ __tsan_mutex_read_lock
#define READ_TRY (READ | WRITE_TRY)
#define WRITE_TRY __tsan_mutex_try_lock

/* What a test starts may not be instrumented. */
__attribute__((constructor)) static void stop_here(void) {
  g_unsetenv("LD_PRELOAD");
}

static unsigned failed_unless(gboolean locked) {
  return locked ? 0 : __tsan_mutex_try_lock_failed;
}

/* What one thread did before it let go of an object was before what the thread
 * that frees it does. */
static void let_go(gpointer object) {
  __tsan_release(object);
  __tsan_acquire(object);
}

EXPORT void g_mutex_lock(GMutex *mutex) {
  NEXT(g_mutex_lock);
  __tsan_mutex_pre_lock(mutex, 0);
  next(mutex);
  __tsan_mutex_post_lock(mutex, 0, 0);
}

EXPORT gboolean g_mutex_trylock(GMutex *mutex) {
  NEXT(g_mutex_trylock);
  __tsan_mutex_pre_lock(mutex, WRITE_TRY);
  const gboolean locked = next(mutex);
  __tsan_mutex_post_lock(mutex, WRITE_TRY | failed_unless(locked), 0);
  return locked;
}

EXPORT void g_mutex_unlock(GMutex *mutex) {
  NEXT(g_mutex_unlock);
  __tsan_mutex_pre_unlock(mutex, 0);
  next(mutex);
  __tsan_mutex_post_unlock(mutex, 0);
}

EXPORT void g_mutex_clear(GMutex *mutex) {
  NEXT(g_mutex_clear);
  __tsan_mutex_destroy(mutex, 0);
  next(mutex);
}

/* A wait lets the mutex go and takes it again. What is signalled is known by
 * what the mutex guards, so the condition itself says nothing. */
EXPORT void g_cond_wait(GCond *cond, GMutex *mutex) {
  NEXT(g_cond_wait);
  __tsan_mutex_pre_unlock(mutex, 0);
  __tsan_mutex_post_unlock(mutex, 0);
  next(cond, mutex);
  __tsan_mutex_pre_lock(mutex, 0);
  __tsan_mutex_post_lock(mutex, 0, 0);
}

EXPORT gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time) {
  NEXT(g_cond_wait_until);
  __tsan_mutex_pre_unlock(mutex, 0);
  __tsan_mutex_post_unlock(mutex, 0);
  const gboolean signalled = next(cond, mutex, end_time);
  __tsan_mutex_pre_lock(mutex, 0);
  __tsan_mutex_post_lock(mutex, 0, 0);
  return signalled;
}

EXPORT void g_rw_lock_writer_lock(GRWLock *lock) {
  NEXT(g_rw_lock_writer_lock);
  __tsan_mutex_pre_lock(lock, 0);
  next(lock);
  __tsan_mutex_post_lock(lock, 0, 0);
}

EXPORT gboolean g_rw_lock_writer_trylock(GRWLock *lock) {
  NEXT(g_rw_lock_writer_trylock);
  __tsan_mutex_pre_lock(lock, WRITE_TRY);
  const gboolean locked = next(lock);
  __tsan_mutex_post_lock(lock, WRITE_TRY | failed_unless(locked), 0);
  return locked;
}

EXPORT void g_rw_lock_writer_unlock(GRWLock *lock) {
  NEXT(g_rw_lock_writer_unlock);
  __tsan_mutex_pre_unlock(lock, 0);
  next(lock);
  __tsan_mutex_post_unlock(lock, 0);
}

EXPORT void g_rw_lock_reader_lock(GRWLock *lock) {
  NEXT(g_rw_lock_reader_lock);
  __tsan_mutex_pre_lock(lock, READ);
  next(lock);
  __tsan_mutex_post_lock(lock, READ, 0);
}

EXPORT gboolean g_rw_lock_reader_trylock(GRWLock *lock) {
  NEXT(g_rw_lock_reader_trylock);
  __tsan_mutex_pre_lock(lock, READ_TRY);
  const gboolean locked = next(lock);
  __tsan_mutex_post_lock(lock, READ_TRY | failed_unless(locked), 0);
  return locked;
}

EXPORT void g_rw_lock_reader_unlock(GRWLock *lock) {
  NEXT(g_rw_lock_reader_unlock);
  __tsan_mutex_pre_unlock(lock, READ);
  next(lock);
  __tsan_mutex_post_unlock(lock, READ);
}

/* GLib publishes with an atomic of its own, which the macro of the same name
 * reads in code that is instrumented. */
EXPORT void(g_once_init_leave)(volatile void *location, gsize result) {
  NEXT(g_once_init_leave);
  __tsan_release((void *)location);
  next(location, result);
}

EXPORT gboolean(g_once_init_enter)(volatile void *location) {
  NEXT(g_once_init_enter);
  const gboolean first = next(location);
  __tsan_acquire((void *)location);
  return first;
}

EXPORT void(g_object_unref)(gpointer object) {
  NEXT(g_object_unref);
  let_go(object);
  next(object);
}

EXPORT void gst_object_unref(gpointer object) {
  NEXT(gst_object_unref);
  let_go(object);
  next(object);
}

EXPORT void gst_mini_object_unref(GstMiniObject *object) {
  NEXT(gst_mini_object_unref);
  let_go(object);
  next(object);
}

EXPORT void g_atomic_rc_box_release_full(gpointer block, GDestroyNotify clear) {
  NEXT(g_atomic_rc_box_release_full);
  let_go(block);
  next(block, clear);
}
