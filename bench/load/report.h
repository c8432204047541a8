// Report: a summary as text for people and as JSON for bench/compare.py.
//
// Units: microseconds for latencies and CPU per call, bytes, seconds. Threads: any. Errors: kIo
// when the file cannot be written.
#pragma once

#include <string>

#include "bench/load/run.h"
#include "bench/load/settings.h"
#include "protocol/base/result.h"

namespace reprise::bench {

std::string TextOf(const Settings& settings, const Summary& summary);
std::string JsonOf(const Settings& settings, const Summary& summary);
base::Status WriteFile(const std::string& path, const std::string& text);

}  // namespace reprise::bench
