#include "client/cli/port_end.h"

#include <ostream>

#include "client/cli/format.h"

namespace reprise::client {

ExitCode ReportStop(const Stop& stop, std::ostream& report) {
  if (stop.interrupted) {
    report << "interrupted";
  } else if (stop.is_local) {  // The hints for codes are about servers.
    report << "error: " << stop.error.detail;
  } else {
    report << FormatError(stop.error);
  }
  report << "\nstopped: " << stop.summary;
  if (!stop.advice.empty()) {
    report << "; " << stop.advice;
  }
  report << std::endl;
  if (stop.interrupted) {
    return ExitCode::kPartial;
  }
  return stop.is_local ? ExitCode::kServerError : CodeOfUnanswered(stop.error);
}

}  // namespace reprise::client
