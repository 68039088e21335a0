// SPDX-License-Identifier: LGPL-2.1-or-later
// How streams share executors: how many there are, which thread gets one next,
// and which executors are released.
#include <glib.h>

#include <atomic>
#include <map>
#include <optional>
#include <thread>
#include <vector>

#include "cuda/executorpool.h"
#include "tests/support/must.h"

using namespace fastscnn;
using namespace fastscnn::cuda;

namespace {

/// Number of executors alive, and its maximum so far.
std::atomic<int> alive{0}, most{0};
std::map<int, std::atomic<int>> alive_of;  // by width

struct TestExecutor : Executor {
  explicit TestExecutor(int width) : width(width) {
    alive_of[width]++;
    if (++alive > most) most = alive.load();
  }
  ~TestExecutor() override {
    alive_of[width]--;
    alive--;
  }
  const int width;
};

class Streams {
 public:
  explicit Streams(int limit) : pool(std::make_shared<ExecutorPool>(limit)) {
    g_assert_cmpint(alive, ==, 0);
    most = 0;
    for (int width = 1; width <= 5; width++) alive_of[width] = 0;
  }
  ~Streams() {
    members.clear();
    g_assert_cmpint(alive, ==, 0);
  }

  Result<ExecutorPool::Member> join(int width) {
    const auto make = [&]() -> Result<std::unique_ptr<Executor>> {
      if (fails) return Error{Error::Kind::kDevice, "no memory"};
      return std::make_unique<TestExecutor>(width);
    };
    return pool->join({nullptr, 0, width, true}, make,
                      [this](const std::string &) { warnings++; });
  }

  void add(int width, int count) {
    for (int i = 0; i < count; i++) members.push_back(must(join(width)));
  }

  /// Waits until that many threads wait for executors.
  void expect_waiting(int count) const {
    while (pool->waiting() != count) std::this_thread::yield();
  }

  const std::shared_ptr<ExecutorPool> pool;
  std::vector<ExecutorPool::Member> members;
  bool fails = false;
  int warnings = 0;
};

int width_of(const ExecutorPool::Lease &lease) {
  return static_cast<TestExecutor &>(lease.executor()).width;
}

/// There are as many executors as streams, up to the limit.
void test_limit() {
  Streams streams(4);
  for (int i = 1; i <= 16; i++) {
    streams.add(1, 1);
    g_assert_cmpint(alive, ==, std::min(i, 4));
  }
  for (int i = 15; i >= 0; i--) {
    streams.members.pop_back();
    g_assert_cmpint(alive, ==, std::min(i, 4));
  }
}

/// Kinds share the limit evenly; more kinds than that have one executor each.
void test_kinds() {
  Streams streams(4);
  streams.add(1, 16);
  streams.add(2, 16);
  g_assert_cmpint(alive_of[1], ==, 2);
  g_assert_cmpint(alive_of[2], ==, 2);
  for (int width = 3; width <= 4; width++) streams.add(width, 2);
  for (int width = 1; width <= 4; width++)
    g_assert_cmpint(alive_of[width], ==, 1);
  g_assert_cmpint(most, ==, 4);
  streams.add(5, 2);
  g_assert_cmpint(most, ==, 5);
  for (const auto &member : streams.members)
    g_assert_cmpint(width_of(member.acquire()), >, 0);
}

/// Threads get an executor in the order in which they asked for it.
void test_order() {
  constexpr int kThreads = 12;
  Streams streams(2);
  streams.add(1, kThreads + 2);
  std::optional<ExecutorPool::Lease> held[2];
  for (int i = 0; i < 2; i++) held[i].emplace(streams.members[i].acquire());
  std::vector<std::thread> threads;
  std::vector<int> order;
  std::mutex mutex;
  for (int i = 0; i < kThreads; i++) {
    threads.emplace_back([&, i] {
      const auto lease = streams.members[i + 2].acquire();
      const std::lock_guard<std::mutex> lock(mutex);
      order.push_back(i);
    });
    streams.expect_waiting(i + 1);
  }
  held[1].reset();  // the other stays lent, or two threads would run at once
  for (auto &thread : threads) thread.join();
  for (int i = 0; i < kThreads; i++) g_assert_cmpint(order[i], ==, i);
}

/// Two threads never have the same executor.
void test_threads() {
  Streams streams(3);
  streams.add(1, 8);
  streams.add(2, 8);
  std::map<Executor *, int> users;
  std::mutex mutex;
  std::vector<std::thread> threads;
  for (const auto &member : streams.members)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; i++) {
        const auto lease = member.acquire();
        {
          const std::lock_guard<std::mutex> lock(mutex);
          g_assert_cmpint(++users[&lease.executor()], ==, 1);
        }
        std::this_thread::yield();
        const std::lock_guard<std::mutex> lock(mutex);
        users[&lease.executor()]--;
      }
    });
  // Meanwhile others come and go.
  for (int i = 0; i < 50; i++) must(streams.join(3));
  for (auto &thread : threads) thread.join();
  g_assert_cmpint(most, <=, 3);
}

/// The least recently used executor makes room.
void test_least_recently_used() {
  Streams streams(2);
  streams.add(1, 2);
  Executor *used_last;
  {
    auto first = std::make_optional(streams.members[0].acquire());
    const auto second = streams.members[1].acquire();
    used_last = &second.executor();
    first.reset();
  }
  streams.add(2, 1);
  g_assert_cmpint(alive, ==, 2);
  g_assert_true(&streams.members[0].acquire().executor() == used_last);
}

/// A lent executor is released only after its frame.
void test_lent() {
  Streams streams(2);
  streams.add(1, 2);
  auto first = std::make_optional(streams.members[0].acquire());
  auto second = std::make_optional(streams.members[1].acquire());
  std::atomic<bool> joined{false};
  std::thread thread([&] {
    streams.add(2, 1);
    joined = true;
  });
  g_usleep(20000);
  g_assert_false(joined);
  g_assert_cmpint(width_of(*first), ==, 1);
  g_assert_cmpint(width_of(*second), ==, 1);
  second.reset();
  first.reset();
  thread.join();
  g_assert_cmpint(most, ==, 2);
  g_assert_cmpint(alive_of[1], ==, 1);
  g_assert_cmpint(alive_of[2], ==, 1);
}

/// Streams without an executor get an Error; others share the existing one.
void test_failure() {
  Streams streams(4);
  streams.fails = true;
  g_assert_false(streams.join(1).has_value());
  g_assert_cmpint(streams.warnings, ==, 0);
  streams.fails = false;
  streams.add(1, 1);
  streams.fails = true;
  streams.add(1, 1);
  g_assert_cmpint(streams.warnings, ==, 1);
  g_assert_cmpint(alive, ==, 1);
  for (const auto &member : streams.members)
    g_assert_cmpint(width_of(member.acquire()), ==, 1);
  g_assert_false(streams.join(2).has_value());
}

}  // namespace

int main(int argc, char **argv) {
  g_test_init(&argc, &argv, nullptr);
  g_test_add_func("/cuda/executor-pool/limit", test_limit);
  g_test_add_func("/cuda/executor-pool/kinds", test_kinds);
  g_test_add_func("/cuda/executor-pool/order", test_order);
  g_test_add_func("/cuda/executor-pool/threads", test_threads);
  g_test_add_func("/cuda/executor-pool/least-recently-used",
                  test_least_recently_used);
  g_test_add_func("/cuda/executor-pool/lent", test_lent);
  g_test_add_func("/cuda/executor-pool/failure", test_failure);
  return g_test_run();
}
