// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

#include "cpu/workers.h"

namespace fastscnn {

/// Tasks that are handed out to threads one by one, in their order. A task
/// waits until the earlier ones that it names are done, so no barrier is
/// needed between the steps of a computation.
class Schedule {
 public:
  struct Task {
    int after_all_before = 0;  ///< all tasks with lower numbers are done
    std::vector<int> after;    ///< and so are these, all of lower numbers
  };

  explicit Schedule(std::vector<Task> tasks);

  /// Tasks that need not wait for one another.
  explicit Schedule(int count) : Schedule(std::vector<Task>(count)) {}

  /// Calls body (task, worker) for every task on at most `threads` threads;
  /// of two calls with the same worker (< threads) none runs during the other.
  /// Allocates nothing.
  template <typename Body>
  void run(Workers &workers, int threads, const Body &body) {
    struct Context {
      Schedule *self;
      const Body *body;
    } context{this, &body};
    begin();
    workers.run(
        threads,
        [](void *p, int worker) {
          auto c = static_cast<Context *>(p);
          int done_before = 0;
          for (int task; (task = c->self->take(done_before)) >= 0;) {
            (*c->body)(task, worker);
            c->self->finish(task);
          }
        },
        &context);
  }

 private:
  void begin();
  int take(int &done_before);  // the next task once it may start, or -1
  void finish(int task);
  void wait_for(int task);
  bool done(int task) const {
    return done_[task].load(std::memory_order_acquire) == run_;
  }

  std::vector<Task> tasks_;
  std::unique_ptr<std::atomic<uint32_t>[]> done_;  // the run that did it last
  uint32_t run_ = 0;
  std::atomic<int> next_{0};
  std::atomic<int> sleepers_{0};
  std::mutex mutex_;
  std::condition_variable finished_;
};

}  // namespace fastscnn
