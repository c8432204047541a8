// All of the client library in one include. Each header says its own rules.
#pragma once

#include "client/cpp/access.h"
#include "client/cpp/async_caller.h"
#include "client/cpp/async_client.h"
#include "client/cpp/cache.h"
#include "client/cpp/client.h"
#include "client/cpp/control.h"
#include "client/cpp/fetcher.h"
#include "client/cpp/job_worker.h"
#include "client/cpp/jobs.h"
#include "client/cpp/keys.h"
#include "client/cpp/limits.h"
#include "client/cpp/pool.h"
#include "client/cpp/server.h"
#include "client/cpp/session.h"
#include "client/cpp/spend.h"
