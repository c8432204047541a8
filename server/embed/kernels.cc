#include "server/embed/kernels.h"

namespace reprise::embed {

std::vector<const Kernel*> UsableKernels() {
  std::vector<const Kernel*> usable;
#if defined(__x86_64__)
  __builtin_cpu_init();
  const bool has_avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512vl") &&
                          __builtin_cpu_supports("avx512vnni");
  if (has_avx512 && kAvx512Kernel != nullptr) {
    usable.push_back(kAvx512Kernel);
  }
  if (__builtin_cpu_supports("avx2") && kAvx2Kernel != nullptr) {
    usable.push_back(kAvx2Kernel);
  }
#endif
  usable.push_back(&kPlainKernel);
  return usable;
}

}  // namespace reprise::embed
