#include "bench/jobs/trace.h"

#include <cmath>
#include <cstdio>
#include <fstream>

namespace reprise::bench {

std::vector<TraceRow> ReadTrace(const std::string& path) {
  std::vector<TraceRow> rows;
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  double first = -1;
  while (std::getline(file, line)) {
    int hours = 0;
    int minutes = 0;
    double seconds = 0;
    TraceRow row;
    if (std::sscanf(line.c_str(), "%*d-%*d-%*d %d:%d:%lf,%u,%u", &hours, &minutes, &seconds,
                    &row.tokens_in, &row.tokens_out) != 5) {
      continue;
    }
    const double at = hours * 3600 + minutes * 60 + seconds;
    first = first < 0 ? at : first;
    row.at_ms = std::llround((at - first) * 1000);
    rows.push_back(row);
  }
  return rows;
}

}  // namespace reprise::bench
