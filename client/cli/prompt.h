// Prompt: the interactive mode, on libedit.
//
// History stands in ~/.reprise_history (mode 0600, 1,000 lines); a line with AUTH is never kept.
// Ctrl-C drops the line, or ends the call that waits; Ctrl-D leaves. Threads: one; one Prompt at a
// time, because libedit's callbacks find it by its editor. Errors: an unreadable history is empty.
#pragma once

#include <string>
#include <string_view>

#include "client/cli/exit_code.h"
#include "client/cli/shell.h"

namespace reprise::client {

// Whether a line may be kept in the history.
bool MayRemember(std::string_view line);

// "127.0.0.1:7377 default> "
std::string PromptText(const std::string& address, const std::string& name_space);

ExitCode RunPrompt(Shell& shell, const std::string& address, std::atomic<bool>& interrupted);

}  // namespace reprise::client
