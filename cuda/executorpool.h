// SPDX-License-Identifier: LGPL-2.1-or-later
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <tuple>

#include "net/error.h"

namespace fastscnn::cuda {

/// Computes one frame at a time, of any stream of its kind.
class Executor {
 public:
  virtual ~Executor() = default;
};

/// The key of an executor: the network and the size of its input.
struct ExecutorKind {
  const void *weights = nullptr;
  int height = 0, width = 0;
  bool fused = true;  ///< see Config

  auto tie() const { return std::tie(weights, height, width, fused); }
  bool operator<(const ExecutorKind &other) const {
    return tie() < other.tie();
  }
  bool operator==(const ExecutorKind &other) const {
    return tie() == other.tie();
  }
};

/// The executors of a CUDA context, which all of its streams share. Their
/// number is limited: to compute more frames at a time would not be faster, but
/// need more memory. Thread-safe.
class ExecutorPool : public std::enable_shared_from_this<ExecutorPool> {
 public:
  static constexpr int kDefaultLimit = 4;

  using Make = std::function<Result<std::unique_ptr<Executor>>()>;
  using Warn = std::function<void(const std::string &)>;

  /// limit: the maximum number of executors. Only more kinds than that exceed
  /// it: each kind has at least one.
  explicit ExecutorPool(int limit = kDefaultLimit);
  ~ExecutorPool();
  ExecutorPool(const ExecutorPool &) = delete;

 private:
  struct Entry;
  struct Waiter;
  struct Kind;

 public:
  /// Lends an executor for the lifetime of the object. All work that it has
  /// queued must be complete by then.
  class Lease {
   public:
    Lease(Lease &&other) noexcept = default;
    Lease &operator=(Lease &&) = delete;
    ~Lease();

    Executor &executor() const;

   private:
    friend class ExecutorPool;
    Lease(std::shared_ptr<ExecutorPool> pool, Kind *kind, Entry *entry);

    std::shared_ptr<ExecutorPool> pool_;  // null: moved from
    Kind *kind_;
    Entry *entry_;
  };

  /// A stream's access to the executors of a kind. Must outlive its leases.
  class Member {
   public:
    Member(Member &&other) noexcept = default;
    Member &operator=(Member &&) = delete;
    ~Member();

    /// Waits for an executor. They are lent in order of arrival.
    Lease acquire() const;

   private:
    friend class ExecutorPool;
    Member(std::shared_ptr<ExecutorPool> pool, Kind *kind);

    std::shared_ptr<ExecutorPool> pool_;  // null: moved from
    Kind *kind_;
  };

  /// Adds a stream to a kind. Makes an executor for it if the limit allows
  /// another one, if a kind with at least two more gives up its least recently
  /// used one, or if the kind has none. Slow. Executors are made one at a time,
  /// so that the next one finds its plans in the cache. Returns an Error if the
  /// kind has no executor and making one fails; if it has one, warn gets the
  /// reason.
  Result<Member> join(const ExecutorKind &key, const Make &make,
                      const Warn &warn);

  /// Number of threads that wait in acquire().
  int waiting() const;

 private:
  using Lock = std::unique_lock<std::mutex>;

  void leave(Kind *kind);
  Entry *acquire(Kind *kind);
  void give_back(Kind *kind, Entry *entry);

  // These need the lock on mutex_.
  int count() const;
  Kind *richest() const;
  Kind *find(const ExecutorKind &key);
  std::unique_ptr<Executor> retire(Kind *kind);
  static void offer(Kind *kind, Entry *entry);

  const int limit_;
  std::mutex making_;         // locked before mutex_
  mutable std::mutex mutex_;  // guards the members below
  std::map<ExecutorKind, std::unique_ptr<Kind>> kinds_;
  uint64_t clock_ = 0;  // counts uses
  int retired_ = 0;     // still lent, or being destroyed
  std::condition_variable came_back_;
};

}  // namespace fastscnn::cuda
