// SPDX-License-Identifier: LGPL-2.1-or-later
#include "cpu/engine/int8/instructions.h"

#include <atomic>

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace fastscnn::int8 {
namespace {

#if defined(__x86_64__)

struct Registers {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Registers features(unsigned leaf, unsigned subleaf) {
  Registers r;
  __get_cpuid_count(leaf, subleaf, &r.eax, &r.ebx, &r.ecx, &r.edx);
  return r;
}

/// Linux allows a process to use the tiles only on request.
bool may_use_tiles() {
#if defined(__linux__)
  constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr int kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
#else
  return false;
#endif
}

unsigned find_supported() {
  const Registers basic = features(7, 0), more = features(7, 1);
  unsigned found = 0;
  if (more.eax >> 4 & 1) found |= bit(Instructions::kAvxVnni);
  if (basic.ecx >> 11 & 1) {
    found |= bit(Instructions::kAvx512Vnni);
    const bool amx = (basic.edx >> 24 & 1) && (basic.edx >> 25 & 1);
    if (amx && may_use_tiles()) found |= bit(Instructions::kAmx);
  }
  return found;
}

#elif defined(__aarch64__) && defined(__linux__)

unsigned find_supported() {
  unsigned found = 0;
  if (getauxval(AT_HWCAP) >> 20 & 1) found |= bit(Instructions::kDotProd);
  if (getauxval(AT_HWCAP2) >> 13 & 1) found |= bit(Instructions::kI8mm);
  return found;
}

#else

unsigned find_supported() { return 0; }

#endif

std::atomic<unsigned> allowed{~0u};

}  // namespace

unsigned supported_instructions() {
  static const unsigned found = find_supported();
  return found & allowed.load(std::memory_order_relaxed);
}

void allow_instructions(unsigned bits) {
  allowed.store(bits, std::memory_order_relaxed);
}

}  // namespace fastscnn::int8
