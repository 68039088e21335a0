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

/// Tasks with dependencies, which threads take one by one in a fixed order. A
/// task waits only for the tasks that it names, so the steps of a computation
/// need no barriers between them.
class TaskGraph {
 public:
  struct Task {
    int barrier = 0;                ///< waits for all tasks below this number
    std::vector<int> dependencies;  ///< and for these; all have lower numbers
                                    ///< than the task itself
  };

  explicit TaskGraph(std::vector<Task> tasks);

  /// Independent tasks.
  explicit TaskGraph(int count) : TaskGraph(std::vector<Task>(count)) {}

  /// Calls body (task, worker) once for every task, on at most `threads`
  /// threads, and returns when all are done. worker, below `threads`,
  /// identifies the thread: calls with the same worker never overlap. Allocates
  /// nothing. One run at a time.
  template <typename Body>
  void run(Workers &workers, int threads, const Body &body) {
    struct Context {
      TaskGraph *self;
      const Body *body;
    } context{this, &body};
    begin();
    workers.run(
        threads,
        [](void *p, int worker) {
          auto c = static_cast<Context *>(p);
          int done_below = 0;
          for (int task; (task = c->self->take(done_below)) >= 0;) {
            (*c->body)(task, worker);
            c->self->finish(task);
          }
        },
        &context);
  }

 private:
  void begin();
  /// The next task, once its dependencies are done; -1 after the last one.
  /// done_below: the caller has seen that all tasks below it are done.
  int take(int &done_below);
  void finish(int task);
  void wait_for(int task);
  bool done(int task) const {
    return done_[task].load(std::memory_order_acquire) == run_;
  }

  std::vector<Task> tasks_;
  std::unique_ptr<std::atomic<uint32_t>[]> done_;  // last run that did a task
  uint32_t run_ = 0;
  std::atomic<int> next_{0};
  std::atomic<int> sleepers_{0};
  std::mutex mutex_;
  std::condition_variable finished_;
};

}  // namespace fastscnn
