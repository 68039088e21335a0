// SPDX-License-Identifier: LGPL-2.1-or-later
#include "tests/cuda/simt-inl.h"

#include <ucontext.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

#ifdef SIMT_TSAN
#include <sanitizer/tsan_interface.h>
#define TSAN(call) call
extern "C" void __tsan_read_range(const void *p, unsigned long bytes);
extern "C" void __tsan_write_range(void *p, unsigned long bytes);
#else
#define TSAN(call)
#endif

namespace fastscnn::cuda {
namespace {

constexpr size_t kStackBytes = 256 << 10;
constexpr int kBanks = 32;

struct Access {
  uintptr_t address;
  int bytes;  // 0: a barrier, or the end
};

struct Copy {
  void *to;
  const void *from;
  bool valid;
  int group;
};

/// A thread of the GPU.
struct Lane {
  enum class State { kReady, kAtProduct, kAtBarrier, kAtClusterBarrier, kDone };

  ucontext_t context;
  std::unique_ptr<char[]> stack{new char[kStackBytes]};
  void *fiber = nullptr;
  State state = State::kReady;
  int products = 0, groups = 0;
  int barriers = 0, cluster_barriers = 0;
  int meetings = 0, cluster_meetings = 0;  // barriers that were not left out
  bool waited = false;                     // for the previous kernel
  std::vector<Copy> copies;
  std::vector<Access> shared, stores;
};

/// The fragments of a product, from all lanes of a warp.
struct Fragments {
  float a[32][8], b[32][4];
};

struct Machine {
  emulator::detail::Launch launch;
  emulator::Options options;
  emulator::Counts counts;
  std::vector<std::unique_ptr<Lane>> lanes;
  std::vector<Fragments> fragments;  // two for each warp, alternating
  std::vector<char *> shared;        // of the blocks of the cluster
  // Addresses that represent barriers to ThreadSanitizer. Two alternate, so
  // that a thread that leaves one late does not synchronise with the next.
  std::vector<char> barrier_tags, done_tags;
  char start_tag, previous_tag;
  ucontext_t scheduler;
  void *scheduler_fiber = nullptr;
  int current = 0, x = 0, y = 0;
  int done = 0;            // lanes
  std::vector<int> alive;  // lanes, by block

  Lane &lane() { return *lanes[current]; }
  int step() const { return options.backwards ? -1 : 1; }
  int rank() const { return current / launch.threads; }
};

Machine machine;

/// Switches to a lane and saves the context of the caller.
void resume(int next, ucontext_t *context) {
  machine.current = next;
  Lane &lane = machine.lane();
  TSAN(__tsan_switch_to_fiber(lane.fiber, __tsan_switch_to_fiber_no_sync));
  swapcontext(context, &lane.context);
}

/// Lets other lanes run: those of the same warp if possible, which is faster.
void leave(Lane::State state) {
  Lane &lane = machine.lane();
  lane.state = state;
  const int warp = machine.current / 32 * 32, step = machine.step();
  for (int i = 1; i < 32 && state != Lane::State::kDone; i++) {
    const int next = warp + (machine.current + i * step + 32) % 32;
    if (machine.lanes[next]->state == Lane::State::kReady)
      return resume(next, &lane.context);
  }
  TSAN(__tsan_switch_to_fiber(machine.scheduler_fiber,
                              __tsan_switch_to_fiber_no_sync));
  swapcontext(&lane.context, &machine.scheduler);
}

/// Makes lanes ready if all of them have arrived.
bool release(int first, int count, Lane::State state) {
  const auto begin = machine.lanes.begin() + first, end = begin + count;
  if (!std::all_of(begin, end,
                   [=](const auto &lane) { return lane->state == state; }))
    return false;
  std::for_each(begin, end,
                [](const auto &lane) { lane->state = Lane::State::kReady; });
  return true;
}

/// Waits for the other lanes of the warp.
void meet_warp() {
  machine.lane().state = Lane::State::kAtProduct;
  if (!release(machine.current / 32 * 32, 32, Lane::State::kAtProduct))
    leave(Lane::State::kAtProduct);
}

void meet(int tag, Lane::State state) {
  TSAN(__tsan_release(&machine.barrier_tags[tag]));
  leave(state);
  TSAN(__tsan_acquire(&machine.barrier_tags[tag]));
  (void)tag;
}

/// Overwrites a block's memory, as a block that ran before or after it would.
void poison(int rank) {
  char *shared = machine.shared[rank];
  TSAN(__tsan_acquire(&machine.done_tags[rank]));
  TSAN(__tsan_write_range(shared, machine.launch.shared_bytes));
  std::fill_n(shared, machine.launch.shared_bytes, char(0xff));
}

/// Ends the program: on a GPU, the fault might go unnoticed.
[[noreturn]] void give_up(const char *why) {
  std::fprintf(stderr, "%s\n", why);
  std::abort();
}

/// Lets a separate fiber write the memory that the previous kernel writes.
void run_previous() {
#ifdef SIMT_TSAN
  static void *fiber = __tsan_create_fiber(0);
  void *scheduler = __tsan_get_current_fiber();
  __tsan_release(&machine.start_tag);
  __tsan_switch_to_fiber(fiber, __tsan_switch_to_fiber_no_sync);
  __tsan_acquire(&machine.start_tag);
  for (const auto &memory : machine.options.previous)
    __tsan_write_range(memory.begin, memory.bytes);
  __tsan_release(&machine.previous_tag);
  __tsan_switch_to_fiber(scheduler, __tsan_switch_to_fiber_no_sync);
#endif
}

void run_lane() {
  TSAN(__tsan_acquire(&machine.start_tag));
  machine.launch.body(machine.launch.kernel, machine.shared[machine.rank()]);
  if (!machine.lane().waited)
    give_up("A thread has not waited for the kernel in front");
  TSAN(__tsan_release(&machine.done_tags[machine.rank()]));
  machine.done++;
  if (--machine.alive[machine.rank()] == 0) {
    poison(machine.rank());
    TSAN(__tsan_release(&machine.done_tags[machine.rank()]));
  }
  machine.lane().shared.push_back({});
  leave(Lane::State::kDone);
}

void prepare(int threads) {
  while (static_cast<int>(machine.lanes.size()) < threads)
    machine.lanes.push_back(std::make_unique<Lane>());
  machine.fragments.resize(size_t(threads) / 32 * 2);
  TSAN(machine.scheduler_fiber = __tsan_get_current_fiber());
  for (int i = 0; i < threads; i++) {
    Lane &lane = *machine.lanes[i];
    TSAN(if (!lane.fiber) lane.fiber = __tsan_create_fiber(0));
    getcontext(&lane.context);
    lane.context.uc_stack.ss_sp = lane.stack.get();
    lane.context.uc_stack.ss_size = kStackBytes;
    makecontext(&lane.context, run_lane, 0);
    lane.state = Lane::State::kReady;
    lane.products = lane.groups = lane.barriers = lane.cluster_barriers = 0;
    lane.meetings = lane.cluster_meetings = 0;
    lane.waited = false;
    lane.copies.clear();
    lane.shared.clear();
    lane.stores.clear();
  }
}

void run_cluster() {
  const int block = machine.launch.threads;
  const int threads = block * machine.launch.cluster;
  prepare(threads);
  machine.alive.assign(machine.launch.cluster, block);
  machine.done = 0;
  TSAN(__tsan_release(&machine.start_tag));
  while (machine.done < threads) {
    bool progress = false;
    for (int i = 0; i < threads; i++) {
      const int next = machine.step() > 0 ? i : threads - 1 - i;
      if (machine.lanes[next]->state != Lane::State::kReady) continue;
      progress = true;
      resume(next, &machine.scheduler);
    }
    release(0, threads, Lane::State::kAtClusterBarrier);
    for (int first = 0; first < threads; first += block)
      release(first, block, Lane::State::kAtBarrier);
    if (!progress) give_up("The threads of a block wait for each other");
  }
  TSAN(for (char &tag : machine.done_tags) __tsan_acquire(&tag));
}

/// Number of passes of one access by a warp: the largest number of different
/// words in one bank, for each part of the warp that is served at a time.
int count_waves(const Access *accesses) {
  const int bytes = accesses[0].bytes, lanes = 128 / bytes;
  int waves = 0;
  for (int first = 0; first < 32; first += lanes) {
    uintptr_t words[kBanks][kBanks];
    int count[kBanks] = {}, worst = 1;
    for (int i = first; i < first + lanes; i++)
      for (int b = 0; b < bytes; b += 4) {
        const uintptr_t word = (accesses[i].address + b) / 4;
        uintptr_t *bank = words[word % kBanks];
        int &n = count[word % kBanks];
        if (std::find(bank, bank + n, word) == bank + n) bank[n++] = word;
        worst = std::max(worst, n);
      }
    waves += worst;
  }
  return waves;
}

/// Counts the accesses of a warp to shared memory between barriers, as far as
/// its lanes have not diverged.
void count_shared(int first) {
  const Access *begin[32], *next[32];
  for (int l = 0; l < 32; l++)
    next[l] = machine.lanes[first + l]->shared.data();
  const int segments = machine.lanes[first]->barriers +
                       machine.lanes[first]->cluster_barriers + 1;
  for (int segment = 0; segment < segments; segment++) {
    bool together = true;
    for (int l = 0; l < 32; l++) {
      begin[l] = next[l];
      while (next[l]->bytes) next[l]++;
      together &= next[l] - begin[l] == next[0] - begin[0];
    }
    for (int l = 0; l < 32; l++) next[l]++;  // beyond the barrier
    for (; together && begin[0]->bytes; begin[0]++) {
      Access step[32];
      for (int l = 0; l < 32; l++) {
        step[l] = l == 0 ? *begin[l] : *begin[l]++;
        together &= step[l].bytes == step[0].bytes;
      }
      if (!together) break;
      machine.counts.waves += count_waves(step);
      machine.counts.least_waves += step[0].bytes / 4;
    }
  }
}

void count_stores(int first) {
  const auto lanes = machine.lanes.begin() + first;
  size_t most = 0;
  for (int l = 0; l < 32; l++) most = std::max(most, lanes[l]->stores.size());
  for (size_t i = 0; i < most; i++) {
    std::vector<uintptr_t> sectors;
    long bytes = 0;
    for (int l = 0; l < 32; l++) {
      if (i >= lanes[l]->stores.size()) continue;
      bytes += lanes[l]->stores[i].bytes;
      sectors.push_back(lanes[l]->stores[i].address / 32);
    }
    std::sort(sectors.begin(), sectors.end());
    machine.counts.sectors +=
        std::unique(sectors.begin(), sectors.end()) - sectors.begin();
    machine.counts.least_sectors += (bytes + 31) / 32;
  }
}

}  // namespace

namespace emulator::detail {

Counts run(const Launch &launch, const Options &options) {
  machine.launch = launch;
  machine.options = options;
  machine.counts = {};
  machine.barrier_tags.resize(2 * (size_t(launch.cluster) + 1));
  machine.done_tags.resize(launch.cluster);
  run_previous();
  const std::align_val_t alignment{128};
  for (machine.y = 0; machine.y < launch.grid_y; machine.y++)
    for (machine.x = 0; machine.x < launch.grid_x; machine.x++) {
      // Of exactly this size, so that AddressSanitizer sees its ends.
      machine.shared.clear();
      for (int rank = 0; rank < launch.cluster; rank++) {
        machine.shared.push_back(static_cast<char *>(
            ::operator new(launch.shared_bytes, alignment)));
        poison(rank);
      }
      run_cluster();
      for (char *shared : machine.shared) ::operator delete(shared, alignment);
      const int threads = launch.threads * launch.cluster;
      for (int first = 0; first < threads; first += 32) {
        count_shared(first);
        count_stores(first);
      }
      machine.counts.blocks += launch.cluster;
    }
  machine.counts.barriers = machine.lanes[0]->barriers;
  machine.counts.cluster_barriers = machine.lanes[0]->cluster_barriers;
  return machine.counts;
}

}  // namespace emulator::detail

namespace simt {

int thread() { return machine.current % machine.launch.threads; }
int block_x() { return machine.x; }
int block_y() { return machine.y; }
int cluster_rank() { return machine.rank(); }

void sync_block() {
  Lane &lane = machine.lane();
  lane.shared.push_back({});
  if (lane.barriers++ != machine.options.without_barrier)
    meet(2 * machine.rank() + lane.meetings++ % 2, Lane::State::kAtBarrier);
}

void sync_cluster() {
  Lane &lane = machine.lane();
  lane.shared.push_back({});
  if (lane.cluster_barriers++ != machine.options.without_cluster_barrier)
    meet(2 * machine.launch.cluster + lane.cluster_meetings++ % 2,
         Lane::State::kAtClusterBarrier);
}

const void *address_in(int rank, const void *p) {
  return machine.shared[rank] +
         (static_cast<const char *>(p) - machine.shared[machine.rank()]);
}

void copy_async(void *shared, const void *global, bool valid) {
  Lane &lane = machine.lane();
  // A copy may read as early as here, or as late as in wait_copies().
  TSAN(if (valid) __tsan_read_range(global, 16));
  lane.copies.push_back({shared, global, valid, lane.groups});
}

void commit_copies() { machine.lane().groups++; }

void wait_copies(int pending) {
  Lane &lane = machine.lane();
  const auto is_complete = [&](const Copy &copy) {
    if (copy.group >= lane.groups - pending) return false;
    if (copy.valid) {
      TSAN(__tsan_read_range(copy.from, 16));
      std::memcpy(copy.to, copy.from, 16);
    } else {
      std::memset(copy.to, 0, 16);
    }
    TSAN(__tsan_write_range(copy.to, 16));
    return true;
  };
  lane.copies.erase(
      std::remove_if(lane.copies.begin(), lane.copies.end(), is_complete),
      lane.copies.end());
}

void mma(float (&d)[4], const uint32_t (&a)[4], uint32_t b0, uint32_t b1) {
  Lane &lane = machine.lane();
  const int turn = lane.products++ % 2, l = machine.current % 32;
  Fragments &all = machine.fragments[machine.current / 32 * 2 + turn];
  const auto expand = [](uint32_t pair, float *to) {
    __half2 halves;
    std::memcpy(static_cast<void *>(&halves), &pair, sizeof halves);
    to[0] = __low2float(halves);
    to[1] = __high2float(halves);
  };
  for (int i = 0; i < 4; i++) expand(a[i], all.a[l] + 2 * i);
  expand(b0, all.b[l]);
  expand(b1, all.b[l] + 2);
  machine.counts.products += l == 0;
  meet_warp();
  for (int i = 0; i < 4; i++) {
    const int row = l / 4, column = l % 4 * 2 + i % 2;
    for (int k = 0; k < 16; k++) {
      const int from = k % 8 / 2;
      d[i] += all.a[row * 4 + from][k / 8 * 4 + i / 2 * 2 + k % 2] *
              all.b[column * 4 + from][k / 8 * 2 + k % 2];
    }
  }
}

uint32_t copy_register(uint32_t x) { return x; }

void wait_for_previous() {
  machine.lane().waited = true;
  TSAN(if (!machine.options.without_wait)
           __tsan_acquire(&machine.previous_tag));
}
void let_next_start() {}

__half2 fma2(__half2 a, __half2 b, __half2 c) {
  const auto low = __low2float(a) * __low2float(b) + __low2float(c);
  const auto high = __high2float(a) * __high2float(b) + __high2float(c);
  return __floats2half2_rn(low, high);
}

__half2 clamp2(__half2 x, __half2 low, __half2 high) {
  // Unlike on the GPU, NaN stays NaN, so that tests notice it.
  const auto clamp = [](float x, float low, float high) {
    return x < low ? low : x > high ? high : x;
  };
  return __floats2half2_rn(
      clamp(__low2float(x), __low2float(low), __low2float(high)),
      clamp(__high2float(x), __high2float(low), __high2float(high)));
}

void note_shared(const void *p, int bytes) {
  machine.lane().shared.push_back({reinterpret_cast<uintptr_t>(p), bytes});
}
void note_store(const void *p, int bytes) {
  machine.lane().stores.push_back({reinterpret_cast<uintptr_t>(p), bytes});
}

}  // namespace simt
}  // namespace fastscnn::cuda
