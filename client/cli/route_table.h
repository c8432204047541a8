// What routing did, as `reprise-cli route` shows it: its totals and a table of the models, from
// ROUTE.STATS.
//
// Threads: any, pure. Errors: none; what is missing reads as zero. Units: dollars, from
// nano-dollars.
#pragma once

#include <string>

#include "protocol/base/value.h"

namespace reprise::client {

std::string RouteTable(const base::Value& stats);

}  // namespace reprise::client
