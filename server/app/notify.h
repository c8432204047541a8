// Tells systemd that the service is ready or stopping: one datagram to $NOTIFY_SOCKET, when there
// is one. Threads: main. Errors: none; a service manager that does not listen is no reason to stop.
#pragma once

#include <string_view>

namespace reprise::app {

void NotifySystemd(std::string_view state);  // "READY=1", "STOPPING=1", "RELOADING=1"

}  // namespace reprise::app
