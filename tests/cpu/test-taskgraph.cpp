// SPDX-License-Identifier: LGPL-2.1-or-later
// Every task runs once, after its dependencies.

#include <glib.h>

#include <thread>
#include <vector>

#include "cpu/taskgraph.h"
#include "tests/support/must.h"
#include "tests/support/reference.h"

using namespace fastscnn;
using reference::Lcg;

namespace {

std::vector<TaskGraph::Task> random_tasks(Lcg &lcg) {
  std::vector<TaskGraph::Task> tasks(lcg.between(1, 60));
  for (int t = 1; t < static_cast<int>(tasks.size()); t++) {
    if (!lcg.between(0, 3)) tasks[t].barrier = lcg.between(0, t);
    for (int i = lcg.between(0, 3); i > 0; i--)
      tasks[t].dependencies.push_back(lcg.between(0, t - 1));
  }
  return tasks;
}

/// Runs random graphs; every task checks that its dependencies are done.
void run_random_tasks(Workers &workers, uint32_t seed) {
  Lcg lcg(seed);
  for (int repeat = 0; repeat < 40; repeat++) {
    const std::vector<TaskGraph::Task> tasks = random_tasks(lcg);
    const int threads = lcg.between(1, 4);
    TaskGraph graph(tasks);
    for (int run = 0; run < 5; run++) {
      std::vector<int> done(tasks.size());  // not atomic: TSan sees a race
      std::vector<int> busy(threads);
      graph.run(workers, threads, [&](int task, int worker) {
        g_assert_cmpint(worker, <, threads);
        g_assert_cmpint(busy[worker]++, ==, 0);
        for (int t = 0; t < tasks[task].barrier; t++)
          g_assert_cmpint(done[t], ==, 1);
        for (int t : tasks[task].dependencies) g_assert_cmpint(done[t], ==, 1);
        if (task % 7 == 0) std::this_thread::yield();
        done[task]++;
        busy[worker]--;
      });
      for (int d : done) g_assert_cmpint(d, ==, 1);
    }
  }
}

void test_order() {
  Workers workers;
  must(workers.reserve(4));
  run_random_tasks(workers, 1);
}

/// Several callers share the threads.
void test_callers() {
  Workers workers;
  must(workers.reserve(3));
  std::vector<std::thread> callers;
  for (int i = 0; i < 4; i++)
    callers.emplace_back([&workers, i] { run_random_tasks(workers, 2 + i); });
  for (std::thread &t : callers) t.join();
}

/// With no other threads, the caller runs all tasks.
void test_few_threads() {
  Workers workers;
  run_random_tasks(workers, 6);
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cpu/taskgraph/order", test_order);
  g_test_add_func("/cpu/taskgraph/callers", test_callers);
  g_test_add_func("/cpu/taskgraph/few-threads", test_few_threads);
  return g_test_run();
}
