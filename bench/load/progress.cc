#include "bench/load/progress.h"

#include <algorithm>
#include <cstdio>
#include <unistd.h>
#include <utility>

namespace reprise::bench {
namespace {

constexpr double kTerminalPeriodS = 0.2;
constexpr double kPlainPeriodS = 5.0;
constexpr std::size_t kBarCells = 24;

}  // namespace

Progress::Progress(std::string title, bool quiet)
    : title_(std::move(title)), quiet_(quiet), terminal_(isatty(STDERR_FILENO) != 0) {}

Progress::~Progress() {
  if (drawn_ && terminal_) {
    std::fputs("\r\033[K", stderr);  // The summary takes the line's place.
  }
}

void Progress::Show(const State& state) {
  const double since_s = state.elapsed_s - shown_s_;
  if (quiet_ || since_s < (terminal_ ? kTerminalPeriodS : kPlainPeriodS)) {
    return;
  }
  const double rate =
      static_cast<double>(state.calls - std::min(state.calls, shown_calls_)) / since_s;
  const double share = std::clamp(state.share, 0.0, 1.0);
  const double left_s = share > 0.0 ? state.elapsed_s * (1.0 - share) / share : 0.0;
  std::string bar(static_cast<std::size_t>(share * kBarCells), '#');
  bar.resize(kBarCells, '.');
  std::fprintf(stderr, "%s%s [%s] %3.0f %%  %.0f/s  %.0f s left%s%s", terminal_ ? "\r\033[K" : "",
               title_.c_str(), bar.c_str(), share * 100.0, rate, left_s,
               state.errors > 0 ? (", errors: " + std::to_string(state.errors)).c_str() : "",
               terminal_ ? "" : "\n");
  std::fflush(stderr);
  drawn_ = true;
  shown_s_ = state.elapsed_s;
  shown_calls_ = state.calls;
}

}  // namespace reprise::bench
