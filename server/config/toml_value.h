// ReadToml: a TOML file as a Value, for modules whose data is kept in one (prices). The settings of
// the server are read by config.h.
//
// Tables are maps, dates are texts in quotes. What toml++ reads unsafely is refused before it sees
// it: braces, several lines in one text, letters beyond ASCII outside of quotes. Threads: any.
// Errors: kIo, kTooLarge, kBadRequest with the place. Limits: 1 MiB, lines of 16 KiB.
#pragma once

#include <string>

#include "protocol/base/result.h"
#include "protocol/base/value.h"

namespace reprise::config {

base::Result<base::Value> ReadToml(const std::string& path);

}  // namespace reprise::config
