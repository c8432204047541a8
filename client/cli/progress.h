// Progress of long work: a bar that redraws itself on a terminal, else a line every few seconds.
//
// Threads: one owner. Errors: none. Units: in the names.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>

#include "protocol/base/clock.h"

namespace reprise::client {

struct Progress {
  std::uint64_t items = 0;
  std::uint64_t done = 0;   // of total: bytes, or items
  std::uint64_t total = 0;  // 0: not known
  std::uint64_t failed = 0;
  std::int64_t elapsed_ms = 0;
  // What an earlier run had done, when this one goes on with it.
  std::uint64_t items_before = 0;
  std::uint64_t done_before = 0;
};

// "[#####.....]  50 %  12,000 lines  6,000/s  2 s left"
std::string ProgressLine(const Progress& progress, std::string_view noun, bool with_bar);

class Meter {
 public:
  // `noun`: what is counted.
  Meter(std::ostream& report, bool on_terminal, std::string noun);

  // Draws when it is time; elapsed_ms is filled in here.
  void Show(Progress progress);
  // The last one; where there is no terminal the summary says it all.
  void End(Progress progress);
  // A line of its own.
  void Say(std::string_view line);
  std::int64_t ElapsedMs() const { return (clock_.Elapsed() - started_) / base::kNanosPerMilli; }

 private:
  std::ostream& report_;
  const bool on_terminal_;
  const std::string noun_;
  const base::SystemClock clock_;
  const base::Nanos started_;
  base::Nanos drawn_;
};

}  // namespace reprise::client
