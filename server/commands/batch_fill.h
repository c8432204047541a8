// `fill` of a task: how its result goes into the response cache, as CACHE.STORE would put it there.
//
// A map {prompt, identity, type, tags, ttl_ms, identity_mode, request}: the arguments of
// CACHE.STORE but the response and what the worker tells. Threads: as the command. Errors:
// kBadRequest, those of CACHE.STORE.
#pragma once

#include <string_view>

#include "protocol/base/result.h"
#include "server/commands/context.h"
#include "server/jobs/jobs.h"

namespace reprise::commands {

// What is wrong with it is said when the task is handed in.
base::Status CheckFill(std::string_view fill);
// Stores the result, in the namespace of the task. False: policies keep no answer to this question.
base::Result<bool> FillCache(Context& context, const jobs::Completed& completed);

}  // namespace reprise::commands
