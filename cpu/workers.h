// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <pthread.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "net/error.h"

namespace fastscnn {

/// The threads that all engines of a process share. Between calls they spin
/// for a moment and then sleep; a busy machine is never made busier by waiting.
class Workers {
 public:
  using Function = void (*)(void *context, int worker);

  Workers() = default;
  ~Workers();
  Workers(const Workers &) = delete;
  Workers &operator=(const Workers &) = delete;

  /// Makes sure that `threads` threads can work at once, the caller included;
  /// an Error if the system does not allow so many.
  Result<> reserve(int threads);

  /// Calls function (context, 0) on this thread and, as far as threads are
  /// free, function (context, 1) ... (context, threads - 1) on others; returns
  /// when all have returned. Thread-safe: of several callers each gets threads
  /// in turn. Allocates nothing.
  void run(int threads, Function function, void *context);

 private:
  struct Job {
    Function function;
    void *context;
    int wanted;  // threads, the caller included
    int joined = 1;
    std::atomic<int> active{0};  // others that have joined and not yet left
    Job *next = nullptr;
    std::condition_variable left;
  };

  void work();
  Job *wait_for_job(std::unique_lock<std::mutex> &lock);
  void enqueue(Job *job);
  void remove(Job *job);

  std::mutex mutex_;
  std::condition_variable wake_;
  Job *first_ = nullptr;  // jobs that want more threads, the oldest first
  std::atomic<bool> work_waits_{false};  // first_ is set, or stop_
  bool stop_ = false;
  std::vector<pthread_t> threads_;
};

/// Tells the CPU that this thread spins.
inline void relax() {
#if defined(__x86_64__) || defined(__i386__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Turns of relax() before a thread sleeps: some 20 microseconds, about what
/// falling asleep and waking up costs.
constexpr int kSpins = 1000;

}  // namespace fastscnn
