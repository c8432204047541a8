// The rows of the commands in other forms: a Value (COMMAND.DOCS), JSON (client/commands.json), a
// page for people (COMMANDS.md), a dictionary for the fuzzers.
//
// Threads: any. Errors: none. The output is the same for the same rows, so that a test can compare
// it with the committed files.
#pragma once

#include <string>

#include "protocol/base/value.h"
#include "server/commands/spec.h"

namespace reprise::commands {

base::Value Describe(const CommandSpec& spec);

std::string RenderJson();
std::string RenderMarkdown();
std::string RenderFuzzDictionary();

}  // namespace reprise::commands
