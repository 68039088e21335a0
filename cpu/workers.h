// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "net/error.h"

namespace fastscnn {

/// The threads that all engines of a process share. Idle threads spin for some
/// 20 microseconds, then sleep.
class Workers {
 public:
  using Function = void (*)(void *context, int worker);

  Workers() = default;
  ~Workers();
  Workers(const Workers &) = delete;
  Workers &operator=(const Workers &) = delete;

  /// Starts threads until `threads` can work at once, including the caller; an
  /// Error if the system does not allow so many.
  Result<> reserve(int threads);

  /// Calls function (context, 0) on this thread and function (context, 1) ...
  /// (context, threads - 1) on others that become free before the first call
  /// returns; returns when all calls have returned. Thread-safe: concurrent
  /// callers share the threads fairly. Allocates nothing.
  void run(int threads, Function function, void *context);

 private:
  struct Job {
    Function function;
    void *context;
    int wanted;  // threads, including the caller
    int joined = 1;
    std::atomic<int> active{0};  // joined threads that have not left
    Job *next = nullptr;
    std::condition_variable left;
  };

  void work();
  Job *wait_for_job(std::unique_lock<std::mutex> &lock);
  void enqueue(Job *job);
  void remove(Job *job);

  std::mutex mutex_;
  std::condition_variable wake_;
  Job *first_ = nullptr;  // queue of the jobs that want more threads
  std::atomic<bool> work_waits_{false};  // first_ or stop_ is set
  bool stop_ = false;
  std::vector<pthread_t> threads_;
};

/// Tells the CPU that this thread is spinning.
inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Calls of relax() before a thread sleeps: some 20 microseconds, about the
/// cost of sleeping and waking up.
constexpr int kSpins = 1000;

}  // namespace fastscnn
