// WaitingResult: one call that waits for a task to end.
//
// Private to Jobs. Threads: under its mutex.
#pragma once

#include <memory>

#include "server/jobs/jobs.h"

namespace reprise::jobs {

struct Jobs::WaitingResult {
  NamespaceId home{0};
  TaskId id{0};
  OwnerId owner = 0;
  std::int64_t until_ms = 0;
  std::shared_ptr<ResultReceiver> receiver;
};

}  // namespace reprise::jobs
