// Which kernels this processor can run.
//
// Threads: any. Errors: none. Lifetime: kernels live as long as the program. Limits: none.
#pragma once

#include <vector>

#include "server/embed/kernel.h"

namespace reprise::embed {

// The fastest first; the plain one is always there, at the end.
std::vector<const Kernel*> UsableKernels();

}  // namespace reprise::embed
