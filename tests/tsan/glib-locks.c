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

#define LOCK(function, Lock, how)         \
  EXPORT void function(Lock *lock) {      \
    NEXT(function);                       \
    __tsan_mutex_pre_lock(lock, how);     \
    next(lock);                           \
    __tsan_mutex_post_lock(lock, how, 0); \
  }

#define TRY_LOCK(function, Lock, how)                                        \
  EXPORT gboolean function(Lock *lock) {                                     \
    NEXT(function);                                                          \
    __tsan_mutex_pre_lock(lock, (how) | __tsan_mutex_try_lock);              \
    const gboolean locked = next(lock);                                      \
    const unsigned failed = locked ? 0 : __tsan_mutex_try_lock_failed;       \
    __tsan_mutex_post_lock(lock, (how) | __tsan_mutex_try_lock | failed, 0); \
    return locked;                                                           \
  }

#define UNLOCK(function, Lock, how)      \
  EXPORT void function(Lock *lock) {     \
    NEXT(function);                      \
    __tsan_mutex_pre_unlock(lock, how);  \
    next(lock);                          \
    __tsan_mutex_post_unlock(lock, how); \
  }

/* What one thread did before it let go of an object was before what the thread
 * that frees it does. */
#define UNREF(function)                    \
  EXPORT void(function)(gpointer object) { \
    NEXT(function);                        \
    let_go(object);                        \
    next(object);                          \
  }

static void let_go(gpointer object) {
  __tsan_release(object);
  __tsan_acquire(object);
}

/* What a test starts may not be instrumented. */
__attribute__((constructor)) static void stop_here(void) {
  g_unsetenv("LD_PRELOAD");
}

LOCK(g_mutex_lock, GMutex, 0)
TRY_LOCK(g_mutex_trylock, GMutex, 0)
UNLOCK(g_mutex_unlock, GMutex, 0)
LOCK(g_rw_lock_writer_lock, GRWLock, 0)
TRY_LOCK(g_rw_lock_writer_trylock, GRWLock, 0)
UNLOCK(g_rw_lock_writer_unlock, GRWLock, 0)
LOCK(g_rw_lock_reader_lock, GRWLock, __tsan_mutex_read_lock)
TRY_LOCK(g_rw_lock_reader_trylock, GRWLock, __tsan_mutex_read_lock)
UNLOCK(g_rw_lock_reader_unlock, GRWLock, __tsan_mutex_read_lock)

EXPORT void g_mutex_clear(GMutex *mutex) {
  NEXT(g_mutex_clear);
  __tsan_mutex_destroy(mutex, 0);
  next(mutex);
}

/* A wait lets the mutex go and takes it again. What is signalled is known by
 * what the mutex guards, so the condition itself says nothing. */
static void before_wait(GMutex *mutex) {
  __tsan_mutex_pre_unlock(mutex, 0);
  __tsan_mutex_post_unlock(mutex, 0);
}

static void after_wait(GMutex *mutex) {
  __tsan_mutex_pre_lock(mutex, 0);
  __tsan_mutex_post_lock(mutex, 0, 0);
}

EXPORT void g_cond_wait(GCond *cond, GMutex *mutex) {
  NEXT(g_cond_wait);
  before_wait(mutex);
  next(cond, mutex);
  after_wait(mutex);
}

EXPORT gboolean g_cond_wait_until(GCond *cond, GMutex *mutex, gint64 end_time) {
  NEXT(g_cond_wait_until);
  before_wait(mutex);
  const gboolean signalled = next(cond, mutex, end_time);
  after_wait(mutex);
  return signalled;
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

UNREF(g_object_unref)
UNREF(gst_object_unref)

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
